"""Table XML2 of the national dossier."""
