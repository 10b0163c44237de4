"""Which resources of a record a book must hear of: bodies, manifests, and how one becomes the next."""

from __future__ import annotations

import itertools
import json
import random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.core.record_body import (
    Body,
    Gone,
    LastChange,
    Line,
    Manifest,
    advance,
    decode,
    decode_manifest,
    encode,
    encode_manifest,
    line_of,
    made_anew,
    resources_of,
)


def line(id_: str, content: int = 0, type_: str = "Observation") -> Line:
    return line_of(json.dumps({"resourceType": type_, "id": id_, "n": content}, separators=(",", ":")).encode())


LINES: Final = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 2), max_size=6).map(
    lambda chosen: tuple(line(id_, content) for id_, content in chosen.items())
)
HISTORIES: Final = st.lists(LINES, min_size=1, max_size=8)


def lived(history: list[tuple[Line, ...]]) -> list[tuple[tuple[Line, ...], Manifest]]:
    """What stands after each step, and its manifest: seq and time are the number of the step."""
    standing: tuple[Line, ...] = ()
    manifest = Manifest()
    steps = []
    for n, lines in enumerate(history, 1):
        advanced = advance(standing, manifest, lines, seq=n, at=n)
        if advanced is not None:
            standing, manifest = lines, advanced
        steps.append((standing, manifest))
    return steps


@given(HISTORIES)
def test_a_book_that_hears_all_changes_since_any_point_holds_what_stands(history: list[tuple[Line, ...]]) -> None:
    steps = lived(history)
    for heard, (then, _) in enumerate(steps):
        held = {x.id: x.json for x in then}
        standing, manifest = steps[-1]
        held |= {x.id: x.json for x, m in zip(standing, manifest.last_changes, strict=True) if m.seq > heard + 1}
        held = {
            k: v for k, v in held.items() if k not in {g.id for g in manifest.gone if g.last_change.seq > heard + 1}
        }
        assert held == {x.id: x.json for x in standing}


@given(HISTORIES)
def test_p6_a_versions_number_rises_by_one_with_each_change_and_never_else(history: list[tuple[Line, ...]]) -> None:
    start: tuple[tuple[Line, ...], Manifest] = ((), Manifest())
    for (before, old), (after, new) in itertools.pairwise([start, *lived(history)]):
        was, now = {x.id: x.json for x in before}, {x.id: x.json for x in after}
        risen = {id_: n - versions(before, old).get(id_, 0) for id_, n in versions(after, new).items()}
        assert risen == {id_: int(was.get(id_) != now.get(id_)) for id_ in risen}


def versions(lines: tuple[Line, ...], manifest: Manifest) -> dict[str, int]:
    held = {x.id: m.version_id for x, m in zip(lines, manifest.last_changes, strict=True)}
    return held | {g.id: g.last_change.version_id for g in manifest.gone}


@given(HISTORIES)
def test_nothing_is_both_there_and_gone_and_nothing_is_forgotten(history: list[tuple[Line, ...]]) -> None:
    ever: set[str] = set()
    for lines, manifest in lived(history):
        there, gone = [x.id for x in lines], [g.id for g in manifest.gone]
        ever |= set(there)
        assert set(there).isdisjoint(gone)
        assert len(gone) == len(set(gone))
        assert {*there, *gone} == ever


@given(LINES)
def test_the_same_resources_in_another_order_are_no_change(lines: tuple[Line, ...]) -> None:
    manifest = advance((), Manifest(), lines, seq=1, at=1) or Manifest()
    shuffled = tuple(sorted(lines, key=lambda x: x.id, reverse=True))
    assert advance(lines, manifest, shuffled, seq=2, at=2) is None


def test_another_provenance_alone_is_no_change() -> None:
    before = (line("a"), line("p", 1, "Provenance"))
    manifest = advance((), Manifest(), before, seq=1, at=1)
    assert manifest is not None
    assert advance(before, manifest, (line("a"), line("p", 2, "Provenance")), seq=2, at=2) is None


