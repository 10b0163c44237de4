"""What a facility sees and does at its desk, as people by the pages or as a system by the API."""
