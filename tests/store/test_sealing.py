"""What is sealed opens with its key in its place and nowhere else; marks tell nothing; what is packed comes back."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid4

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.store.packing import Words, pack, unpack
from ehr_sync.store.records import unwrap, wrap
from ehr_sync.store.sealing import Unreadable, mark, new_key, place, seal, unseal

KEY: Final = bytes(range(32))
SAMPLES: Final = [b"%d %d" % (n, n * n) for n in range(1000)]
HERE: Final = place("record_version", "body", b"\x01", 1)


@given(st.binary(max_size=200))
def test_what_is_sealed_comes_back(plain: bytes) -> None:
    assert unseal(KEY, seal(KEY, plain, HERE), HERE) == plain


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("record_version", "body", b"\x01", 2),
        place("record_version", "body", b"\x02", 1),
        place("record_version", "body", b"\x01"),
        place("book_entry", "body", b"\x01", 1),
        place("record_version", "manifest", b"\x01", 1),
        b"",
    ],
)
def test_p11_what_is_sealed_does_not_open_in_another_place(elsewhere: bytes) -> None:
    with pytest.raises(Unreadable):
        unseal(KEY, seal(KEY, b"plain", HERE), elsewhere)


@given(st.integers(0, 12 + 5 + 16 - 1), st.integers(1, 255))
def test_a_single_changed_byte_is_noticed(at: int, change: int) -> None:
    sealed = bytearray(seal(KEY, b"plain", HERE))
    sealed[at] ^= change
    with pytest.raises(Unreadable):
        unseal(KEY, bytes(sealed), HERE)


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(12), bytes(27), bytes(28)])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(Unreadable):
        unseal(KEY, sealed, HERE)


def test_another_key_does_not_open() -> None:
    with pytest.raises(Unreadable):
        unseal(new_key(), seal(KEY, b"plain", HERE), HERE)


def test_the_same_text_is_never_sealed_alike() -> None:
    assert len({seal(KEY, b"plain", HERE) for _ in range(50)}) == 50


def test_p4_a_rows_key_does_not_open_under_another_person() -> None:
    one, other = uuid4(), uuid4()
    wrapped = wrap(KEY, one, new_key(), HERE)
    with pytest.raises(Unreadable):
        unwrap(KEY, other, wrapped, HERE)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_marks_of_other_parts_differ(one: list[bytes], other: list[bytes]) -> None:
    assert (mark(KEY, *one) == mark(KEY, *other)) == (one == other)


def test_p11_a_mark_is_nothing_without_its_key() -> None:
    assert mark(KEY, b"099200000001") != mark(new_key(), b"099200000001")
    assert len(mark(KEY, b"")) == 16


PARTS = st.lists(st.binary(max_size=3) | st.integers(0, 99) | st.uuids(), max_size=3)


@given(PARTS, PARTS)
def test_two_rows_have_two_places(one: list[bytes | int | UUID], other: list[bytes | int | UUID]) -> None:
    same = [str(p) if not isinstance(p, bytes) else p.hex() for p in one] == [
        str(p) if not isinstance(p, bytes) else p.hex() for p in other
    ]
    assert (place("t", "c", *one) == place("t", "c", *other)) == same


@given(st.binary(max_size=500), st.sampled_from(Words))
def test_what_is_packed_comes_back_whatever_it_was_packed_with(plain: bytes, words: Words) -> None:
    assert unpack(pack(plain, words)) == plain


def test_what_was_packed_with_a_dictionary_that_is_not_ours_is_unreadable() -> None:
    dictionary = zstandard.train_dictionary(4096, SAMPLES, dict_id=77_777)  # type: ignore[arg-type]
    strange = zstandard.ZstdCompressor(dict_data=dictionary).compress(b"x")
    with pytest.raises(Unreadable, match=r"packing\.dictionary_unknown"):
        unpack(strange)
