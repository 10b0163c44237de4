"""The simulated population registry."""
