"""What the city's hospitals produce."""
