"""`make mutants`: break lines, and tell which breaks no test notices.

Of the modules that changed since main by default; of PACKAGE, or of all; SAMPLE lines each, drawn by SEED.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.mutants.breaking import Mutant, sample
from tests.mutants.covering import FOLDER, read
from tests.mutants.running import Judged, judge_all

ROOT: Final = Path(__file__).resolve().parents[2]
FIGURES: Final = ROOT / ".mutants"
PACKAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "usecases": ("ehr_sync/usecases",),
    "store": ("ehr_sync/store",),
    "core": ("ehr_sync/core",),
    "gate": ("mappings/gate",),
    "restricted": ("mappings/restricted",),
    "mapping": ("mappings",),
    "api": ("ehr_sync/api", "ehr_sync/adapters"),
}
"""Where each figure comes from; the mapping is what no other package of `mappings` has."""
_JUDGES: Final = ("api", "contracts", "core", "mappings", "store", "usecases")


def main() -> None:
    """Judge what was asked for; ends with 0 whatever survives: the table is for reading."""
    asked = _arguments()
    if asked.cover or not any(FOLDER.glob("*.coverage")):
        _cover()
    covering = read(ROOT)
    for name in asked.packages or ["changed"]:
        chosen = sample(ROOT, modules_of(name), asked.sample, asked.seed)
        judged = _kept(name, asked.seed, chosen, survivors=not asked.again)
        done = {each.mutant for each in judged}
        for each in judge_all(ROOT, [one for one in chosen if one not in done], covering, copies=asked.copies):
            judged.append(each)
            print(f"{len(judged):4} of {len(chosen)} {each.verdict:9} {_place(each.mutant)}  [{each.by}]", flush=True)
            _keep(name, asked.seed, judged)
        _report(name, asked.seed, judged)


def modules_of(name: str) -> list[str]:
    """The modules of a package, of a path, or of what changed since main."""
    if name == "changed":
        command = ["git", "diff", "--name-only", "--diff-filter=d", "main..."]
        changed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
        return [each for each in changed if each.endswith(".py") and each.startswith(("ehr_sync/", "mappings/"))]
    others = [place for other in ("gate", "restricted") if other != name for place in PACKAGES[other]]
    found = [path for place in PACKAGES.get(name, (name,)) for path in sorted(_modules(ROOT / place))]
    relative = [str(path.relative_to(ROOT)) for path in found]
    return [path for path in relative if not path.startswith(tuple(others))] if name == "mapping" else relative


def equivalents() -> list[dict[str, str]]:
    """Mutants that change nothing anyone could see, each with its reason."""
    told = tomllib.loads((Path(__file__).parent / "equivalents.toml").read_text())
    return list(told["equivalent"])


def is_equivalent(mutant: Mutant) -> bool:
    """Whether it is listed: by module, line and break, not by the number of the line."""
    same = {"path": mutant.path, "line": mutant.place, "now": mutant.now}
    return any(same.items() <= each.items() for each in equivalents())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packages", nargs="*", help=f"{', '.join(PACKAGES)} or a path; else what changed since main")
    parser.add_argument("--sample", type=int, default=100, help="lines to break of each")
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--copies", type=int, default=os.cpu_count() or 1, help="how many are tried side by side")
    parser.add_argument("--cover", action="store_true", help="find out again which tests run which lines")
    parser.add_argument("--again", action="store_true", help="ask again those that survived")
    return parser.parse_args()


def _cover() -> None:
    print("Which tests run which lines? All of them run once under coverage ...", flush=True)
    for old in FOLDER.glob("*"):
        old.unlink()
    tests = [f"tests/{name}" for name in _JUDGES]
    plugin = ["-p", "tests.mutants.covering", "--numprocesses", "auto", "--dist", "loadfile"]
    subprocess.run([sys.executable, "-m", "pytest", *plugin, *tests], cwd=ROOT, check=False)


def _modules(place: Path) -> list[Path]:
    return [place] if place.is_file() else [each for each in place.rglob("*.py") if "migrations" not in each.parts]


def _place(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.line} {_short(mutant.was)} -> {_short(mutant.now)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def _kept(name: str, seed: int, chosen: Sequence[Mutant], *, survivors: bool) -> list[Judged]:
    """What an earlier run said of these very mutants, so that one that was stopped goes on where it stood."""
    file = _file(name, seed)
    rows = json.loads(file.read_text()) if file.is_file() else []
    verdicts = {(row["path"], row["at"], row["now"]): (row["verdict"], row["by"]) for row in rows}
    known = [(mutant, verdicts.get((mutant.path, mutant.place, mutant.now))) for mutant in chosen]
    return [Judged(mutant, *said) for mutant, said in known if said and (survivors or said[0] == "caught")]


def _keep(name: str, seed: int, judged: Sequence[Judged]) -> None:
    FIGURES.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = [
        {"path": e.mutant.path, "line": e.mutant.line, "was": e.mutant.was, "now": e.mutant.now, "at": e.mutant.place}
        | {"verdict": e.verdict, "by": e.by, "equivalent": is_equivalent(e.mutant)}
        for e in judged
    ]
    _file(name, seed).write_text(json.dumps(rows, indent=1, ensure_ascii=False))


def _file(name: str, seed: int) -> Path:
    return FIGURES / f"{name.replace('/', '.')}-{seed}.json"


def _report(name: str, seed: int, judged: Sequence[Judged]) -> None:
    missed = [each.mutant for each in judged if each.verdict != "caught"]
    same = [mutant for mutant in missed if is_equivalent(mutant)]
    caught = Counter(each.verdict for each in judged)["caught"]
    counted = len(judged) - len(same)
    print("\n| Package | Lines | Seed | Caught | Survived | Equivalent | Caught of the rest |")
    print("|---|---|---|---|---|---|---|")
    share = f"{100 * caught / counted:.0f} %" if counted else "-"
    print(f"| {name} | {len(judged)} | {seed} | {caught} | {len(missed) - len(same)} | {len(same)} | {share} |\n")


if __name__ == "__main__":
    main()
