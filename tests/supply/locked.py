"""What a lock gives, and whether that is what setup.cfg needs: no more, no less."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from configparser import ConfigParser
from dataclasses import dataclass

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_HASH = re.compile(r"--hash=(\S+)")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock: its one version, the hashes of its files, and where it is wanted at all."""

    version: str
    hashes: frozenset[str]
    marker: Marker | None

    @property
    def is_wanted_here(self) -> bool:
        """Whether this Python on this machine installs it."""
        return self.marker is None or self.marker.evaluate()


def read(text: str) -> dict[str, Locked]:
    """The packages of a lock by their normalised names (PEP 503). Raises ValueError for one without a fixed version."""
    lines = (line.partition(" #")[0].strip() for line in text.replace("\\\n", " ").splitlines())
    return dict(_package(line) for line in lines if line and not line.startswith("#"))


def _package(line: str) -> tuple[str, Locked]:
    requirement = Requirement(line.partition("--hash")[0].strip())
    pins = [pin.version for pin in requirement.specifier if pin.operator == "=="]
    if len(pins) != 1 or pins[0].endswith(".*"):
        raise ValueError(f"{requirement.name} has no fixed version in the lock.")
    return canonicalize_name(requirement.name), Locked(pins[0], frozenset(_HASH.findall(line)), requirement.marker)


def wanted(setup_cfg: str, *extras: str) -> list[Requirement]:
    """What setup.cfg asks for by name, with these extras."""
    parser = ConfigParser()
    parser.read_string(setup_cfg)
    lists = [parser["options"]["install_requires"], *(parser["options.extras_require"][extra] for extra in extras)]
    return [Requirement(line) for text in lists for line in text.split("\n") if line.strip()]


def differences(
    requirements: Iterable[Requirement], lock: Mapping[str, Locked], parts: Callable[[str], Iterable[str]]
) -> list[str]:
    """A sentence for each package that is needed but not locked so, or locked but not needed; `parts` are the
    requirements that an installed package states (its Requires-Dist)."""
    needed, told = _closure(requirements, parts), []
    for name, asked in sorted(needed.items()):
        if name not in lock:
            told.append(f"{name} is needed, and the lock does not give it.")
        elif any(lock[name].version not in one.specifier for one in asked):
            told.append(f"{name} is locked as {lock[name].version}, which is not what is asked for.")
    here = {name for name, package in lock.items() if package.is_wanted_here}
    return told + [f"{name} is locked, and nothing needs it." for name in sorted(here - needed.keys())]


def _closure(
    requirements: Iterable[Requirement], parts: Callable[[str], Iterable[str]]
) -> dict[str, list[Requirement]]:
    needed: dict[str, list[Requirement]] = {}
    open_ones = [(one, "") for one in requirements]
    while open_ones:
        one, extra = open_ones.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(one.name)
        if one in needed.setdefault(name, []):
            continue
        needed[name].append(one)
        open_ones += [(Requirement(part), of) for part in parts(name) for of in ("", *one.extras)]
    return needed
