"""The hospital's desk: what became of what was sent."""
