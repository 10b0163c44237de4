"""The population registry, in the ways in which it can be asked."""
