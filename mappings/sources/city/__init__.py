"""The city's own JSON: one form for each kind of record that a clinic without a hospital system sends."""
