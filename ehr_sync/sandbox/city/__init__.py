"""The invented city: who lives there and who works there."""
