"""HTTP in; one module per endpoint family."""
