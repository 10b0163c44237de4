"""Whatever a dossier holds: it is read, judged, mapped and gated without a crash, and twice the same.

The long form is `make fuzz`.
"""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ehr_sync.core.keys import ServiceKeys
from ehr_sync.core.record_body import Body
from ehr_sync.sandbox.dossiers.catalogue import table_shapes
from ehr_sync.sandbox.dossiers.generator import RECORD_KINDS, Hoso, dossier, envelope, planted
from ehr_sync.sandbox.dossiers.hoso import copy_of
from ehr_sync.usecases.intake.compose_body import compose
from mappings.gate import findings
from mappings.issues.catalogue import CATALOGUE
from mappings.model import Dossier
from mappings.sources.dossier.checking import check
from mappings.sources.dossier.reading.envelope import Limits, read_hoso, scan
from tests.given import URIS

KEYS = ServiceKeys(b"r" * 32, b"x" * 32, b"i" * 32, b"c" * 32, b"a" * 32, signing={}, id_tokens={}, restricted={})
AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TABLES = ("XML1", "XML2", "XML3", "XML4", "XML5", "XML7", "XML14")

# What XML can hold at all: the reader refuses the rest before a table is read.
_letters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
_odd = st.sampled_from(
    [
        *("", " ", "0", "-1", "1e400", "NaN", "00000000", "202613320700", "20240230", "2400", "202402292400", "Z"),
        *("I10", "I10;", ";;;", "A00.0;B99", "B18.1", "9" * 40, "0.1.2", "1,5", "+5", "<>&\"'", "]]>", "\u200b"),
        *("e\u0301", "µmol/L", "\U0001f600", "\\u0000", "a\nb\tc", "099099000001", '{"resourceType":"Patient"}'),
        "Patient/00000000-0000-0000-0000-000000000000",
    ]
)
_numbers = st.integers(-10, 10**14).map(str)
_values = st.one_of(_odd, st.text(_letters, max_size=30), _numbers, st.dates().map("{:%Y%m%d0730}".format))


@st.composite
def dossiers(draw: st.DrawFn) -> Hoso:
    """An ordinary dossier in which some values of some rows are anything."""
    made = copy_of(dossier(draw(st.integers(0, 500)), rows=draw(st.integers(1, 8))))
    for table in draw(st.lists(st.sampled_from(TABLES), max_size=4)):
        rows = made.tables.setdefault(table, [dict.fromkeys(table_shapes()[table].tags, "")])
        row = draw(st.sampled_from(rows))
        tags = draw(st.lists(st.sampled_from(sorted(row)), min_size=1, max_size=6)) if row else []
        row.update({tag: draw(_values) for tag in tags})
    return made


def read(body: bytes) -> Dossier:
    """The one dossier of an envelope, judged."""
    found = scan(io.BytesIO(body), Limits())
    [(start, stop)] = found.spans
    return check(read_hoso(body[start:stop], found, 1, Limits()), date(2026, 11, 22))


def composed(made: Dossier) -> tuple[Body, int]:
    """Its body, and how many resources the gate held back."""
    return compose(made, {}, record_id=b"r" * 16, version=1, number="", keys=KEYS, uris=URIS, received_at=AT)


fuzzed = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@fuzzed
@given(dossiers())
def test_any_values_are_read_judged_and_mapped_into_valid_resources(sent: Hoso) -> None:
    made = read(envelope([sent]))
    body, held_back = composed(made)

    assert {issue.code for issue in made.issues} <= CATALOGUE.keys()
    assert held_back == 0
    assert [found for line in body.lines if (found := findings(line.json))] == []
    assert len({line.id for line in body.lines}) == len(body.lines)


@fuzzed
@given(dossiers())
def test_reading_the_same_twice_gives_the_same(sent: Hoso) -> None:
    first, second = (read(envelope([sent])) for _ in range(2))
    assert (first.content_hash, first.issues, composed(first)) == (second.content_hash, second.issues, composed(second))


@fuzzed
@given(dossiers(), st.sampled_from(RECORD_KINDS))
def test_what_withholds_the_record_is_never_shown_whatever_stands_around_it(sent: Hoso, kind: str) -> None:
    body, _ = composed(read(envelope([planted(sent, kind)])))
    assert (bool(body.restricted), body.shown) == (True, ())
