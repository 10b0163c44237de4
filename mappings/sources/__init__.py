"""Where records come from: one folder a source."""
