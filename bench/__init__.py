"""Benchmarks, each beside what the machine could do at best in the same run: python -m bench."""
