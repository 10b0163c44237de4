"""A child of a birth: the record that a row of XML9 makes of its own, beside the mother's dossier in which it came."""
