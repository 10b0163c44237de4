"""A body on its way in: what was written is read, from anywhere; on disk it is unreadable and leaves nothing."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehr_sync.core.errors import Misconfigured, Unavailable
from ehr_sync.store.spool import Spool, own_folder

BLOCK: Final = 262_144
MEMORY: Final = 1000


def filled(folder: Path, content: bytes, piece: int = 50_000) -> Spool:
    spool = Spool(folder, MEMORY)
    for at in range(0, len(content), piece):
        spool.write(content[at : at + piece])
    spool.finish()
    return spool


def bytes_of(size: int) -> bytes:
    return bytes(n * n % 251 for n in range(size % 1021)) + b"x" * (size - size % 1021)


SIZES: Final = [0, 1, MEMORY, MEMORY + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 7]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("piece", [1021, BLOCK, 10 * BLOCK])
def test_what_was_written_is_read(tmp_path: Path, size: int, piece: int) -> None:
    content = bytes_of(size)
    with filled(tmp_path, content, piece) as spool:
        assert (spool.size, spool.on_disk) == (size, size > MEMORY)
        assert spool.read() == content
        assert spool.read() == b""


@given(
    size=st.sampled_from(SIZES),
    reads=st.lists(st.tuples(st.integers(0, 4 * BLOCK), st.integers(-1, 2 * BLOCK)), max_size=5),
)
def test_any_part_can_be_read_at_any_time(
    tmp_path_factory: pytest.TempPathFactory, size: int, reads: list[tuple[int, int]]
) -> None:
    content = bytes_of(size)
    whole = io.BytesIO(content)
    with filled(tmp_path_factory.getbasetemp(), content) as spool:
        for at, count in reads:
            assert spool.seek(at) == whole.seek(at)
            assert spool.read(count) == whole.read(count)
            assert spool.tell() == max(at, whole.tell())


def test_it_moves_from_the_start_from_here_and_from_the_end(tmp_path: Path) -> None:
    with filled(tmp_path, bytes_of(5000)) as spool:
        assert [spool.seek(10), spool.seek(5, io.SEEK_CUR), spool.seek(-1, io.SEEK_END)] == [10, 15, 4999]
        assert spool.seek(-9999, io.SEEK_CUR) == 0


def test_p11_nothing_on_disk_is_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = (tmp_path / "file").open("w+b")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: kept)
    spool = filled(tmp_path, b"NGUYEN VAN MAU " * 50_000)
    assert (tmp_path / "file").stat().st_size > 700_000
    assert b"NGUYEN" not in (tmp_path / "file").read_bytes()
    spool.close()


def test_nothing_is_left_when_it_is_closed(tmp_path: Path) -> None:
    with filled(tmp_path, bytes_of(2 * BLOCK)):
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []


def test_two_spools_of_the_same_bytes_are_not_alike_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(tmp_path / name).open("w+b") for name in "ab"]
    left = iter(files)
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: next(left))
    spools = [filled(tmp_path, bytes_of(BLOCK)) for _ in files]
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()
    for spool in spools:
        spool.close()


@pytest.mark.parametrize("buffered", [0, 10 * BLOCK])  # a buffer hides it until all is written
@pytest.mark.parametrize("size", [MEMORY + 1, 3 * BLOCK])
def test_p1_a_full_disk_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, buffered: int
) -> None:
    full = Path("/dev/full").open("r+b", buffering=buffered)  # noqa: SIM115 - closed below
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: full)
    with pytest.raises(Unavailable, match=r"disk\.full"):
        filled(tmp_path, bytes_of(size))
    with suppress(OSError):
        full.close()


def test_p1_a_folder_that_takes_no_file_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"disk\.full"):
        filled(tmp_path / "nowhere", bytes_of(MEMORY + 1))


def mode_of(folder: Path) -> int:
    return folder.stat().st_mode & 0o777


def test_the_folder_is_made_and_is_the_services_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        for _ in range(2):
            own_folder(tmp_path / "deep" / "spool")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "deep" / "spool") == 0o700


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o711, 0o755])
def test_a_folder_that_only_the_service_writes_to_is_left_as_it_is(tmp_path: Path, mode: int) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(mode)
    own_folder(tmp_path / "spool")
    assert mode_of(tmp_path / "spool") == mode


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o720, 0o702])
def test_a_folder_that_others_can_write_to_is_refused_by_its_setting(tmp_path: Path, mode: int) -> None:
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool").chmod(mode)
    with pytest.raises(Misconfigured, match=r"^Set EHR_SYNC_SPOOL_FOLDER to a folder of its own: others can write to "):
        own_folder(tmp_path / "spool")


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir(mode=0o700)
    try:
        os.chown(tmp_path / "spool", 65_534, -1)
    except PermissionError:
        pytest.skip("giving a folder away needs root")
    with pytest.raises(Misconfigured, match="others can write to "):
        own_folder(tmp_path / "spool")


@pytest.mark.parametrize("inside", ["", "spool"])
def test_a_folder_that_cannot_be_is_refused_by_its_setting(tmp_path: Path, inside: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match=r"^Set EHR_SYNC_SPOOL_FOLDER to a folder of its own: .*file"):
        own_folder(tmp_path / "file" / inside)


def test_the_folder_of_everybody_is_refused() -> None:
    with pytest.raises(Misconfigured, match="others can write to /tmp"):
        own_folder(Path("/tmp"))
