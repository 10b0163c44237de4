"""Attacks on a running service that can run by themselves; each is a row of docs/security/attack-log.md.

A test's name begins with the number of its row: test_a014_… What floods is in the long form: make attack.
"""
