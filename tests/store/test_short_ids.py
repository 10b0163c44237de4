"""Ids that are kept once come back where they stood."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.store.short_ids import lengthen, shorten

ids = st.uuids().map(str) | st.sampled_from([str(UUID(int=n)) for n in range(4)])
words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
pieces = st.one_of(
    ids,
    words,
    st.sampled_from(['"', "/", "\n", "\x01", "\x02", "-", '"id":"', '"reference":"Patient/', "{", "é"]),
    ids.map(lambda id_: f'"id":"{id_}"'),
    ids.map(lambda id_: f'/{id_}"'),
    ids.map(lambda id_: f'["{id_}"]'),
)


@given(st.lists(pieces, max_size=30).map("".join))
def test_ids_come_back_where_they_stood(text: str) -> None:
    assert lengthen(shorten(text.encode())) == text.encode()


@pytest.mark.parametrize("count", [1, 127, 128, 16_383, 16_384, 16_385, 20_000])
def test_more_ids_than_marks_stay_in_the_text(count: int) -> None:
    own = [f'{{"id":"{UUID(int=n)}","subject":"Patient/{UUID(int=count - n)}"}}' for n in range(count)]
    text = "\n".join(["{}", *own]).encode()
    assert lengthen(shorten(text)) == text


def test_an_id_that_a_record_repeats_is_kept_once() -> None:
    line = f'{{"encounter":{{"reference":"Encounter/{UUID(int=7)}"}}}}'
    assert len(shorten("\n".join(["{}", *[line] * 100]).encode())) < 100 * (len(line) - 30)
