"""Table XML4 of the national dossier."""
