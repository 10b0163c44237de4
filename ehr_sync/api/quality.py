"""GET /api/v1/quality: how good a facility's data are, with what each number means, week by week, as JSON or CSV
(rules: quality-of-data). The words serve the pages too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.desk import word
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.problems import Problem
from ehr_sync.api.transactions import REASONS, Words
from ehr_sync.core.quality import AXES, CODE, LIVE_FOR, Week
from ehr_sync.usecases.desk.asking import Asker, system
from mappings.formats.csv_text import written_csv

CSV: Final = "text/csv"
_MISSING: Final = ("Thiếu {field}", "{field} is missing")
_NOT_CODED: Final = ("Mã {field} không có trong danh mục", "The code of {field} is in no list")
FAULTS: Final[Words] = {
    **REASONS,
    "record.twin": ("Đợt khám này đã gửi dưới MA_LK khác", "The same visit was sent under another MA_LK"),
    "claim.contradicted": (
        "Cơ sở dữ liệu dân cư nay trả lời khác lần trước",
        "The registry answers otherwise than it did",
    ),
    "claim.old_check": (
        f"Xác thực đã quá {LIVE_FOR.days} ngày",
        f"The identity was checked more than {LIVE_FOR.days} days ago",
    ),
}
AXIS_NAMES: Final[Words] = {
    "correct": ("Đúng", "Correct"),
    "complete": ("Đủ", "Complete"),
    "clean": ("Sạch", "Clean"),
    "live": ("Sống", "Live"),
}
DEFINITIONS: Final[Words] = {
    "correct": (
        "Hồ sơ có danh tính người bệnh đã được xác thực, trên tổng số hồ sơ",
        "Records whose patient's identity is proven, of all records",
    ),
    "complete": (
        "Hồ sơ không bỏ trống trường nào của XML1 mà sổ sức khỏe cần, trên số hồ sơ đã xét",
        "Records that leave no field of XML1 blank which a health book needs, of those that were looked at",
    ),
    "clean": (
        "Hồ sơ không trùng, không trái với cơ sở dữ liệu dân cư, mọi mã đều có trong danh mục, trên tổng số hồ sơ",
        "Records that are no duplicate, contradict nothing at the registry, and have every code in its list, of all",
    ),
    "live": (
        f"Hồ sơ được xác thực trong {LIVE_FOR.days} ngày qua, trên số hồ sơ đúng",
        f"Records whose identity was checked within the last {LIVE_FOR.days} days, of the correct ones",
    ),
}


def fault_words(code: str, language: Language) -> str:
    """What is wrong, in words."""
    if code in FAULTS:
        return word(code, language, FAULTS)
    vietnamese, english = _NOT_CODED if code.startswith(CODE) else _MISSING
    return (english if language == "en" else vietnamese).format(field=code.removeprefix(CODE))


def quality(look: Callable[[Asker], Sequence[Week]]) -> Blueprint:
    """The route, around its use case."""
    blueprint = Blueprint("quality", __name__, url_prefix="/api/v1")

    @blueprint.get("/quality", endpoint="show")
    def show() -> Response:
        if request.args:
            raise Problem("request.parameter")
        weeks = look(system(access.caller().client_id))
        if request.accept_mimetypes.best_match(["application/json", CSV]) == CSV:
            return as_csv([{"week": each.monday, "place": each.place, **numbers(each)} for each in weeks], "quality")
        language = language_of(request)
        told = {
            "definitions": {axis: word(axis, language, DEFINITIONS) for axis in AXES},
            "weeks": [_told(each, language) for each in weeks],
        }
        return Response(orjson.dumps(told), mimetype="application/json")

    return blueprint


def _told(week: Week, language: Language) -> dict[str, Any]:
    fixes = [{"code": code, "records": n, "text": fault_words(code, language)} for code, n in week.measure.fixes]
    return {"week": week.monday, "place": week.place, **numbers(week), "fixes": fixes}


def numbers(week: Week) -> dict[str, Any]:
    """The numbers of a place: percents to one decimal, None where there is nothing to tell them of."""
    found = week.measure
    return {
        "records": found.records,
        **{axis: found.percent(axis) for axis in AXES},
        "ageDays": found.mean_age_days,
    }


def as_csv(rows: Sequence[Mapping[str, Any]], name: str) -> Response:
    """Rows as a file of CSV in UTF-8."""
    response = Response(f"\ufeff{written_csv(rows)}", mimetype=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
