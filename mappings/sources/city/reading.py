"""A record in JSON, read and checked: all that is wrong with it at once, each with its JSON Pointer (RFC 6901).

https://www.rfc-editor.org/rfc/rfc6901
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import orjson
from marshmallow import Schema, ValidationError, fields

from mappings.formats.canonical import content_hash
from mappings.formats.source import EnvelopeScan, Limits
from mappings.model import APART, Dossier, Issue, Row, Tables
from mappings.sources import tag_names
from mappings.sources.city.form import MOST_ROWS, PATIENT, Kind
from mappings.sources.city.kinds import KINDS
from mappings.sources.city.values import Coded, Moment, Since, Value
from mappings.sources.dossier.tables.xml1.fields import number_problems

SOURCE: Final = "city"
MOST_BYTES: Final = 1_000_000
_DEEPEST: Final = 8
_MOST_ISSUES: Final = 100
_CAPITAL: Final = re.compile("(?<=[a-z0-9])(?=[A-Z])")


def read(piece: bytes, scan: EnvelopeScan, position: int, limits: Limits) -> Dossier:
    """The record of a body. Never raises: what cannot be read is an issue of severity "refused"."""
    if len(piece) > MOST_BYTES:
        return _nothing(Issue("record.too_large", "", f"<= {MOST_BYTES} bytes"))
    try:
        body = _without_nulls(json.loads(piece, **_PARSED))
    except _Doubled:
        return _nothing(Issue("form.field_twice"))
    except (ValueError, RecursionError):
        return _nothing(Issue("form.unreadable", "", "JSON, UTF-8"))
    kind = KINDS.get(body.get("kind", "")) if isinstance(body, dict) and isinstance(body.get("kind"), str) else None
    if kind is None:
        return _nothing(Issue("form.kind_unknown", "/kind", ", ".join(KINDS)))
    try:
        loaded: Mapping[str, Any] = kind.form.load(body)
    except ValidationError as wrong:
        issues = tuple(_issues(_by_field(wrong), kind.form, ""))[:_MOST_ISSUES]
        return _dossier(kind, wrong.valid_data if isinstance(wrong.valid_data, dict) else {}, issues)
    return _dossier(kind, loaded, ())


def kind_in(body: bytes) -> str:
    """What kind of record a body says that it is, "" where it is no record in the city's JSON."""
    if len(body) > MOST_BYTES:
        return ""
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    return str(read["kind"]) if isinstance(read, dict) and "kind" in read and "files" not in read else ""


def check(dossier: Dossier, received_on: date) -> Dossier:
    """The record with what is wrong beyond its form: times that have not come yet refuse it, all else warns."""
    kind = kind_of(dossier.tables)
    if kind is None or dossier.issues:
        return dossier
    refusals = [*_ahead(kind, dossier.tables, received_on), *kind.between(dossier.tables)]
    return replace(dossier, issues=(*refusals, *_doubtful(kind, dossier)))


def kind_of(tables: Tables) -> Kind | None:
    """The kind of a record by its tables, which are named after it."""
    return next((kind for name, kind in KINDS.items() if name in tables), None)


def head_of(tables: Tables) -> Row:
    """The values that stand alone in a record; none where its tables have no such row."""
    kind = kind_of(tables)
    return next(iter(tables[kind.name]), {}) if kind else {}


class _Doubled(ValueError):
    """A name stands twice in one object: which of the two is meant nobody can say."""


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Doubled
    return made


def _constant(_: str) -> Any:
    raise ValueError  # NaN and Infinity are no JSON


_PARSED: Final[Mapping[str, Any]] = {
    "object_pairs_hook": _object,
    "parse_float": Decimal,
    "parse_constant": _constant,
}


def _without_nulls(value: Any, depth: int = 0) -> Any:
    """null says what leaving it out says."""
    if depth > _DEEPEST:
        raise ValueError
    match value:
        case dict():
            return {key: _without_nulls(one, depth + 1) for key, one in value.items() if one is not None}
        case list():
            return [_without_nulls(one, depth + 1) for one in value]
    return value


def _nothing(issue: Issue) -> Dossier:
    return Dossier("", "", None, {}, (), (issue,), content_hash({}), SOURCE)


