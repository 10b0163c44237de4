"""Ids of resources: stable, attributable, not to be guessed."""

from __future__ import annotations

import uuid

import pytest

from mappings.fhir.ids import numbered, record_prefix, register_id, resource_id
from mappings.model import Row

RECORD = bytes(range(16))
KEY = b"k" * 32


def test_an_id_is_a_uuid_of_version_8_and_the_rfc_variant() -> None:
    made = uuid.UUID(resource_id(RECORD, "XML2", ("40.155", "Amoxicilin"), 0))

    assert (made.version, made.variant) == (8, uuid.RFC_4122)


@pytest.mark.parametrize("record", [RECORD, bytes(16), b"\xff" * 16, bytes(range(240, 256))])
def test_the_first_eight_bytes_of_the_record_are_read_back_from_an_id(record: bytes) -> None:
    assert record_prefix(resource_id(record, "XML4", ("a",), 3)) == record[:8]


@pytest.mark.parametrize(
    "foreign",
    [
        "",
        "1",
        str(uuid.UUID(int=0)),
        "0001_203-0405-8060-bc0d-37d7b1a3dcaa",
        "000102030405806",
        resource_id(RECORD, "XML1", (), 0).upper(),
        resource_id(RECORD, "XML1", (), 0).replace("-", ""),
    ],
)
def test_an_id_that_is_not_ours_names_no_record(foreign: str) -> None:
    assert record_prefix(foreign) is None


@pytest.mark.parametrize(
    "other",
    [
        (bytes(8) + RECORD[8:], "XML2", ("a", "bc"), 0),
        (RECORD[:8] + bytes(8), "XML2", ("a", "bc"), 0),
        (RECORD, "XML3", ("a", "bc"), 0),
        (RECORD, "XML2", ("ab", "c"), 0),
        (RECORD, "XML2", ("a", "bc", ""), 0),
        (RECORD, "XML2", ("a", "bc"), 1),
    ],
)
def test_every_part_of_what_is_named_moves_the_id(other: tuple[bytes, str, tuple[str, ...], int]) -> None:
    assert resource_id(*other) != resource_id(RECORD, "XML2", ("a", "bc"), 0)


def test_the_id_of_a_code_depends_on_the_key_the_kind_and_the_code_alone() -> None:
    ids = {
        register_id(KEY, "Organization", "01001"),
        register_id(KEY, "Organization", "01001"),
        register_id(KEY, "Practitioner", "01001"),
        register_id(KEY, "Organization", "01002"),
        register_id(b"other" * 8, "Organization", "01001"),
    }

    assert len(ids) == 4
    assert {uuid.UUID(one).version for one in ids} == {8}


def test_equals_are_numbered_by_what_they_say_and_not_by_their_order() -> None:
    rows: list[Row] = [{"K": "a", "V": "2"}, {"K": "b", "V": "0"}, {"K": "a", "V": "1"}]

    forwards = list(numbered(rows, lambda row: (row["K"],), lambda row: (row["V"],)))
    backwards = list(numbered(rows[::-1], lambda row: (row["K"],), lambda row: (row["V"],)))

    assert forwards == backwards
    assert [(row["V"], ordinal) for row, _, ordinal in forwards] == [("1", 0), ("2", 1), ("0", 0)]


BOOKS = (b"", bytes(16), bytes(15) + b"\x01", b"\xff" * 16)


def test_p4_one_record_has_other_ids_in_each_persons_book_and_all_name_it() -> None:
    made = [resource_id(RECORD + book, "XML2", ("a", "bc"), 0) for book in BOOKS]
    assert len(set(made)) == len(BOOKS)
    assert {record_prefix(id_) for id_ in made} == {RECORD[:8]}
