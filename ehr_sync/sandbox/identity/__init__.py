"""The simulated identity provider."""
