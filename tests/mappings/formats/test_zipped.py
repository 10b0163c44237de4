"""Archives are read in bounds: what is no plain .zip of files is refused with a code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest

from mappings.formats import zipped
from mappings.formats.source import SourceRefused


def packed(*files: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """A .zip of these files."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content)
    made.seek(0)
    return made


def encrypted() -> io.BytesIO:
    """One whose member says that it has a password."""
    made = bytearray(packed(("a.xml", b"<a/>")).getvalue())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        made[made.index(start) + (6 if start[2] == 3 else 8)] |= 1
    return io.BytesIO(bytes(made))


def broken() -> io.BytesIO:
    """One whose content is not what its sum says."""
    made = bytearray(packed(("a.xml", b"<a>mot hai ba</a>")).getvalue())
    made[45] ^= 0xFF
    return io.BytesIO(bytes(made))


def by_method(method: int) -> io.BytesIO:
    """One whose member says that it is packed by this method, and is not."""
    made = bytearray(packed(("a.xml", b"<a/>")).getvalue())
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        at = made.index(start) + (8 if start[2] == 3 else 10)
        made[at : at + 2] = method.to_bytes(2, "little")
    return io.BytesIO(bytes(made))


def lying() -> io.BytesIO:
    """One whose member says that it is short, and is not."""
    made = bytearray(packed(("a.xml", b"<a/>" * 1_000)).getvalue())
    at = made.index(b"PK\x01\x02") + 24
    made[at : at + 4] = (4).to_bytes(4, "little")
    return io.BytesIO(bytes(made))


def test_files_come_out_by_name_and_content() -> None:
    found = zipped.files_in(packed(("a.xml", b"<a/>"), ("b.json", b"{}")))
    assert [(name, content.read()) for name, content in found] == [("a.xml", b"<a/>"), ("b.json", b"{}")]


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (lambda: io.BytesIO(b"PK\x03\x04" + b"x" * 100), "archive.unreadable"),
        (broken, "archive.unreadable"),
        (lying, "archive.unreadable"),
        (encrypted, "archive.encrypted"),
        (lambda: packed(("a.xml", b"<a/>"), method=zipfile.ZIP_BZIP2), "archive.method"),
        (lambda: packed(("a.xml", b"<a/>"), method=zipfile.ZIP_LZMA), "archive.method"),
        (lambda: by_method(zipfile.ZIP_LZMA), "archive.method"),
        (lambda: by_method(9), "archive.method"),
        (lambda: by_method(0), "archive.unreadable"),
        (lambda: packed(("thang-1/a.xml", b"<a/>")), "archive.folder"),
        (lambda: packed(("../a.xml", b"<a/>")), "archive.folder"),
        (lambda: packed(("C:\\a.xml", b"<a/>")), "archive.folder"),
        (lambda: packed(("a.xml", packed(("b.xml", b"<a/>")).getvalue())), "archive.nested"),
        (lambda: packed(*[(f"{n}.xml", b"") for n in range(zipped.MOST_FILES + 1)]), "archive.too_large"),
        (lambda: packed(("a.xml", b"0" * 5_000_000)), "archive.too_dense"),
    ],
)
def test_what_is_no_plain_archive_is_refused(archive: Callable[[], io.BytesIO], code: str) -> None:
    with pytest.raises(SourceRefused) as refused:
        list(zipped.files_in(archive()))
    assert refused.value.issue.code == code


def test_a_file_that_is_not_packed_comes_out_too() -> None:
    found = zipped.files_in(packed(("a.xml", b"<a/>"), method=zipfile.ZIP_STORED))
    assert [(name, content.read()) for name, content in found] == [("a.xml", b"<a/>")]


def test_all_files_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "MOST_BYTES", 10)
    found = zipped.files_in(packed(("a.xml", b"123456"), ("b.xml", b"123456")))
    assert next(found)[0] == "a.xml"
    with pytest.raises(SourceRefused, match=r"archive.too_large"):
        next(found)
