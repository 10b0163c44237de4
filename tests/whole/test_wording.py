"""Words that a native reader stumbles over stand in no Vietnamese text of ours, wherever somebody may read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

import pytest

from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.api.transactions import NEXT, REASONS, WORDS
from mappings.issues.catalogue import CATALOGUE, PHRASES

LISTS: Final = json.loads(Path("mappings/terminology/code_lists.json").read_text("utf-8"))
TEXTS: Final = {
    **{f"issue {code}": f"{entry.vi} {entry.fix_vi}" for code, entry in CATALOGUE.items()},
    **{f"issue {code} at a line": f"{e.at_line.vi} {e.at_line.fix_vi}" for code, e in CATALOGUE.items() if e.at_line},
    **{f"phrase {key}": vi for key, (vi, _) in PHRASES.items()},
    **{f"problem {code}": f"{kind.vi} {kind.fix_vi}" for code, kind in PROBLEMS.items()},
    **{f"life line {code}": vi for code, (vi, _) in {**WORDS, **NEXT, **REASONS}.items()},
    **{
        f"label {name} {row['code']}": row["display"]
        for name, one in LISTS.items()
        for row in one.get("codes", ())
        if "display" in row
    },
}
STUMBLES: Final = {
    "one word for a visit": r"đợt điều trị|lượt (khám|điều trị)|ra viện, hồ sơ",
    "tag or card": r"\bthẻ(?! (XML|BHYT|căn cước|gốc|được|đóng))",
    "the field expected": r"mục expected",
    "digits are not numbers": r"\d số\b",
    "abbreviations": r"\b(TYT|PKĐKKV|DVKT|KCB lưu|KCB tại|KCB từ)\b",
    "some": r"có một số quá lớn",
    "issues": r"những điểm|câu trả lời",
    "broken off": r"đứt giữa chừng|Tệp thiếu",
    "printable": r"nhìn thấy được",
    "conflict": r"mâu thuẫn",
    "in force": r"chưa hoặc không còn",
    "review": r"[Nn]gười xem lại|người vận hành xem",
    "could not": r"Chưa hỏi được",
}


@pytest.mark.parametrize("where", TEXTS)
def test_a_text_has_none_of_the_words_that_readers_stumble_over(where: str) -> None:
    found = [why for why, pattern in STUMBLES.items() if re.search(pattern, TEXTS[where])]
    assert found == []


@pytest.mark.parametrize("code", NEXT)
def test_what_is_waited_for_says_that_it_is_waited_for(code: str) -> None:
    assert NEXT[code][0].startswith("Chờ ") or code == "nothing"
