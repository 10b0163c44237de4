"""The operator's console: state, never content."""
