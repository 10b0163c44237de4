"""What is known to be wrong with the locked packages, as told by a source that speaks OSV's batch query.

https://google.github.io/osv.dev/post-v1-querybatch/    python -m tests.supply.audit LOCK ADDRESS
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import requests

from tests.supply.locked import read

CLEAN, FOUND, UNKNOWN = 0, 1, 2
KNOWN: Final = ("jinja2", "2.4.1")
"""The example of OSV's own pages. A source that knows nothing of it knows nothing: its silence is no good news."""

_PAGES: Final = 20
_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Findings:
    """How many packages were to be looked up, which were, and the advisories that name them."""

    asked: int
    looked_up: int
    advisories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    trouble: str = ""

    @property
    def status(self) -> int:
        """CLEAN only where every package was looked up, and there was one at all; what is found is told first."""
        if self.advisories:
            return FOUND
        return CLEAN if self.looked_up == self.asked > 0 else UNKNOWN

    def words(self) -> list[str]:
        """What a human reads: the verdict first, then each advisory."""
        verdict = {
            CLEAN: "No advisory names a locked package.",
            FOUND: f"Advisories name {len(self.advisories)} of the locked packages:",
            UNKNOWN: "Whether an advisory names a locked package is not known.",
        }[self.status]
        rows = [f"  {package}: {', '.join(ids)}" for package, ids in sorted(self.advisories.items())]
        return [f"{verdict} Looked up {self.looked_up} of {self.asked}.", *rows, *filter(None, [self.trouble])]


def audit(packages: Iterable[tuple[str, str]], address: str) -> Findings:
    """Look each name and version up at the address."""
    asked = list(packages)
    if not address:
        return Findings(
            len(asked), 0, trouble="No source is named: make audit ADVISORIES=<address of OSV's batch query>"
        )
    try:
        answers = _answers([KNOWN, *asked], address)
    except (requests.RequestException, ValueError, TypeError, KeyError, AttributeError) as error:
        # Whatever the answer's shape: Python's own end of a broken program is 1, which here means "found".
        return Findings(len(asked), 0, trouble=f"The source could not be asked: {type(error).__name__}.")
    if not answers.get(KNOWN):
        return Findings(len(asked), 0, trouble=f"The source does not know what all know of {' '.join(KNOWN)}.")
    found = {f"{name} {version}": ids for (name, version) in asked if (ids := answers.get((name, version)))}
    return Findings(len(asked), sum(one in answers for one in asked), found)


def _answers(packages: list[tuple[str, str]], address: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The ids of the advisories of each package that was answered to its last page."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    complete: set[tuple[str, str]] = set()
    pages = dict.fromkeys(packages, "")
    for _ in range(_PAGES):
        results = _asked([_query(one, page) for one, page in pages.items()], address) if pages else []
        answered = [(one, result) for one, result in zip(pages, results, strict=False) if isinstance(result, dict)]
        for one, result in answered:
            found[one] = found.get(one, ()) + tuple(str(told["id"]) for told in result.get("vulns", []))
        complete |= {one for one, result in answered if not result.get("next_page_token")}
        pages = {one: str(page) for one, result in answered if (page := result.get("next_page_token"))}
    return {one: ids for one, ids in found.items() if ids or one in complete}


def _query(package: tuple[str, str], page: str) -> dict[str, Any]:
    name, version = package
    asked = {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
    return {**asked, "page_token": page} if page else asked


def _asked(queries: list[dict[str, Any]], address: str) -> list[Any]:
    """The results, in the order of the queries. Raises ValueError where the answer has another shape."""
    response = requests.post(address, json={"queries": queries}, timeout=_SECONDS)
    response.raise_for_status()
    answer = response.json()
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list):
        raise ValueError("no list of results")
    return results


def main(lock: str, address: str = "") -> int:
    """Audit a lock, in words and by the exit code."""
    try:
        packages = [(name, package.version) for name, package in read(Path(lock).read_text()).items()]
    except (OSError, ValueError) as error:
        print(f"The lock cannot be read: {type(error).__name__}. Looked up 0.", file=sys.stderr)
        return UNKNOWN
    findings = audit(packages, address)
    print(*findings.words(), sep="\n", file=sys.stdout if findings.status == CLEAN else sys.stderr)
    return findings.status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
