"""The simulated personal health book."""
