"""The gate: all FHIR R4 that leaves or enters passes here, resource by resource and again as a Bundle.

Three layers: `fhirkit` on every value; the `fhir.resources` models on every new shape; and our own table of
the official definitions for required bindings, cardinality, values, reference targets and invariants.
https://hl7.org/fhir/R4/validation.html
"""

from mappings.gate.bundles import bundle_findings
from mappings.gate.checks import findings
from mappings.gate.finding import Finding
from mappings.gate.fingerprint import GATE
from mappings.gate.shapes import load

__all__ = ["GATE", "Finding", "bundle_findings", "findings", "load"]
