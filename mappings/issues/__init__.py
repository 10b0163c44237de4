"""Everything that can be wrong with what was sent, and how it is told."""
