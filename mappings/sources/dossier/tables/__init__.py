"""The tables of the national dossier (QĐ 130, 4750, 3176), a folder each."""
