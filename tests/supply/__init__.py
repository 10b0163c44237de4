"""What the project is built from: the lock, what is known to be wrong with it, its parts, and no secret in the tree."""
