"""The citizen's rooms: one's own book."""
