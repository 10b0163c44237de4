"""The audit log as a whole: its head told outside of the database, and compared with what was told."""
