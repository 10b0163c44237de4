"""What an operator types; each module is a group of commands that ehr_sync.cli names."""
