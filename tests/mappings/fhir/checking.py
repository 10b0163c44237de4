"""What independent checkers say against a resource."""

from __future__ import annotations

import json

import fhirkit
from fhir.resources.R4B import get_fhir_model_class


def problems(content: bytes) -> list[str]:
    """The findings of fhirkit; the pydantic models raise theirs."""
    get_fhir_model_class(json.loads(content)["resourceType"]).model_validate_json(content)
    return values_problems(content)


def values_problems(content: bytes) -> list[str]:
    """The findings of fhirkit alone, fast enough for thousands."""
    return [str(issue) for issue in fhirkit.validate(content)]
