"""What the three simulated servers share."""
