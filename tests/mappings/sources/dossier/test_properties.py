"""What must hold for any dossier: the generator's, a messy exporter's, or nonsense."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ehr_sync.sandbox.dossiers.generator import SHAPES, envelope
from ehr_sync.sandbox.dossiers.generator import dossier as generated
from mappings.model import Dossier, Row, Tables
from mappings.sources.dossier.tables import TABLES
from mappings.sources.dossier.to_fhir import to_fhir
from mappings.sources.fates import fields
from tests.mappings.fhir.checking import problems, values_problems
from tests.mappings.sources.dossier.golden import CASES, CONTEXT, VISIT, dossier, read, read_envelope

# Values that mean something to the mapping, beside any text at all.
VALUES = st.one_of(
    st.sampled_from(
        [
            *("01", "03", "05", "2", "1", "7", "8", "9", "10", "13", "18", "0"),
            *("202611201000", "202611202400", "20261332", "20261120", "000000000000", "202612202359"),
            *("J15.9", "E119;I10", "40.155", "40.17", "VM.1", "22.0121.1369", "10.1.2_TB", "01001", "24.1.2.K.01929"),
            *("-4", "14.000", "3,81", "1,234", "<5", "1e400", "0.01", "62.5", "O+", "mmol/L", "G/L", "WBC"),
            *(
                "1 viên/lần * 2 lần/ngày * 7 ngày",
                "DN4010000000017;",
                "(NV07)",
                "N08.3*",
                "VC.01929",
                "07",
                "20261123",
                "5.000 UI/lần * 2 lần/ngày * 5 ngày",
                ";;",
                "a\u00a0b",
                "\u200b",
                "a\x01\x0b",
                "\ufeff",
            ),
        ]
    ),
    st.text(max_size=12),
)


MAPPED = {table.name: table for table in TABLES}


def rows(table: str, count: int) -> st.SearchStrategy[list[dict[str, str]]]:
    """Rows of a table as a reader gives them: some tags, none of them blank."""
    tags = st.sampled_from([one.tag for one in fields(MAPPED[table])])
    row = st.dictionaries(tags, VALUES.filter(bool), max_size=12)
    return st.lists(row, max_size=count)


ANY_TABLES = st.fixed_dictionaries(
    {
        "XML1": rows("XML1", 1).map(lambda found: [{**VISIT, **(found[0] if found else {})}]),
        **{table: rows(table, 4) for table in ("XML2", "XML3", "XML4", "XML5")},
        **{table: rows(table, 2) for table in ("XML7", "XML8", "XML13", "XML14")},
    }
)


def shuffled(made: Dossier, seed: int) -> Dossier:
    """The dossier with its rows in another order and numbered anew."""
    draw = Random(seed)
    return dossier(**{name: _renumbered(lines, draw) for name, lines in made.tables.items()})


def _renumbered(lines: tuple[Row, ...], draw: Random) -> list[dict[str, str]]:
    mixed = draw.sample(lines, len(lines))
    return [{**row, "STT": str(draw.randrange(1000))} for row in mixed]


def tables_of(made: Dossier) -> Tables:
    """The tables alone."""
    return made.tables


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=ANY_TABLES)
def test_whatever_is_sent_becomes_valid_resources_with_ids_of_their_own(
    tables: dict[str, list[dict[str, str]]],
) -> None:
    record = to_fhir(dossier(**tables), CONTEXT)

    assert [found for one in record.resources if (found := values_problems(one.json))] == []
    assert len({one.id for one in record.resources}) == len(record.resources)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=ANY_TABLES, seed=st.integers(0, 1000))
def test_the_order_of_rows_and_their_numbers_change_no_byte(tables: dict[str, list[dict[str, str]]], seed: int) -> None:
    made = dossier(**tables)

    assert to_fhir(shuffled(made, seed), CONTEXT) == to_fhir(made, CONTEXT)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables=ANY_TABLES)
def test_whatever_is_sent_fits_the_models(tables: dict[str, list[dict[str, str]]]) -> None:
    record = to_fhir(dossier(**tables), CONTEXT)

    assert [found for one in record.resources if (found := problems(one.json))] == []


@pytest.mark.parametrize("case", CASES)
def test_an_example_read_again_with_its_rows_shuffled_is_the_same(case: str) -> None:
    made = read(case)
    mixed = Dossier(
        source_id=made.source_id,
        facility_code=made.facility_code,
        made_on=None,
        tables=tables_of(shuffled(made, 7)),
        unmapped=(),
        issues=(),
        content_hash=b"",
    )

    assert to_fhir(mixed, CONTEXT) == to_fhir(made, CONTEXT)


@pytest.mark.parametrize("messy", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_a_generated_dossier_becomes_valid_resources(seed: int, shape: str, *, messy: bool) -> None:
    (made,) = read_envelope(envelope([generated(seed, shape=shape, messy=messy)]))
    record = to_fhir(made, CONTEXT)

    assert [found for one in record.resources if (found := values_problems(one.json))] == []
    assert json.loads(record.resources[0].json)["resourceType"] == "Encounter"
    assert len({one.id for one in record.resources}) == len(record.resources)
