"""Intake: what a hospital sends is read, planned, kept and answered."""
