"""What a kind of record says of itself: its form, its example, and what becomes of it in FHIR.

Every form begins alike: who sends which version of which record, and of whom. Behind that stand the kind's own values
and lists of rows, never deeper: what is flat can be typed off a screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, Final

from marshmallow import RAISE, Schema, fields, validate

from mappings.fhir.elements import Json, built, concept
from mappings.fhir.ids import Key, resource_id
from mappings.model import Issue, Resource, Row, Tables, Uris
from mappings.sources.city.values import MISSING, WRONG, Birth, Facility, Flag, Listed, Sex, Value, Whole, Words
from mappings.sources.dossier.visit import Register
from mappings.sources.table import nothing_is_wrong
from mappings.terminology import icd10
from mappings.terminology.systems import local

PATIENT: Final = "patient"
HIGHEST_VERSION: Final = 2_000_000_000
MOST_ROWS: Final = 500


class Form(Schema):
    """An object of a form: what it does not know is refused, for a slip in a name must not lose what stands there."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": "form.field_unknown", "type": WRONG}  # noqa: RUF012 - marshmallow's own


def form(**values: Value) -> type[Schema]:
    """A form of these values, by their names in JSON."""
    return Form.from_dict({name: value for name, value in values.items()})


_PATIENT: Final = form(
    personalNumber=Words(
        "SO_CCCD", "Số định danh cá nhân; không có thì bỏ trống", "Personal number; leave it out if there is none", 20
    ),
    name=Words("HO_TEN", "Họ và tên", "Full name", required=True),
    birthDate=Birth("NGAY_SINH", "Ngày sinh, hoặc chỉ năm", "Birth date, or the year alone", required=True),
    sex=Sex(),
    code=Words("MA_BN", "Mã người bệnh tại cơ sở", "The facility's own number of the patient", 100),
    nationality=Words("MA_QUOCTICH", "Mã quốc tịch; không có là Việt Nam", "Nationality; none is Viet Nam", 3),
)


@dataclass(frozen=True, slots=True)
class Making:
    """What the mapping of one record needs, whatever its kind."""

    kind: str
    ids_from: bytes = field(repr=False)
    facility: str
    uris: Uris
    register: Register
    received: date

    @property
    def by(self) -> Json:
        """The reference to the facility."""
        return self.register.organization(self.facility)

    def identifier(self, row: Row) -> list[Json]:
        """The record's own id, which is the facility's."""
        return [{"system": local(self.kind, self.facility, self.uris), "value": row["SO_HO_SO"]}]

    def id_of(self, kind: str, key: Key = (), ordinal: int = 0) -> str:
        """The id of a resource of the record."""
        return resource_id(self.ids_from, f"{self.kind}/{kind}", key, ordinal)

    def resource(self, kind: str, body: Json, key: Key = (), ordinal: int = 0) -> Resource:
        """A resource of the record."""
        return built(kind, self.id_of(kind, key, ordinal), body)


def content(row: Row) -> Key:
    """All that a row says, in one order: what tells rows apart that have the same natural key."""
    return tuple(f"{tag}={row[tag]}" for tag in sorted(row) if tag != "STT")


def diagnosis_key(row: Row) -> Key:
    """What a diagnosis is known again by: its code, or its words where it has none."""
    return row.get("MA_BENH", ""), row["CHAN_DOAN"] if "MA_BENH" not in row else ""


def diagnosed(row: Row, words: str, making: Making) -> Json:
    """A diagnosis by its words, with its code where it has one."""
    found = row.get("MA_BENH", "")
    return concept(*([icd10.icd10(found, making.received, making.uris)] if found else []), words=words)


EXAMPLE_PATIENT: Final[Mapping[str, Any]] = {
    "personalNumber": "099190004711",
    "name": "NGUYỄN THỊ MẪU",
    "birthDate": "1990-03-15",
    "sex": "female",
}
"""Nobody: the person of all examples."""


def example(kind: str, record_id: str, **values: Any) -> Mapping[str, Any]:
    """A record with these values that is accepted as it is, of a facility and a person who are none."""
    return {
        "kind": kind,
        "facility": "01001",
        "id": record_id,
        "version": 1,
        PATIENT: EXAMPLE_PATIENT,
        **values,
    }


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of record. `values` are its own, `rows` its lists, each with the form of one row; those of `wanted` must
    have one; `between` says what must agree among them. `dated_by` is the tag of the time at which what it tells had
    happened; without it the record waits, as an open visit does. `to_fhir` is given tables without what is restricted.
    """

    name: str
    vi: str
    en: str
    values: Mapping[str, Value]
    dated_by: str
    to_fhir: Callable[[Tables, Making], Iterable[Resource]]
    example: Mapping[str, Any]
    rows: Mapping[str, type[Schema]] = field(default_factory=dict)
    wanted: frozenset[str] = frozenset()
    between: Callable[[Tables], Iterable[Issue]] = nothing_is_wrong

    @cached_property
    def form(self) -> Schema:
        """The whole form."""
        head: dict[str, fields.Field[Any]] = {
            "kind": Listed("LOAI", "Loại bản ghi", "The kind of record", [self.name], required=True),
            "facility": Facility(),
            "id": Words("SO_HO_SO", "Mã bản ghi tại cơ sở", "The record's id at the facility", 64, required=True),
            "version": Whole(
                "SO_PHIEN_BAN",
                "Phiên bản; số lớn hơn thay thế số nhỏ hơn",
                "The version; a higher one replaces a lower one",
                HIGHEST_VERSION,
                required=True,
            ),
            "withdrawn": Flag(
                "THU_HOI", "Cơ sở thu hồi bản ghi này", "The facility takes this record back: it was an error"
            ),
            PATIENT: fields.Nested(_PATIENT, required=True, error_messages={"required": MISSING}),
        }
        lists = {
            name: fields.List(
                fields.Nested(row),
                required=name in self.wanted,
                validate=validate.Length(1, MOST_ROWS, error=WRONG),
                error_messages={"required": MISSING, "invalid": WRONG},
            )
            for name, row in self.rows.items()
        }
        return Form.from_dict({**head, **self.values, **lists})()

    @cached_property
    def names(self) -> Mapping[str, frozenset[str]]:
        """By table the tags that say what a row is."""
        tables = {self.name: self.values, **{name: row().fields for name, row in self.rows.items()}}
        return {
            table: frozenset(value.tag for value in values.values() if isinstance(value, Value) and value.names)
            for table, values in tables.items()
        }
