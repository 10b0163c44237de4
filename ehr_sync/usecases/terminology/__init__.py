"""Code lists: which editions this installation has beside those that it came with."""
