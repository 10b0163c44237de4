"""Rules and vocabulary; standard library only, no input or output."""
