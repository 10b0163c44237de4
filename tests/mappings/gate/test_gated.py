"""A Bundle of resources gated before is looked at less, and never found better than the full look finds it."""

from __future__ import annotations

from functools import partial
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.fhir.bundle import Deletion, NextWatermark, Put, put, transaction
from mappings.gate import GATE, bundle_findings, findings
from mappings.gate.gated import refers_only_to, without_gated
from tests.given import URIS
from tests.mappings.gate.examples import DEFECTS, GOOD, Defect, changed

SENT = orjson.dumps(GOOD["transaction"])
KEPT = {
    each["request"]["url"].encode(): orjson.dumps(each["resource"])
    for each in GOOD["transaction"]["entry"]
    if each["request"]["url"] in {"Encounter/e1", "Condition/c1", "Observation/b1"}
}
BUNDLES = [each for each in DEFECTS if each.kind == "bundle rule" and each.name != "defect inside an entry"]
WORDS = [
    *(orjson.dumps(word) for word in ("Encounter/e1", "Condition/c1", "Patient/p1", "Patient/p9", "PUT", "POST", "x")),
    *(b'"reference":', b'"refe\\u0072ence":', b'"reference" : ', b'"resource":', b'"resource":{},', b'"request":'),
    *(b"{", b"}", b"[", b"]", b",", b"\\", b'"', b"/", b"1", b"\xff", b"#", b"null", b"/_history/1", b"?a=b"),
    *(orjson.dumps(each) + b"," for each in GOOD["transaction"]["entry"]),
]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """The Bundle, written over in some places."""
    sent = SENT
    for _ in range(draw(st.integers(1, 3))):
        word = draw(st.sampled_from(WORDS))
        at = draw(st.sampled_from([at for at, letter in enumerate(sent) if letter in b'"{,:}']))
        sent = sent[:at] + word + sent[at + draw(st.sampled_from([0, 1, 14, len(word)])) :]
    return sent


@settings(max_examples=400, deadline=None)
@given(spoilt(), st.sampled_from([frozenset[str](), frozenset({"Patient/p9"})]))
def test_what_was_gated_before_changes_no_finding(sent: bytes, known: frozenset[str]) -> None:
    assert bundle_findings(sent, known=known, gated=KEPT) == bundle_findings(sent, known=known)


@pytest.mark.parametrize("defect", BUNDLES, ids=lambda each: each.name)
def test_a_rule_of_bundles_is_broken_by_gated_resources_too(defect: Defect) -> None:
    sent = orjson.dumps(defect.resource)
    assert bundle_findings(sent, gated=KEPT) == bundle_findings(sent) != ()


@pytest.mark.parametrize(
    "change",
    [
        {"/entry/5/resource/encounter/reference": "Encounter/sent-before"},
        {"/entry/5/resource/encounter/reference": "Device/x9"},
        {"/entry/5/resource/encounter/reference": "https://book.example/fhir/Condition/c1"},
        {"/entry/5/fullUrl": "https://another.example/fhir/Observation/b1"},
        {"/entry/5/fullUrl": "https://book .example/fhir/Observation/b1"},
        {"/entry/5/request/ifMatch": "3"},
        {"/entry/6/request/url": "Observation/b1"},
        {"/entry/5/resource/id": "b2"},
        {"/entry/5/resource/status": 1, "/entry/5/request/method": "POST"},
        {"/entry/5/search": {"mode": "match"}},
    ],
)
def test_an_entry_of_a_gated_resource_is_looked_at(change: dict[str, Any]) -> None:
    sent = orjson.dumps(changed(GOOD["transaction"], change))
    assert bundle_findings(sent, gated=KEPT) == bundle_findings(sent)


def test_only_gated_resources_are_cut_out() -> None:
    cut = without_gated(SENT, KEPT)
    assert cut is not None
    assert [each["request"]["url"] for each in orjson.loads(cut.rest)["entry"]] == [
        "Basic/w1",
        "Patient/p1",
        "Organization/o1",
        "Device/x9",
    ]


def test_what_we_write_has_the_form_that_is_cut() -> None:
    left = NextWatermark("a1", 7, "ab", 'W/"3"')
    write = partial(transaction, base_url="https://book.example/fhir", next_watermark=left, uris=URIS)
    cut = without_gated(write([*KEPT.items(), Deletion("Device", "x9")]), KEPT)
    assert cut is not None
    assert cut.rest == write([Deletion("Device", "x9")])


def test_values_inside_a_gated_resource_are_not_looked_at_again() -> None:
    spoilt = changed(GOOD["transaction"], {"/entry/5/resource/status": "x"})
    gated = {**KEPT, b"Observation/b1": orjson.dumps(spoilt["entry"][5]["resource"])}
    assert bundle_findings(orjson.dumps(spoilt), gated=gated) == ()


