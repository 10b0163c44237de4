"""How FHIR values are made, whatever the source."""
