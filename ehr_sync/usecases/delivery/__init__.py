"""Delivery: what a lane lacks is composed, pushed and settled."""
