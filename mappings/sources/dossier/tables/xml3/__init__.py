"""Table XML3 of the national dossier."""
