"""base64 as facilities write it: padding is forgiven, nothing else."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mappings.formats.base64_reading import decode


@pytest.mark.parametrize("text", ["eG1s", "eG1", "eG0", "eG0=", "eG0==", "eA", "eA=", "eA==", "eA===", ""])
def test_padding_may_be_missing_or_too_long(text: str) -> None:
    wanted = {"eG1s": b"xml", "eG1": b"xm", "eG0": b"xm", "eA": b"x", "": b""}[text.rstrip("=")]

    assert (decode(text), decode(text.encode())) == (wanted, wanted)


@pytest.mark.parametrize(
    "text", ["=", "====", "e", "e===", "eG1se", "e=1s", "eG=1s", "eG1s eG1s", "eG1s\n", "eG1-", "eG1_", "eG1ệ"]
)
def test_anything_else_is_no_base64(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)


@pytest.mark.hypothesis
@given(some.binary(max_size=200))
def test_what_the_standard_library_writes_is_read(content: bytes) -> None:
    assert decode(base64.b64encode(content)) == content


@pytest.mark.hypothesis
@given(some.text("ABcd01+/=-_ \n", max_size=14))
def test_what_it_reads_the_standard_library_reads_so_too(text: str) -> None:
    bare = text.rstrip("=")
    try:
        wanted = binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True) if bare or not text else None
    except binascii.Error:
        wanted = None
    try:
        found = decode(text)
    except ValueError:
        found = None
    assert found == wanted
