"""PostgreSQL; the only SQL. Functions take an open transaction and never commit."""
