"""Verification: claims are put to the population registry."""
