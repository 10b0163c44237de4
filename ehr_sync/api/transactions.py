"""GET /api/v1/transactions/{maGiaoDich}: the life line of what a sender sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import orjson
from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.language import Language, language_of


class Step(Protocol):
    """A step that was taken; name and reason are codes."""

    @property
    def name(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...
    @property
    def reason(self) -> str: ...


class LifeLine(Protocol):
    """Where one record version is; state and next are codes."""

    @property
    def transaction_code(self) -> str: ...
    @property
    def batch_id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def next(self) -> str: ...
    @property
    def steps(self) -> Sequence[Step]: ...
    @property
    def superseded_by(self) -> str: ...


class Follow(Protocol):
    """The use case. Raises NotFound for a code that is none, or another sender's."""

    def __call__(self, code: str, *, client_id: str) -> LifeLine: ...


# Code -> (Vietnamese, English). A code that is not here is shown as it is.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "received": ("Đã nhận", "Received"),
    "verified": ("Đã xác minh danh tính", "Identity verified"),
    "mapped": ("Đã chuyển sang FHIR", "Mapped to FHIR"),
    "delivering": ("Đang đưa lên sổ sức khỏe", "On its way to the health book"),
    "delivered": ("Đã lên sổ sức khỏe", "In the health book"),
    "verifying": ("Đang xác minh danh tính", "Identity being verified"),
    "held": ("Tạm giữ: danh tính chưa được xác minh", "Held: the identity is not proven"),
    "kept": ("Đã lưu, không có gì để đưa lên sổ", "Kept, nothing to bring to the book"),
    "not_proven": ("Danh tính không khớp cơ sở dữ liệu dân cư", "Identity not confirmed by the registry"),
    "review": ("Chờ người xem lại", "Waiting for review"),
    "no_number": ("Không có số định danh", "No personal number"),
    "not_asked": ("Chưa hỏi được cơ sở dữ liệu dân cư", "Not asked at the registry"),
    "superseded": ("Đã có bản mới hơn thay thế", "Superseded by a newer version"),
    "visit_open": ("Đợt điều trị chưa kết thúc", "The visit is not over"),
    "order_unclear": ("Chưa rõ bản nào mới hơn", "Unclear which version is newer"),
    "waiting_for_xml1": ("Chờ bảng XML1", "Waiting for table XML1"),
    "refused_by_book": ("Sổ sức khỏe từ chối", "Refused by the health book"),
    "nothing": ("Không cần làm gì thêm", "Nothing more to do"),
    "verification": ("Xác minh danh tính", "Identity verification"),
    "registry": ("Cơ sở dữ liệu dân cư trả lời", "An answer of the population registry"),
    "book": ("Sổ sức khỏe nhận", "The health book takes it"),
    "operator": ("Người vận hành xem lại", "An operator looks into it"),
    "discharge_time": ("Gửi lại khi có NGAY_RA", "Send again with NGAY_RA"),
    "make_current": ("Cơ sở xác nhận bản nào đang dùng", "The facility says which version stands"),
    "summary_table": ("Gửi bảng XML1 của hồ sơ", "Send table XML1 of the record"),
    "identity_correction": (
        "Cơ sở sửa số định danh, họ tên, ngày sinh rồi gửi lại",
        "Correct number, name and birth date, then send again",
    ),
    "personal_number": ("Gửi lại khi có số định danh", "Send again with the personal number"),
}


class MakeCurrent(Protocol):
    """The use case that lets a version stand. Raises NotFound as above, Conflict where it cannot stand."""

    def __call__(self, code: str, *, client_id: str) -> None: ...


def transactions(follow: Follow, make_current: MakeCurrent) -> Blueprint:
    """The routes, around their use cases."""
    blueprint = Blueprint("transactions", __name__)

    @blueprint.get("/api/v1/transactions/<code>", endpoint="follow")
    def show(code: str) -> Response:
        line = follow(code, client_id=access.caller().client_id)
        return Response(orjson.dumps(rendered(line, language_of(request))), mimetype="application/json")

    @blueprint.post("/api/v1/transactions/<code>:make-current", endpoint="make_current")
    def stand(code: str) -> Response:
        make_current(code, client_id=access.caller().client_id)
        return show(code)

    return blueprint


def rendered(line: LifeLine, language: Language) -> dict[str, Any]:
    """The life line as JSON values, each code with its words."""
    shown = {
        "maGiaoDich": line.transaction_code,
        "batchId": line.batch_id,
        "state": line.state,
        "stateText": _words(line.state, language),
        "next": line.next,
        "nextText": _words(line.next, language),
        "steps": [_step(step, language) for step in line.steps],
    }
    return {**shown, "supersededBy": line.superseded_by} if line.superseded_by else shown


def _step(step: Step, language: Language) -> dict[str, Any]:
    at = step.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if step.at else None
    shown = {"name": step.name, "text": _words(step.name, language), "at": at}
    return {**shown, "reason": step.reason} if step.reason else shown


def _words(code: str, language: Language) -> str:
    vietnamese, english = WORDS.get(code, (code, code))
    return english if language == "en" else vietnamese
