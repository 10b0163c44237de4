"""HOW: the service around the mappings."""
