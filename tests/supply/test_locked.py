"""The lock is what setup.cfg needs, with a hash for each file, and nothing else is installed."""

from __future__ import annotations

import tomllib
from importlib.metadata import requires
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

from tests.supply.locked import Locked, differences, read, wanted

ROOT: Final = Path(__file__).parents[2]
SETUP: Final = (ROOT / "setup.cfg").read_text()
LOCKS: Final = {"service": ("build",), "tools": ("build", "dev")}
HASH: Final = "--hash=sha256:" + 64 * "a"

WORLD: Final = {
    "web": ["words>=2", "engine[fast]; python_version >= '3'", "old; python_version < '3'"],
    "engine": ["fuel; extra == 'fast'", "paint; extra == 'nice'"],
    "words": ["web"],  # a circle, as some packages have
}


def lock(name: str) -> dict[str, Locked]:
    return read((ROOT / "lock" / f"{name}.txt").read_text())


def installed(name: str) -> list[str]:
    return requires(name) or []


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_gives_what_setup_cfg_needs_and_nothing_else(name: str) -> None:
    assert differences(wanted(SETUP, *LOCKS[name]), lock(name), installed) == [], "run: make lock"


@pytest.mark.parametrize("name", LOCKS)
def test_each_locked_package_has_hashes_of_its_files(name: str) -> None:
    assert [one for one, package in lock(name).items() if not package.hashes] == []
    assert {value.partition(":")[0] for package in lock(name).values() for value in package.hashes} == {"sha256"}


def test_the_tools_lock_holds_the_service_as_it_is_locked() -> None:
    service, tools = lock("service"), lock("tools")
    assert {name: tools.get(name) for name in service} == service


def test_what_builds_the_project_is_locked_as_its_build_asks_for_it() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert [line.strip() for line in SETUP.partition("\nbuild =\n")[2].partition("\ndev =\n")[0].split("\n")] == build


def test_no_lock_names_where_its_packages_come_from() -> None:
    assert [name for name in LOCKS if "://" in (ROOT / "lock" / f"{name}.txt").read_text()] == []


def told(*lines: str) -> list[str]:
    given = read("\n".join(f"{line} {HASH}" for line in lines))
    return differences([Requirement("web==1.0")], given, lambda name: WORLD.get(name, []))


def test_a_lock_of_all_that_is_needed_is_told_nothing() -> None:
    assert told("web==1.0", "words==2.1", "engine[fast]==3", "fuel==4", "other==5 ; sys_platform == 'mars'") == []


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["words==2.1", "engine==3", "fuel==4"], "web is needed, and the lock does not give it."),
        (["web==1.0", "engine==3", "fuel==4"], "words is needed, and the lock does not give it."),
        (["web==1.0", "words==2.1", "engine==3"], "fuel is needed, and the lock does not give it."),
        (["web==1.1", "words==2.1", "engine==3", "fuel==4"], "web is locked as 1.1, which is not what is asked for."),
        (["web==1.0", "words==1.9", "engine==3", "fuel==4"], "words is locked as 1.9, which is not what is asked for."),
        (["web==1.0", "words==2.1", "engine==3", "fuel==4", "paint==5"], "paint is locked, and nothing needs it."),
        (["web==1.0", "words==2.1", "engine==3", "fuel==4", "old==5"], "old is locked, and nothing needs it."),
    ],
)
def test_what_is_missing_from_a_lock_or_too_much_in_it_is_told(lines: list[str], sentence: str) -> None:
    assert told(*lines) == [sentence]


@pytest.mark.parametrize("line", ["web", "web>=1", "web==1.*"])
def test_a_version_that_is_not_fixed_is_no_lock(line: str) -> None:
    with pytest.raises(ValueError, match="no fixed version"):
        read(f"{line} {HASH}")
