"""Review: what the registry leaves open is decided by people, with reasons, and can be undone."""
