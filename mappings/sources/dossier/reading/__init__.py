"""Reading the national dossier: envelope, HOSO, tables."""
