"""A corpus to try a reader on: sound files of every shape and broken ones, each with what must be heard of it.

What must be heard is written down here, or in the catalogue of rules beside the example that breaks each; nothing is
asked of the reader that is to be tried.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, islice
from pathlib import Path
from typing import Any, Final, Literal

from ehr_sync.sandbox.dossiers.bad_inputs import bad_inputs
from ehr_sync.sandbox.dossiers.generator import SHAPES, dossier, messed
from ehr_sync.sandbox.dossiers.health_checks import TYPES, checked
from ehr_sync.sandbox.dossiers.hoso import Hoso
from ehr_sync.sandbox.dossiers.messy import MESSY_KINDS, MESSY_STYLES
from ehr_sync.sandbox.dossiers.rendering import CLEAN, envelope, json_batch
from mappings.issues.catalogue import CATALOGUE
from mappings.sources import rules
from mappings.sources.city.form import Kind
from mappings.sources.city.kinds import KINDS

INDEX: Final = "corpus.csv"
_OF_EACH_SHAPE: Final = 32
_READABLE: Final = MESSY_STYLES["plain"]  # a dossier is sent in base64: of these a person may open each and look

# What exporters do to values, and what a sender hears of it; of what is not here, nothing: it is taken as it was meant.
_HEARD: Final = {
    "midnight_as_2400": "date.hour_24",
    "comma_decimals": "value.not_a_number",
    "short_codes": "value.padded",
    "number_as_number": "number.padded",
    "index_without_name": "result.name_missing",
    "same_number_twice": "stt.duplicate",
    "marked_up_reports": "text.markup",
    "times_with_seconds": "date.seconds",
    "zero_dates": "date.zero",
    "codes_as_typed": "diagnosis.code_mended",
    "unknown_tags": "tag.unknown",
}
# Of files that are wrong as a whole; the rest of `bad_inputs` is for a server that knows who sends.
_OF_FILES: Final = {
    "empty_body": ("file.unreadable", "line 1"),
    "not_xml": ("file.unreadable", "line 1"),
    "truncated_xml": ("file.truncated", "line 2"),
    "truncated_end_tag": ("file.truncated", "line 2"),
    "garbage_after_the_end": ("file.unreadable", "line 3"),
    "other_root": ("file.not_a_dossier", ""),
    "nul_byte_in_the_envelope": ("file.nul_byte", ""),
    "windows_1258": ("file.encoding", "line 3"),
    "utf_16_called_utf_8": ("file.encoding", ""),
    "fewer_than_announced": ("file.truncated", "GIAMDINHHS.THONGTINHOSO.SOLUONGHOSO"),
    "billion_laughs": ("file.dtd_forbidden", ""),
    "external_entity": ("file.dtd_forbidden", ""),
    "external_dtd": ("file.dtd_forbidden", ""),
    "billion_laughs_in_a_table": ("table.dtd_forbidden", "XML1"),
    "external_entity_in_a_table": ("table.dtd_forbidden", "XML1"),
    "content_not_base64": ("table.base64_invalid", "XML1"),
    "table_truncated": ("table.unreadable", "XML1, line 1"),
    "table_not_utf_8": ("table.unreadable", "XML1, line 1"),
    "nul_byte_in_a_table": ("table.control_letter", "XML1, line 1"),
    "json_truncated": ("request.unreadable", ""),
    "json_not_utf_8": ("request.unreadable", ""),
    "json_without_files": ("request.files_missing", "files"),
    "json_lone_surrogate": ("request.lone_surrogate", ""),
}
# What goes wrong in a form of the city's JSON, whatever its kind.
_OF_FORMS: Final[tuple[tuple[str, Mapping[str, Any], str, str], ...]] = (
    ("no-patient", {"patient": None}, "form.value_missing", "/patient"),
    ("version-0", {"version": 0}, "form.value_wrong", "/version"),
    ("no-id", {"id": None}, "form.value_missing", "/id"),
    ("field-nobody-knows", {"paitent": {}}, "form.field_unknown", "/paitent"),
    ("facility-in-words", {"facility": "Phòng khám"}, "form.value_wrong", "/facility"),
)

Verdict = Literal["taken", "refused"]


@dataclass(frozen=True, slots=True)
class Specimen:
    """A file, and what must become of it. `issue` is the code that must be heard, at `path` (without row numbers, where
    it is told of one); a sound file has none, and then none may be heard but that a list of the day is not loaded.
    `about` says in words what it is.
    """

    name: str
    body: bytes = field(repr=False)
    verdict: Verdict
    about: str
    issue: str = ""
    path: str = ""


def corpus() -> Iterator[Specimen]:
    """All of them, the same each time; sound ones are in the folder `sound`, broken ones in `broken`."""
    yield from _numbered("sound", _sound())
    yield from _numbered("broken", _broken())


def write(folder: Path) -> int:
    """Write the files, and what must be heard of each into `corpus.csv`; returns how many there are."""
    rows = []
    for one in corpus():
        place = folder / one.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(one.body)
        texts = CATALOGUE.get(one.issue)
        said = (texts.vi, texts.en) if texts else ("", "")
        rows.append((one.name, one.about, one.verdict, one.issue, one.path, *said))
    with (folder / INDEX).open("w", encoding="utf-8-sig", newline="") as file:  # a spreadsheet goes by the mark
        writer = csv.writer(file)
        writer.writerow(("file", "about", "verdict", "issue", "path", "message_vi", "message_en"))
        writer.writerows(rows)
    return len(rows)


def _numbered(folder: str, specimens: Iterator[Specimen]) -> Iterator[Specimen]:
    for n, one in enumerate(specimens, 1):
        yield replace(one, name=f"{folder}/{n:03}-{one.name}")


# ---- what is sound ----


def _sound() -> Iterator[Specimen]:
    for shape in SHAPES:
        for n in range(_OF_EACH_SHAPE):
            made = dossier(n, shape=shape)
            about = f"{shape}, {made.rows} rows of XML2 to XML5"
            yield _taken(f"{shape}.xml", envelope([made], style=CLEAN if n % 2 else _READABLE), about)
    for name, style in MESSY_STYLES.items():
        for n in (1, 2):
            yield _taken(f"{name}.xml", envelope([dossier(n)], style=style), f"written in another way: {name}")
    for n in range(20):
        batch = json_batch([envelope([dossier(n)]), envelope([dossier(n + 100), dossier(n + 200)])], "01001")
        yield _taken("batch.json", batch, "the Hanoi axis's JSON: two files, three dossiers")
    for kind in MESSY_KINDS:
        yield from islice(filter(None, (_messy(kind, n) for n in count(1))), 2)
    for form in KINDS.values():
        yield from _sound_forms(form)
    for type_ in TYPES:
        for n in range(5):
            check = _taken(f"health-check-{type_}.xml", checked(n, type_), f"a health check, signed: {type_}")
            yield replace(check, issue="health_check.signature_kept")


def _messy(kind: str, n: int) -> Specimen | None:
    made = dossier(n, person_index=11 + n, shape="inpatient", rows=40)
    made = replace(made, tables={name: made.tables[name] for name in ("XML1", "XML2", "XML3", "XML4", "XML5")})
    body = envelope([messed(made, n, kind)])
    if body == envelope([made]):  # there was nothing to write so
        return None
    about = f"as real exporters write it: {kind.replace('_', ' ')}"
    return replace(_taken(f"{kind}.xml", body, about), issue=_HEARD.get(kind, ""))


def _sound_forms(form: Kind) -> Iterator[Specimen]:
    yield _taken(f"{form.name}.json", _json(form.example), f"{form.en}, all that the form has")
    yield _taken(f"{form.name}.json", _json({**form.example, "withdrawn": True}), f"{form.en}, withdrawn")
    for version in (2, 7):
        yield _taken(f"{form.name}.json", _json({**form.example, "version": version}), f"{form.en}, version {version}")
    patient = form.example["patient"]
    for name in [each for each in patient if each not in ("name", "birthDate", "sex")]:
        less = {key: value for key, value in patient.items() if key != name}
        changed = {**form.example, "patient": less}
        yield _taken(f"{form.name}.json", _json(changed), f"{form.en} of a patient without {name}")
    for name in [each for each in form.example if each in form.values and not form.values[each].required]:
        less = {key: value for key, value in form.example.items() if key != name}
        yield _taken(f"{form.name}.json", _json(less), f"{form.en} without {name}")


def _taken(name: str, body: bytes, about: str) -> Specimen:
    return Specimen(name, body, "taken", about)


# ---- what is broken ----


def _broken() -> Iterator[Specimen]:
    bad = bad_inputs()
    for name, (issue, path) in _OF_FILES.items():
        ending = "json" if "json" in bad[name].content_type else "xml"
        yield Specimen(f"{name}.{ending}", bad[name].body, "refused", name.replace("_", " "), issue, path)
    for form in KINDS.values():
        for name, changed, issue, path in _OF_FORMS:
            sent = {key: value for key, value in {**form.example, **changed}.items() if value is not None}
            yield Specimen(f"{form.name}-{name}.json", _json(sent), "refused", f"{form.en}: {name}", issue, path)
    # Of each code in each table one, and of what holds under a condition all.
    seen = set[tuple[str, str]]()
    for rule in rules.rules():
        place = rule.issue, rule.path.partition(".")[0]
        if (place in seen and not rule.when[0]) or rule.issue == "xml1.not_one_row":  # XML1 is written as one row
            continue
        seen.add(place)
        made = {name: [_keyed(name, row) for row in rows] for name, rows in rules.broken(rule).items()}
        body = envelope([Hoso("LK0001", "01001", made)], made_on=rules.EXAMPLE_DAY, style=_READABLE)
        verdict: Verdict = "refused" if rule.severity == "refused" else "taken"
        about = " ".join(f"{table}[{row}].{tag}={value[:40]}" for table, row, tag, value in rule.example)
        yield Specimen(f"{rule.issue}-{rule.path}.xml", body, verdict, about, rule.issue, rule.path)


def _keyed(table: str, row: Mapping[str, str]) -> dict[str, str]:
    """With what else tells that the row is there: one without a value is none, and so is one of zeros alone."""
    own = dict(row)
    key = "SO_BIEN_BAN" if table == "XML12" else "MA_LK"
    return own if any(value.strip("0") for value in own.values()) else {**own, key: "LK0001"}


def _json(sent: Mapping[str, Any]) -> bytes:
    return json.dumps(sent, ensure_ascii=False, indent=1).encode()