@pytest.mark.parametrize(
    ("reference", "known", "codes"),
    [
        ("Encounter/sent-before", frozenset[str](), ["reference.unresolved"]),
        ("Encounter/sent-before", frozenset({"Encounter/another"}), ["reference.unresolved"]),
        ("Encounter/sent-before", frozenset({"Encounter/sent-before"}), []),
        ("Encounter/e1/_history/2", frozenset[str](), []),
    ],
)
def test_where_a_gated_resource_refers_to_is_looked_at_each_time(
    reference: str, known: frozenset[str], codes: list[str]
) -> None:
    sent = changed(GOOD["transaction"], {"/entry/5/resource/encounter/reference": reference})
    gated = {**KEPT, b"Observation/b1": orjson.dumps(sent["entry"][5]["resource"])}
    assert without_gated(orjson.dumps(sent), gated) is not None
    found = bundle_findings(orjson.dumps(sent), known=known, gated=gated)
    assert [each.code for each in found] == codes


@pytest.mark.parametrize("value", ["x", "amended"])
def test_a_resource_that_is_not_as_it_was_gated_is_looked_at(value: str) -> None:
    sent = orjson.dumps(changed(GOOD["transaction"], {"/entry/5/resource/status": value}))
    assert without_gated(sent, KEPT) is None
    assert bundle_findings(sent, gated=KEPT) == bundle_findings(sent)


def written(*entries: Put) -> bytes:
    left = NextWatermark("a1", 7, "ab", 'W/"3"')
    sound = [put(orjson.dumps(GOOD["transaction"]["entry"][at]["resource"])) for at in (1, 2)]
    return transaction([*sound, *entries], base_url="https://book.example/fhir", next_watermark=left, uris=URIS)


def test_nothing_is_wrong_with_gated_resources_as_they_are_written() -> None:
    assert bundle_findings(written(*KEPT.items()), gated=KEPT) == ()


@pytest.mark.parametrize("other", [b"", b" "], ids=["the same", "another"])
def test_two_entries_of_one_gated_resource_are_found(other: bytes) -> None:
    again = (b"Condition/c1", KEPT[b"Condition/c1"].replace(b"{", b"{" + other, 1))
    sent = written(again, *KEPT.items())
    assert bundle_findings(sent, gated=KEPT) == bundle_findings(sent) != ()


@pytest.mark.parametrize(
    "name", [b"Condition/c2", b"Observation/c1", b"Condition", b'Condition","id":"c1', b'Condition/c1"']
)
def test_a_gated_resource_goes_by_its_own_name_only(name: bytes) -> None:
    wrong = {(name if address == b"Condition/c1" else address): each for address, each in KEPT.items()}
    sent = written(*wrong.items())
    assert without_gated(sent, wrong) is None
    assert bundle_findings(sent, gated=wrong) == bundle_findings(sent) != ()


@pytest.mark.parametrize(
    ("opening", "closing"),
    [(b',"link":[{"relation":"self","url":"a"}', b""), (b',{"link":[{}', b"]}"), (b'],"entry":[{}', b"")],
)
def test_nothing_is_cut_out_of_the_midst_of_what_is_looked_at(opening: bytes, closing: bytes) -> None:
    plain = written(*KEPT.items())
    run = plain[plain.index(b',{"fullUrl":"https://book.example/fhir/Encounter/') : -len(b"]}")]
    assert without_gated(plain.replace(run, opening + run + closing), KEPT) is None


@pytest.mark.parametrize("base", [b"urn:uuid:", b"book.example/fhir", b"ftp://book.example"])
def test_a_base_that_is_no_web_address_is_left_to_the_full_look(base: bytes) -> None:
    assert without_gated(written(*KEPT.items()).replace(b"https://book.example/fhir", base), KEPT) is None


def test_a_deleted_resource_is_nothing_to_refer_to() -> None:
    sent = orjson.dumps(changed(GOOD["transaction"], {"/entry/5/resource/device": {"reference": "Device/x9"}}))
    assert [each.code for each in bundle_findings(sent, gated=KEPT)] == ["reference.unresolved"]


@pytest.mark.parametrize(
    ("sent", "is_clear"),
    [
        (b'{"reference":"A/1"}', True),
        (b'{"reference":"#1"}', True),
        (b'{"reference" :\n"A/1"}', False),
        (b'{"code":"reference","x":"C/1"}', False),
        (b'{"text":"\\"reference\\":\\"C/1\\""}', True),
        (b'{"reference":"B/1"}', False),
        (b'{"refer\\u0065nce":"B/1"}', False),
        (b'{"reference":"A\\/1"}', False),
        (b'{"reference":{"reference":"A/1"}}', False),
        (b'{"reference":"B/1","reference":"A/1"}', False),
    ],
)
def test_no_reference_is_overlooked_however_it_is_spelt(sent: bytes, is_clear: bool) -> None:
    assert refers_only_to(sent, {"A/1"}, ()) is is_clear


@pytest.mark.parametrize("name", ["resourceType", "id"])
def test_no_resource_that_names_itself_twice_is_ever_gated(name: str) -> None:
    once = orjson.dumps(GOOD["observation"])
    assert findings(once) == ()
    assert findings(once[:-1] + b',"%s":"Patient"}' % name.encode()) != ()


def test_the_gate_has_a_short_name() -> None:
    assert len(GATE) == len(bytes.fromhex(GATE)) * 2 == 8
