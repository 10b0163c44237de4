"""A disk that is full is a 503, never a 2xx; when there is room again, all is well (P1)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ehr_sync.core.errors import Unavailable
from ehr_sync.runtime import embedded_postgres
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.world import World
from ehr_sync.store.migrate import migrate
from ehr_sync.store.spool import Spool
from tests.databases import Dsns
from tests.faults.city import City, city, eventually
from tests.faults.forge import Forge
from tests.faults.senders import Post, Visit, wrong_with
from tests.faults.watching import Watch, version

pytestmark = pytest.mark.faults

_SMALL = {"max_wal_size": "32MB", "min_wal_size": "32MB", "shared_buffers": "16MB", "wal_recycle": "off"}


@contextmanager
def tiny_disk(folder: Path, size: str) -> Iterator[Path]:
    """A file system of that size."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system needs root and CAP_SYS_ADMIN")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def small(world: World, forge: Forge, tmp_path: Path) -> Iterator[tuple[EmbeddedPostgres, Path, City]]:
    """A city whose database is on a small disk, and that disk's folder."""
    tmp_path.chmod(0o711)
    # However deep pytest puts it: out of reach, the database would go elsewhere, where the disk is large.
    for parent in tmp_path.parents:
        if parent == Path(tempfile.gettempdir()):
            break
        parent.chmod(0o711)
    with tiny_disk(tmp_path / "disk", "150m") as disk:
        server = embedded_postgres.start(disk / "postgres", options=_SMALL)
        try:
            migrate(server.dsn, server.key_dsn)
            (tmp_path / "city").mkdir()
            with city(tmp_path / "city", Dsns(server.dsn, server.key_dsn), world, forge) as made:
                yield server, disk, made
        finally:
            server.stop("immediate")


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 65_536):
                pass
        except OSError:
            return filler
    return filler


def big(n: int) -> Post:
    """A dossier with so many rows that a handful takes more than what a database has in reserve."""
    hoso = dossier(n, person_index=n * 50, facility="01001", shape="inpatient", rows=1500)
    return Post((Visit(hoso, 1),), version(1).made_on)


def test_a_full_database_disk_is_a_503_and_nothing_acknowledged_is_lost(
    small: tuple[EmbeddedPostgres, Path, City],
) -> None:
    server, disk, place = small
    place.start_web()
    place.start_schedulers()
    watch = Watch(place)
    watch.sender.send(version(1))
    filler = fill(disk)
    for n in range(100, 140):
        watch.sender.send(big(n), patience=0.0 if watch.ledger.unavailable else 0.01)

    assert watch.ledger.unavailable > 0
    watch.ledger.wrong.clear() if set(watch.ledger.wrong) == {"never acknowledged"} else None
    filler.unlink()
    if server.exit_code() is not None:
        server.restart()  # a full log ends PostgreSQL; its supervisor starts it again
    watch.sender.send(version(2))
    watch.sender.send(version(1, patient=1))

    assert watch.arrives(40)
    assert watch.faults() == []


@pytest.fixture
def spooling(place: City, tmp_path: Path) -> Iterator[City]:
    """A city that spools every body to a disk of 64 KB."""
    with tiny_disk(tmp_path / "spool-disk", "64k") as disk:
        place.settings |= {"EHR_SYNC_SPOOL_FOLDER": str(disk), "EHR_SYNC_SPOOL_BYTES": "1000"}
        yield place


def test_a_full_spool_disk_is_a_503_and_small_bodies_still_pass(spooling: City) -> None:
    spooling.start_web(1)
    spooling.start_schedulers(1)
    watch = Watch(spooling)

    answer = watch.sender.try_once(big(1))

    assert answer is not None
    assert (answer.status_code, wrong_with(answer)) == (503, [])
    assert watch.sender.send(version(1))
    assert watch.arrives()


def test_a_spool_that_could_not_be_written_is_closed_in_silence(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "spool-disk", "64k") as disk:
        spool = Spool(disk, 10)
        spool.write(b"x" * 3000)
        fill(disk)
        with pytest.raises(Unavailable):
            spool.finish()

        spool.close()


def test_a_spool_disk_with_no_room_for_a_file_is_a_503(spooling: City, tmp_path: Path) -> None:
    spooling.start_web(1)
    watch = Watch(spooling)
    disk = tmp_path / "spool-disk"
    filler = fill(disk)
    subprocess.run(["mount", "-o", "remount,nr_inodes=2", str(disk)], check=True, capture_output=True)

    answer = watch.sender.try_once(version(1))

    assert answer is not None
    assert (answer.status_code, wrong_with(answer)) == (503, [])
    filler.unlink()
    assert eventually(lambda: watch.sender.send(version(1), patience=1), 5)
