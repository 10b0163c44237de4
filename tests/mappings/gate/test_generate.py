"""The gate's tables as they are made from definitions: a release of three types, written by hand beside its table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from mappings.gate import extensions, generate

Json = dict[str, Any]
HL7: Final = "http://hl7.org/fhir/StructureDefinition/"
SETS: Final = "http://hl7.org/fhir/ValueSet/"
SYSTEM: Final = "http://example.org/letters"
SIGNS: Final = "http://example.org/signs"


def element(path: str, cardinality: str, *types: Json, **more: Any) -> Json:
    least, _, most = cardinality.partition("..")
    return {"path": path, "min": int(least), "max": most, "type": list(types), **more}


def bound(name: str, strength: str = "required") -> Json:
    return {"strength": strength, "valueSet": f"{SETS}{name}|4.0.1"}


def rule(key: str, human: str, source: str, severity: str = "error") -> Json:
    return {"key": key, "human": human, "source": HL7 + source, "severity": severity}


def structure(id_: str, kind: str, *elements: Json, of: str = "", **more: Any) -> Json:
    base: Json = {"resourceType": "StructureDefinition", "id": id_, "type": of or id_, "kind": kind}
    return {**base, "snapshot": {"element": [element(of or id_, "0..*"), *elements]}, **more}


def system_type(name: str, fhir: str, *more: Json) -> Json:
    url = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
    return {"code": f"http://hl7.org/fhirpath/System.{name}", "extension": [{"url": url, "valueUrl": fhir}, *more]}


REGEX: Final = {"url": generate.NAME_OF_REGEX, "valueString": "[a-z]+"}
PATIENT, BOT = HL7 + "Patient", "https://makers.example/StructureDefinition/Bot"
TYPES: Final = [
    structure("string", "primitive-type", element("string.value", "0..1", system_type("String", "string"))),
    structure("code", "primitive-type", element("code.value", "0..1", system_type("String", "code", REGEX))),
    structure("Element", "complex-type", element("Element.id", "0..1", system_type("String", "string")), abstract=True),
    structure("BackboneElement", "complex-type", element("BackboneElement.id", "0..1", {"code": "string"})),
    structure("Quantity", "complex-type", element("Quantity.value", "0..1", {"code": "decimal"})),
    structure(
        "SimpleQuantity",
        "complex-type",
        element("Quantity.value", "0..1", {"code": "decimal"}),
        element("Quantity.comparator", "0..0", {"code": "code"}),
        of="Quantity",
    ),
]
RESOURCES: Final = [
    structure("DomainResource", "resource", element("DomainResource.id", "0..1", {"code": "id"}), abstract=True),
    structure("Account", "resource", element("Account.id", "0..1", {"code": "id"})),  # no type of ours
    structure("Binary", "resource", element("Binary.url", "0..1", {"code": "uri"})),  # the makers' own
    structure(
        "AuditEvent",
        "resource",
        element("AuditEvent.source", "1..1", {"code": "BackboneElement"}),
        element(
            "AuditEvent.source.observer",
            "1..1",
            {"code": "Reference", "targetProfile": [PATIENT, HL7 + "Subscription", HL7 + "Device", BOT]},
        ),
    ),
    structure(
        "Basic",
        "resource",
        element(
            "Basic.status",
            "1..1",
            {"code": "code"},
            binding=bound("letters"),
            constraint=[
                rule("bas-1", "One.", "Basic"),
                rule("bas-1", "One otherwise.", "Basic.status"),
                rule("bas-2", "Only a wish.", "Basic", "warning"),
                rule("ele-1", "Of every element.", "Element"),
                rule("dom-2", "Of every resource.", "DomainResource"),
                {"key": "bas-3", "human": "Said here.", "severity": "error"},
            ],
        ),
        element(
            "Basic.code",
            "1..1",
            {"code": "CodeableConcept"},
            binding=bound("signs"),
            constraint=[rule("dom-2", "Of every resource.", "DomainResource")],
        ),
        element("Basic.kind", "0..1", {"code": "code"}, binding=bound("letters", "extensible")),
        element("Basic.filtered", "0..1", {"code": "code"}, binding=bound("filtered")),
        element("Basic.unknown", "0..1", {"code": "code"}, binding=bound("nowhere")),
        element("Basic.some[x]", "0..1", {"code": "string"}, {"code": "Quantity", "profile": [HL7 + "SimpleQuantity"]}),
        element("Basic.subject", "0..1", {"code": "Reference", "targetProfile": [BOT]}),
        element("Basic.part", "0..*", {"code": "BackboneElement"}),
        element("Basic.part.text", "0..1", {"code": "string"}),
        element("Basic.part.part", "0..*", contentReference="#Basic.part"),
    ),
]
VALUE_SETS: Final[list[Json]] = [
    {
        "resourceType": "ValueSet",
        "url": f"{SETS}letters",
        "compose": {"include": [{"system": SYSTEM}, {"system": SIGNS, "concept": [{"code": "plus"}]}]},
    },
    {
        "resourceType": "ValueSet",
        "url": f"{SETS}signs",
        "compose": {"include": [{"system": SIGNS, "concept": [{"code": "plus"}, {"code": "minus"}]}]},
    },
    {
        "resourceType": "ValueSet",
        "url": f"{SETS}filtered",
        "compose": {"include": [{"system": SYSTEM}, {"system": SYSTEM, "filter": [{}]}]},
    },
    {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "content": "complete",
        "concept": [{"code": "b"}, {"code": "a", "concept": [{"code": "a1"}]}],
    },
]

TABLE: Final[Json] = {
    "primitives": {"code": "[a-z]+", "string": ""},
    "resources": sorted(generate.TYPES.split()),
    "others": ["Account"],
    "types": {
        "AuditEvent": {"source": ["1..1", "AuditEvent.source"]},
        "AuditEvent.source": {"observer": ["1..1", "Reference(Device Patient)"]},
        "Basic": {
            "status": ["1..1", "code", "letters"],
            "code": ["1..1", "CodeableConcept", "signs"],
            "kind": ["0..1", "code"],
            "filtered": ["0..1", "code"],
            "unknown": ["0..1", "code"],
            "some[x]": ["0..1", "string|SimpleQuantity"],
            "subject": ["0..1", "Reference"],
            "part": ["0..*", "Basic.part"],
        },
        "Basic.part": {"text": ["0..1", "string"], "part": ["0..*", "Basic.part"]},
        "Element": {"id": ["0..1", "string"]},
        "Quantity": {"value": ["0..1", "decimal"]},
        "SimpleQuantity": {"value": ["0..1", "decimal"], "comparator": ["0..0", "code"]},
    },
    "invariants": {
        "bas-1": {"One.": ["Basic.status"], "One otherwise.": ["Basic.status"]},
        "bas-3": {"Said here.": ["Basic.status"]},
        "dom-2": {"Of every resource.": ["DomainResource"]},
    },
    "value_sets": {"letters": ["a", "a1", "b", "plus"], "signs": [f"{SIGNS}|minus", f"{SIGNS}|plus"]},
}


def release(folder: Path) -> None:
    files = {"profiles-types": TYPES, "profiles-resources": RESOURCES, "valuesets": VALUE_SETS}
    for name, resources in (*files.items(), ("v3-codesystems", list[Json]())):
        (folder / f"{name}.json").write_text(json.dumps({"entry": [{"resource": one} for one in resources]}))


def made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(generate, "__file__", str(folder / "generate.py"))
    generate.main(str(folder))
    return (folder / "r4.json").read_text()


def test_the_table_says_of_each_type_what_its_definition_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(tmp_path)
    assert json.loads(made(tmp_path, monkeypatch)) == TABLE


def test_a_change_of_one_type_is_a_change_of_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(tmp_path)
    lines = made(tmp_path, monkeypatch).splitlines()
    assert '"Quantity":{"value":["0..1","decimal"]},' in lines
    assert [line for line in lines if line.startswith('"Basic.part"')] == [
        '"Basic.part":{"text":["0..1","string"],"part":["0..*","Basic.part"]},'
    ]


def test_extensions_are_listed_with_where_they_may_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "extensions.csv"
    rows = [
        f"{HL7}patient-birthPlace,element:Patient;",
        f"{HL7}both,element:Patient;element:Person.name",
        "https://makers.example/ours,element:Patient",
    ]
    source.write_text("url,contexts\n" + "\n".join(rows))
    monkeypatch.setattr(extensions, "__file__", str(tmp_path / "extensions.py"))
    extensions.main(source)

    assert json.loads((tmp_path / "r4_extensions.json").read_text(encoding="utf-8")) == {
        f"{HL7}both": ["Patient", "Person.name"],
        f"{HL7}patient-birthPlace": ["Patient"],
    }
