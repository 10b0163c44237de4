"""WHAT: from the files that hospitals produce by law to HL7 FHIR R4. Pure: no database, no network, no clock."""
