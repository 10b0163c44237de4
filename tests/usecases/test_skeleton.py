"""Where a piece stood in its submission, and what stood around it."""

from __future__ import annotations

from typing import Final

import pytest

from ehr_sync.usecases.intake import skeleton

ONE_FILE: Final = b'["<G>",3,"<x/>",90,"</G>"]'
IN_JSON: Final = b'["{",["<A>",10,"</A>"],",","PEE+",",",{"file":["<B>",70,"",90,"</B>"],"writing":null},"}"]'
"""A file that is good, one whose base64 is not, and a good one in a writing that is not known."""
NONE_GOOD: Final = b'["{","PEE+",",",{"left_out":5000000},"}"]'


@pytest.mark.parametrize(
    ("kept", "ordinal", "stands"),
    [
        (ONE_FILE, 3, (1, 1, b"<G><HOSO/><x/><HOSO/></G>")),
        (ONE_FILE, 90, (1, 2, b"<G><HOSO/><x/><HOSO/></G>")),
        (ONE_FILE, 91, (1, 2, b"<G><HOSO/><x/><HOSO/></G>")),  # cut out of the piece before
        (IN_JSON, 11, (1, 1, b"<A><HOSO/></A>")),
        (IN_JSON, 90, (3, 2, b"<B><HOSO/><HOSO/></B>")),  # the third file, as its sender was told
    ],
)
def test_a_piece_stands_in_the_file_in_which_it_came(kept: bytes, ordinal: int, stands: tuple[int, int, bytes]) -> None:
    assert skeleton.envelope_of(kept, ordinal) == stands


@pytest.mark.parametrize(
    ("kept", "ordinal"), [(NONE_GOOD, 40), (IN_JSON, 9), (ONE_FILE, 2), (b'["<G>"]', 5), (b"[]", 5)]
)
def test_of_a_piece_that_is_in_no_file_kept_no_envelope_is_named(kept: bytes, ordinal: int) -> None:
    with pytest.raises(KeyError):
        skeleton.envelope_of(kept, ordinal)