def test_a_provenance_goes_along_with_another_change() -> None:
    before = (line("a"), line("p", 1, "Provenance"))
    after = (line("a", 1), line("p", 2, "Provenance"))
    manifest = advance((), Manifest(), before, seq=1, at=1)
    assert manifest is not None
    assert advance(before, manifest, after, seq=2, at=9) == Manifest((LastChange(2, 2, 9), LastChange(2, 2, 9)))


@given(HISTORIES, LINES, st.randoms())
def test_a_version_mapped_anew_tells_what_differs_and_nothing_else(
    history: list[tuple[Line, ...]], lines: tuple[Line, ...], order: random.Random
) -> None:
    before, manifest = lived(history)[-1]
    after = tuple(order.sample(lines, len(lines)))
    anew, told = made_anew(before, manifest, after, seq=99, at=99)

    was, now = {x.id: x.json for x in before}, {x.id: x.json for x in after}
    risen = {id_: n - versions(before, manifest).get(id_, 0) for id_, n in versions(after, anew).items()}
    assert risen == {id_: int(was.get(id_) != now.get(id_)) for id_ in risen}
    assert told == (was != now)
    assert {g.id for g in anew.gone} == ({g.id for g in manifest.gone} | was.keys()) - now.keys()
    assert all((last.seq == 99) == (was.get(x.id) != x.json) for x, last in zip(after, anew.last_changes, strict=True))


def test_a_provenance_of_a_version_mapped_anew_counts() -> None:
    before = (line("a"), line("p", 1, "Provenance"))
    manifest = advance((), Manifest(), before, seq=1, at=1)
    assert manifest is not None
    assert made_anew(before, manifest, (line("a"), line("p", 2, "Provenance")), seq=2, at=9) == (
        Manifest((LastChange(1, 1, 1), LastChange(2, 2, 9))),
        True,
    )


def test_what_comes_back_after_it_was_gone_has_the_next_version() -> None:
    manifest = Manifest((), (Gone("Observation", "a", LastChange(2, 5, 5)),))
    assert advance((), manifest, (line("a"),), seq=6, at=6) == Manifest((LastChange(3, 6, 6),))


def test_nothing_to_nothing_is_no_change() -> None:
    assert advance((), Manifest(), (), seq=1, at=1) is None


BODIES: Final = st.builds(
    Body,
    resources=LINES.map(lambda lines: resources_of(x.json for x in lines)),
    restricted=st.lists(st.sampled_from(["record.code", "record.drug"]), unique=True).map(tuple),
    organizations=st.lists(st.sampled_from(["01001", "01002"]), unique=True).map(tuple),
    practitioners=st.lists(st.uuids().map(str), max_size=2).map(tuple),
    carried=st.dictionaries(st.sampled_from(["XML2", "XML3"]), st.lists(st.integers(1, 9), min_size=1).map(tuple)),
    gate=st.sampled_from(["", "0a1b2c3d"]),
    mapping=st.sampled_from(["", "3d2c1b0a"]),
)


@given(BODIES)
def test_a_body_is_the_same_after_it_was_kept(body: Body) -> None:
    assert decode(encode(body)) == body


@given(BODIES)
def test_p9_a_body_with_any_trigger_shows_nothing(body: Body) -> None:
    assert body.shown == (() if body.restricted else body.lines)


@given(HISTORIES)
def test_a_manifest_is_the_same_after_it_was_kept(history: list[tuple[Line, ...]]) -> None:
    _, manifest = lived(history)[-1]
    assert decode_manifest(encode_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"{}",
        b'{"id":"a","resourceType":"Observation"}',
        b'{"resourceType":"a b","id":"c"}',
        b'{"resourceType":"A","id":"b c"}',
    ],
)
def test_what_does_not_start_as_our_resources_do_is_no_line(bad: bytes) -> None:
    with pytest.raises(ValueError, match="resourceType"):
        line_of(bad)


def test_p11_no_repr_shows_content() -> None:
    body = Body(line("a", 987_654).json, restricted=("record.code",))
    assert "987654" not in repr(body)
    assert "record.code" not in repr(body)
