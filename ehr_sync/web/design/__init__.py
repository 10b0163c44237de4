"""How pages look and what language they speak."""
