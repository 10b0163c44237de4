"""The real outside: registries, health books, key providers, identity providers."""
