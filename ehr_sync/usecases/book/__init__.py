"""The book of one person: the one place where its content changes, and every way of reading it."""
