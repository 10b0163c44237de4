"""Simulators of the outside, over real HTTP, with faults on order."""
