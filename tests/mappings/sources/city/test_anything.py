"""Whatever a clinic's system sends as JSON: it is read, judged, mapped and gated without a crash."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.formats.source import EnvelopeScan, Limits
from mappings.gate import findings
from mappings.issues.catalogue import render
from mappings.sources.city.kinds import KINDS
from mappings.sources.city.source import CITY
from tests.mappings.sources.dossier.golden import CONTEXT

_odd: st.SearchStrategy[Any] = st.sampled_from(
    [
        *(
            "",
            " ",
            "\u200b",
            "0",
            "-1",
            "1e400",
            "<p>a</p>",
            "<s>a</s>",
            "{\\rtf1 a}",
            "B20",
            "A00.0;B99",
            "HIV",
            "Tử vong",
            "9" * 300,
        ),
        *("2024-02-30", "0001-01-01", "9999-12-31", "9999-12-31T23:59Z", "1850-01-01T00:00+14:00", "2024-01-01T24:00"),
        *(True, False, None, 0, -1, 1, 2**70, 0.1, -0.0, 1e300, [], {}, [{}], {"a": {}}, ["x"], [None]),
    ]
)
_values = st.one_of(_odd, st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.integers(-5, 10**16))


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """The example of a kind in which some values are anything."""
    body: dict[str, Any] = orjson.loads(orjson.dumps(KINDS[draw(st.sampled_from(sorted(KINDS)))].example))
    places = [body, body["patient"], *(row for rows in body.values() if isinstance(rows, list) for row in rows)]
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.sampled_from(places))
        place[draw(st.one_of(st.sampled_from(sorted(place)), st.text(max_size=5)))] = draw(_values)
    return body


@settings(max_examples=100, deadline=None)
@given(bodies())
def test_anything_is_read_judged_mapped_and_gated_and_twice_the_same(body: dict[str, Any]) -> None:
    try:
        sent = orjson.dumps(body)
    except TypeError:  # beyond 64 bits
        sent = orjson.dumps(str(body))
    around = EnvelopeScan("", None, None, (), signed=False, issues=())
    dossier = CITY.check(CITY.read(sent, around, 1, Limits()), date(2026, 7, 1))
    for issue in dossier.issues:
        assert all(render(issue, language)["message"] for language in ("vi", "en"))
    CITY.claims(dossier.tables)
    CITY.claimed_number(dossier.tables)
    if any(render(issue, "en")["severity"] == "refused" for issue in dossier.issues):
        return
    assert CITY.visit(dossier.tables) is not None
    left = replace(dossier, tables=CITY.withheld(dossier.tables).tables)
    made = CITY.to_fhir(left, CONTEXT)
    assert made == CITY.to_fhir(left, CONTEXT)
    for one in made.resources:
        assert (one.type, [finding.code for finding in findings(one.json)]) == (one.type, [])
