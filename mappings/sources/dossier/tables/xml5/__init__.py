"""Table XML5 of the national dossier."""
