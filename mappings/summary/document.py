"""A book's International Patient Summary: a document Bundle that is the same as long as the book is.

IPS 1.1.0, http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from mappings import exact_json
from mappings.fhir.elements import NOT_STATED, coding, concept
from mappings.summary.gathered import Gathered, gathered
from mappings.summary.narrative import Language, Told, narrative, read
from mappings.summary.sections import Section, own_id, sections

_PROFILES: Final = "http://hl7.org/fhir/uv/ips/StructureDefinition"
_LOINC: Final = "http://loinc.org"
TITLE: Final = "Tóm tắt sức khỏe / International Patient Summary"


def summary(resources: Sequence[bytes]) -> bytes:
    """The document of a whole book, given as JSON with meta, a Patient among them.

    Its time is that of the book's last change, and its identifier names just what the book then held.
    """
    book = gathered(resources)
    changed = str(book.patient["meta"]["lastUpdated"])
    made = tuple(sections(book, datetime.fromisoformat(changed)))
    composition = _composition(book, made, changed)
    entries = [composition, _patient(book), _author(book), *(entry for section in made for entry in section.entries)]
    entries += _places(book, entries)
    known = {f"{each['resourceType']}/{each['id']}": f"urn:uuid:{each['id']}" for each in entries}
    bundle = {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{_PROFILES}/Bundle-uv-ips"]},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{own_id(book, f'summary/{book.state}')}"},
        "type": "document",
        "timestamp": changed,
        "entry": [{"fullUrl": f"urn:uuid:{each['id']}", "resource": _within(each, known)} for each in entries],
    }
    return exact_json.dumps(bundle)


def told(document: Mapping[str, Any], language: Language) -> list[Told]:
    """The sections of such a document, as they are told in a language."""
    composition = document["entry"][0]["resource"]
    return [read(section["text"]["div"], language) for section in composition["section"]]


def _composition(book: Gathered, made: Iterable[Section], changed: str) -> dict[str, Any]:
    return {
        "resourceType": "Composition",
        "id": own_id(book, f"composition/{book.state}"),
        "meta": {"profile": [f"{_PROFILES}/Composition-uv-ips"]},
        "language": "vi",
        "status": "final",
        "type": concept(coding(_LOINC, "60591-5", "Patient summary Document")),
        "subject": {"reference": f"Patient/{book.patient['id']}"},
        "date": changed,
        "author": [{"reference": f"Device/{own_id(book, 'author')}"}],
        "title": TITLE,
        "confidentiality": "N",
        "section": [
            {
                "title": " / ".join(section.title),
                "code": concept(coding(_LOINC, section.loinc, section.name)),
                "text": {
                    "status": "generated",
                    "div": narrative(section.title, section.lines, section.head, section.rows),
                },
                "entry": [{"reference": f"{each['resourceType']}/{each['id']}"} for each in section.entries],
            }
            for section in made
        ],
    }


def _patient(book: Gathered) -> dict[str, Any]:
    patient = book.exact(book.patient)
    # IPS demands both; nobody is given a name or a birthday.
    absent: dict[str, Any] = {} if "name" in patient else {"name": [NOT_STATED]}
    return patient | absent | ({} if "birthDate" in patient else {"_birthDate": NOT_STATED})


def _author(book: Gathered) -> dict[str, Any]:
    name = {"name": "ehr-sync: Sổ sức khỏe điện tử", "type": "user-friendly-name"}
    return {"resourceType": "Device", "id": own_id(book, "author"), "deviceName": [name]}


def _places(book: Gathered, entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The Organizations that are referred to."""
    named = {reference for each in entries for reference in _references(each)}
    return [book.exact(each) for each in book.of("Organization") if f"Organization/{each['id']}" in named]


def _within(resource: Mapping[str, Any], known: Mapping[str, str]) -> Any:
    """A resource as it stands in the document: without what refers outside of it, and without its server's meta."""
    kept = {key: value for key, value in resource.items() if key != "meta" or "profile" in value}
    return _kept(kept, known)


def _kept(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [made for each in value if (made := _kept(each, known)) not in ({}, [], None)]
    if not isinstance(value, dict):
        return value
    if "reference" in value:
        return {**value, "reference": known[value["reference"]]} if value["reference"] in known else None
    made = {key: _kept(each, known) for key, each in value.items()}
    return {key: each for key, each in made.items() if each not in ({}, [], None)}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)
