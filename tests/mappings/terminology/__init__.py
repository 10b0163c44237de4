"""Code lists by their editions, files of them, LOINC."""
