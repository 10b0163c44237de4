"""Readers: bytes of one source format to dossiers (values, never FHIR)."""
