"""The values that pass between readers, sources, the gate and the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

# One row of a source table: tag -> canonical text (NFC, trimmed, inner white space collapsed only for codes;
# blank tags are absent). Tags are upper case as in the decree.
# What a row says of one tag a second time stands under tag + AGAIN: no mapping reads it, and it may be restricted.
# No file can hold it: what a source id of a record has in it that is of no visit, so that no MA_LK ever names one.
APART = "\x1f"
Row = Mapping[str, str]
AGAIN = "#2"
Tables = Mapping[str, tuple[Row, ...]]

Severity = Literal["refused", "warning", "information"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing wrong with what a sender sent. Holds no personal value, ever.

    `code` is a key of `mappings.issues.catalogue.CATALOGUE`, which gives severity, both languages and the remedy.
    `path` is table, 1-based row as sent, and tag ("XML2[3].NGAY_YL"); of JSON a pointer ("/patient/name"); or "" for
    the whole.
    `expected` is a format or a list ("yyyymmddHHMM"), made by us and never the sender's value.
    """

    code: str
    path: str = ""
    expected: str = ""


NumberType = Literal["cccd", "cmnd", "passport", "account", "other", "none"]
"""Of SO_CCCD: 12 digits; 9 digits (CMND); a passport; the code of an e-id account; anything else; nothing."""
Role = Literal["patient", "child", "guardian"]
"""What a person is to the record that names them."""


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """Who a record says a person of it is (XML1: SO_CCCD, HO_TEN, NGAY_SINH, GIOI_TINH, MA_QUOCTICH, MA_BN)."""

    number: str = field(repr=False)  # "" where none was given; 10-11 digits already padded (rules: personal-numbers)
    number_type: NumberType
    name: str = field(repr=False)  # as sent, NFC
    birth_date: str = field(repr=False)  # "yyyy-mm-dd", or "yyyy" where day and month are unknown
    sex: Literal["male", "female", "unknown"]
    foreign: bool  # MA_QUOCTICH is not Viet Nam: a number is then never sent as SoCMND
    patient_code: str = field(repr=False)  # MA_BN, the facility's own
    name_may_be_a_parents: bool  # newborn under the mother's name: never sent to the registry
    role: Role = "patient"


@dataclass(frozen=True, slots=True)
class Dossier:
    """One HOSO as read: canonical values by table, and what is wrong with them.

    `tables` holds every readable table sent, mapped or not; a table sent empty is there with no rows.
    `unmapped` names the tables that are kept and not mapped.
    `content_hash` is SHA-256 over the canonical values (rules: same-content): rows as a multiset, STT left out,
    nothing of the envelope.
    """

    source_id: str = field(repr=False)  # MA_LK; "" only when refused
    facility_code: str  # XML1.MA_CSKCB, else the envelope's
    made_on: date | None  # NGAYLAP
    tables: Tables = field(repr=False)
    unmapped: tuple[str, ...]
    issues: tuple[Issue, ...]
    content_hash: bytes = field(repr=False)
    source: str = "dossier"  # of `mappings.sources.catalogue.SOURCES`
    version: int | None = None  # as its sender counts; None where the format has no such number


@dataclass(frozen=True, slots=True)
class Uris:
    """Every canonical URI that leaves the service, from one table (terminology/uris.json)."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]


@dataclass(frozen=True, slots=True)
class MappingContext:
    """What a mapping needs beside the dossier. `id_key` is the never-rotating id key (docs/architecture.md#ids)."""

    record_id: bytes = field(repr=False)  # 16 bytes
    id_key: bytes = field(repr=False)
    received_at: datetime  # aware; bounds the editions of code lists
    transaction_code: str  # maGiaoDich of this version, for Provenance
    uris: Uris
    # Whose book the record enters: 16 bytes made of that person's number; none where no number is claimed.
    book: bytes = field(repr=False)
    # The tables that this version lacked and took over from one before (rules: absent-tables).
    taken_over: frozenset[str] = frozenset()

    @property
    def ids_from(self) -> bytes:
        """What every resource id of the record is made from: no two people's books are ever told of one id."""
        return self.record_id + self.book


@dataclass(frozen=True, slots=True)
class Resource:
    """One FHIR resource. `json` starts with {"resourceType":"…","id":"…" and has no `meta`, so that a reader can
    splice `meta` in; the patient is always PATIENT_PLACEHOLDER.
    """

    type: str
    id: str
    json: bytes = field(repr=False)


PATIENT_PLACEHOLDER = b"Patient/00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class MappedRecord:
    """The FHIR side of one dossier. Organizations (facility codes) and practitioners (our ids) that the resources
    refer to are named, not embedded: they are a function of the code and the register alone.
    """

    resources: tuple[Resource, ...] = ()  # Provenance last
    organizations: tuple[str, ...] = ()
    practitioners: tuple[str, ...] = ()
