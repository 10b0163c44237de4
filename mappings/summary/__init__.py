"""A person's book in short: what counts as theirs now, and the International Patient Summary made of it."""
