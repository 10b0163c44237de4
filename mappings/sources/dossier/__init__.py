"""One package per source table: what its fields must be, and what they become in FHIR."""
