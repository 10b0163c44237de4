"""Whatever a facility sends as a health check: it is read, judged, mapped and gated without a crash."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from ehr_sync.sandbox.city.people import person
from ehr_sync.sandbox.dossiers.health_checks import TYPES, file, health_check
from mappings.formats.source import Limits, SourceRefused
from mappings.gate import findings
from mappings.issues.catalogue import is_refusal, render
from mappings.sources.catalogue import source_of
from mappings.sources.dossier.reading.envelope import scan
from mappings.sources.fates import fields
from mappings.sources.health_check.source import HEALTH_CHECK
from mappings.sources.health_check.tables import TABLES
from tests.mappings.sources.dossier.golden import CONTEXT

_TAGS: Final = {f"XML{table.name[3:]}": [one.tag for one in fields(table)] for table in TABLES}
_odd = st.sampled_from(
    [
        *("", " ", "\u200b", "0", "-1", "1e400", "<p>a</p>", "{\\rtf1 a}", "B20", "A00.0;B99", "HIV", "Tử vong"),
        *(
            "9" * 300,
            "99",
            "120/80",
            "120/",
            "/80",
            "999/998",
            "20240230",
            "00000000",
            "999912312359",
            "0,001",
            "1.000",
        ),
        *("8930000000018", "099090000017", "loại II", "&amp;", "]]>", "-", ";;", "I10;I10;B20", "ChildUnder"),
    ]
)
_values = st.one_of(_odd, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))


@st.composite
def checks(draw: st.DrawFn) -> bytes:
    """A check in which some values are anything, and some parts are gone, doubled or under another name."""
    parts: dict[str, list[dict[str, str]]] = health_check(
        draw(st.integers(0, 9)), person(1), type_=draw(st.sampled_from(TYPES))
    )
    for _ in range(draw(st.integers(0, 5))):
        name = draw(st.sampled_from(sorted(parts)))
        tag = draw(
            st.one_of(st.sampled_from(_TAGS.get(name, ["A"])), st.from_regex("[A-Z][A-Z_]{0,8}", fullmatch=True))
        )
        parts[name][0][tag] = draw(_values)
    for name in draw(st.lists(st.sampled_from(sorted(parts)), max_size=2)):
        match draw(st.integers(0, 2)):
            case 0:
                parts.pop(name, None)
            case 1 if name in parts:
                parts[name] = parts[name] * 2
            case _ if name in parts:
                parts[draw(st.sampled_from(["XML6", "XML3", "KSK"]))] = parts.pop(name)
    count: Any = draw(st.one_of(st.none(), st.integers(-1, 20)))
    sent = file(parts, in_base64=draw(st.booleans()), announced=count)
    cut = draw(st.integers(0, 40))
    return sent[:-cut] if cut > 38 else sent


@settings(max_examples=100, deadline=None)
@given(checks())
def test_anything_is_read_judged_mapped_and_gated_and_twice_the_same(sent: bytes) -> None:
    try:
        found = scan(io.BytesIO(sent), Limits())
    except SourceRefused as refused:
        assert render(refused.issue, "vi")["message"]
        return
    [(start, end)] = found.spans
    piece = sent[start:end]
    assert source_of(piece) is HEALTH_CHECK
    dossier = HEALTH_CHECK.check(HEALTH_CHECK.read(piece, found, 1, Limits()), date(2026, 11, 20))
    for issue in dossier.issues:
        assert all(render(issue, language)["message"] for language in ("vi", "en"))
    HEALTH_CHECK.claims(dossier.tables)
    HEALTH_CHECK.claimed_number(dossier.tables)
    assert HEALTH_CHECK.visit(dossier.tables) is not None
    if any(map(is_refusal, dossier.issues)):
        return
    left = replace(dossier, tables=HEALTH_CHECK.withheld(dossier.tables).tables)
    made = HEALTH_CHECK.to_fhir(left, CONTEXT)
    assert made == HEALTH_CHECK.to_fhir(left, CONTEXT)
    for one in made.resources:
        assert (one.type, [finding.code for finding in findings(one.json)]) == (one.type, [])
