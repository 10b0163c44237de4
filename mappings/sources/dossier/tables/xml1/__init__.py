"""Table XML1 of the national dossier."""