def _dossier(kind: Kind, loaded: Mapping[str, Any], issues: tuple[Issue, ...]) -> Dossier:
    tables = {
        kind.name: (_row(kind.form.fields, loaded),),
        PATIENT: (_row(_form_in(kind.form, PATIENT).fields, loaded.get(PATIENT, {})),),
        **{
            name: tuple([_row(_form_in(kind.form, name).fields, one) for one in loaded.get(name, ())])
            for name in kind.rows
        },
    }
    tables = {name: rows for name, rows in tables.items() if rows}
    head = tables[kind.name][0]
    return Dossier(
        source_id=f"{kind.name}{APART}{head['SO_HO_SO']}" if "SO_HO_SO" in head else "",
        facility_code=head.get("MA_CSKCB", ""),
        made_on=None,
        tables=tables,
        unmapped=(),
        issues=issues,
        content_hash=content_hash(tables),
        source=SOURCE,
        version=int(head["SO_PHIEN_BAN"]) if "SO_PHIEN_BAN" in head else None,
    )


def _row(values: Mapping[str, fields.Field[Any]], loaded: Mapping[str, Any]) -> Row:
    return {value.tag: loaded[name] for name, value in values.items() if isinstance(value, Value) and loaded.get(name)}


def _form_in(form: Schema, name: str) -> Schema:
    found = form.fields[name]
    nested = found.inner if isinstance(found, fields.List) else found
    assert isinstance(nested, fields.Nested)
    return nested.schema


def _issues(said: Mapping[Any, Any], form: Schema, at: str) -> Iterator[Issue]:
    """Each message of marshmallow's as an issue; the messages are our codes."""
    for key, inner in said.items():
        field = form.fields.get(key)
        if key == "_schema":
            yield from (Issue(code, at, "{…}") for code in inner)
        elif isinstance(key, int):
            yield from _issues(inner, form, f"{at}/{key}")
        elif field is None:
            yield from (Issue(code, f"{at}/{_shown(key)}") for code in inner)
        elif isinstance(inner, dict):
            yield from _issues(inner, _form_in(form, key), f"{at}/{key}")
        else:
            yield from (Issue(code, f"{at}/{key}", _expected(field)) for code in inner)


def _by_field(wrong: ValidationError) -> Mapping[Any, Any]:
    said = wrong.messages
    return said if isinstance(said, dict) else {"_schema": said}


def _expected(field: fields.Field[Any]) -> str:
    if isinstance(field, Value):
        return field.expected
    return f"[{{…}}], 1..{MOST_ROWS}" if isinstance(field, fields.List) else "{…}"


def _shown(name: Any) -> str:
    """The name of a field that no form has, as it may stand in an answer: as of a tag that no decree has."""
    is_told = isinstance(name, str) and tag_names.shown(_CAPITAL.sub("_", name).upper()) != tag_names.UNSHOWN
    return str(name) if is_told else tag_names.UNSHOWN


def _values_of(kind: Kind, tables: Tables) -> Iterator[tuple[str, Value, str]]:
    """Each value of a record with its pointer and its text."""
    for table, rows in tables.items():
        form = kind.form if table == kind.name else _form_in(kind.form, table)
        for number, row in enumerate(rows):
            at = "" if table == kind.name else f"/{table}" if table == PATIENT else f"/{table}/{number}"
            for name, value in form.fields.items():
                if isinstance(value, Value) and value.tag in row:
                    yield f"{at}/{name}", value, row[value.tag]


def _ahead(kind: Kind, tables: Tables, received_on: date) -> Iterator[Issue]:
    latest = received_on + timedelta(days=1)  # clocks of different zones
    for at, value, text in _values_of(kind, tables):
        if isinstance(value, Moment | Since) and value.past and text.replace("-", "")[:8] > f"{latest:%Y%m%d}":
            yield Issue("form.date_ahead", at, f"<= {latest:%Y-%m-%d}")


def _doubtful(kind: Kind, dossier: Dossier) -> Iterator[Issue]:
    names = {value.tag: name for name, value in _form_in(kind.form, PATIENT).fields.items() if isinstance(value, Value)}
    for row in dossier.tables.get(PATIENT, ()):
        for code, tag, expected in number_problems(row):
            yield Issue(code, f"/{PATIENT}/{names[tag]}", names.get(expected, expected))
    for at, value, text in _values_of(kind, dossier.tables):
        if isinstance(value, Coded) and not value.is_known(text):
            yield Issue("value.code_unknown", at)
