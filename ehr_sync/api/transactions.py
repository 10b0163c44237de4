"""GET /api/v1/transactions/{maGiaoDich}: the life line of what a sender sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import orjson
from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.language import Language, language_of
from ehr_sync.core.clock import instant


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


Words = Mapping[str, tuple[str, str]]
"""Code -> (Vietnamese, English). A code that is not there is shown as it is."""

WORDS: Final[Words] = {
    "received": ("Đã nhận", "Received"),
    "verified": ("Đã xác minh danh tính", "Identity verified"),
    "mapped": ("Đã chuyển sang FHIR", "Mapped to FHIR"),
    "delivering": ("Đang đưa lên sổ sức khỏe", "On its way to the health book"),
    "delivered": ("Đã lên sổ sức khỏe", "In the health book"),
    "verifying": ("Đang xác minh danh tính", "Identity being verified"),
    "held": ("Tạm giữ: danh tính chưa được xác minh", "Held: the identity is not proven"),
    "kept": ("Đã lưu, không có gì để đưa lên sổ", "Kept, nothing to bring to the book"),
    "not_proven": ("Danh tính không khớp cơ sở dữ liệu dân cư", "Identity not confirmed by the registry"),
    "review": ("Chờ kiểm tra thủ công", "Waiting for review"),
    "no_number": ("Không có số định danh", "No personal number"),
    "not_asked": ("Không hỏi cơ sở dữ liệu dân cư", "Not asked at the registry"),
    "superseded": ("Đã có bản mới hơn thay thế", "Superseded by a newer version"),
    "visit_open": ("Đợt khám bệnh, chữa bệnh chưa kết thúc", "The visit is not over"),
    "order_unclear": ("Chưa rõ bản nào mới hơn", "Unclear which version is newer"),
    "waiting_for_xml1": ("Chờ bảng XML1", "Waiting for table XML1"),
    "refused_by_book": ("Sổ sức khỏe từ chối", "Refused by the health book"),
    "withdrawn": ("Cơ sở đã thu hồi", "Withdrawn by the facility"),
    "set_aside": ("Trùng đợt khám với hồ sơ gửi sau", "The same visit as a later record"),
}
# What is waited for: who does what.
NEXT: Final[Words] = {
    "nothing": ("Không cần làm gì thêm", "Nothing more to do"),
    "verification": ("Chờ hệ thống xác minh danh tính", "Waiting for the service to verify the identity"),
    "registry": ("Chờ cơ sở dữ liệu dân cư trả lời", "Waiting for an answer of the population registry"),
    "book": ("Chờ sổ sức khỏe nhận", "Waiting for the health book to take it"),
    "operator": ("Chờ đơn vị vận hành xử lý", "Waiting for the operator to look into it"),
    "review": (
        "Chờ cơ sở đối chiếu họ tên, ngày sinh, số định danh với giấy tờ; nếu sai thì sửa và gửi lại,"
        " nếu đúng thì báo đơn vị vận hành",
        "Waiting for the facility to compare name, birth date and number with the document: if wrong, correct and send"
        " again; if right, tell the operator",
    ),
    "discharge_time": ("Chờ cơ sở gửi lại khi có NGAY_RA", "Waiting for the facility to send again with NGAY_RA"),
    "make_current": ("Chờ cơ sở xác nhận bản nào đang dùng", "Waiting for the facility to say which version stands"),
    "twin_decision": (
        "Chờ cơ sở xác nhận nếu là hai đợt khám khác nhau (:keep-apart); nếu không thì không cần làm gì",
        "Waiting for the facility to say so if these are two visits (:keep-apart); otherwise nothing to do",
    ),
    "summary_table": ("Chờ cơ sở gửi bảng XML1 của hồ sơ", "Waiting for the facility to send table XML1 of the record"),
    "identity_correction": (
        "Chờ cơ sở sửa số định danh, họ tên, ngày sinh rồi gửi lại",
        "Waiting for the facility to correct number, name and birth date, then send again",
    ),
    "personal_number": (
        "Chờ cơ sở gửi lại khi có số định danh",
        "Waiting for the facility to send again with the personal number",
    ),
}
# Why a claim was decided so; what a book says is shown as its code alone.
REASONS: Final[Words] = {
    "registry.exact": ("Số định danh, họ tên, ngày sinh đều khớp", "Number, name and birth date agree"),
    "registry.exact_but_sex": (
        "Số định danh, họ tên, ngày sinh đều khớp; giới tính chưa được xác nhận",
        "Number, name and birth date agree; the sex is not confirmed",
    ),
    "review.accepted": (
        "Người xét duyệt đã xác nhận sau khi xem giấy tờ và ý kiến của cơ sở",
        "A reviewer confirmed it by papers and what the facility answered",
    ),
    "review.rejected": (
        "Người xét duyệt đã xem và không công nhận: hồ sơ chỉ người khác, hoặc ghi sai",
        "A reviewer looked and said no: it tells of somebody else, or was typed wrongly",
    ),
    "registry.no_match": (
        "Không có người nào khớp cả số định danh, họ tên, ngày sinh",
        "Nobody has this number, name and birth date",
    ),
    "registry.name_only_loosely": (
        "Số định danh và ngày sinh khớp; họ tên chỉ khớp khi bỏ dấu, bỏ ký hiệu hoặc coi i như y",
        "Number and birth date agree; the name agrees only without its marks or signs, or with i for y",
    ),
    "registry.name_near": (
        "Số định danh khớp; họ tên chỉ gần giống: khác dấu, khác một chữ, đảo thứ tự hoặc thiếu một phần",
        "The number agrees; the name is only near: other marks, another letter, another order, or a part missing",
    ),
    "registry.not_shown": (
        "Cơ sở dữ liệu dân cư xác nhận nhưng không cho biết họ tên hoặc ngày sinh nào",
        "The registry confirms, but does not show which name or birth date it holds",
    ),
    "registry.number_superseded": (
        "Số định danh này đã được thay bằng số khác",
        "This number was replaced by another one",
    ),
    "registry.number_invalid": ("Số định danh này đã bị hủy", "This number was cancelled"),
    "registry.restricted": (
        "Cơ sở dữ liệu dân cư không cho biết gì về người này",
        "The registry does not tell of this person",
    ),
    "registry.deceased": (
        "Cơ sở dữ liệu dân cư ghi người này đã mất",
        "The registry says that this person has died",
    ),
    "registry.birth_year_only": ("Chỉ năm sinh khớp", "Only the year of birth agrees"),
    "registry.old_number": ("Tra được bằng số CMND cũ 9 chữ số", "Found by an old 9-digit number"),
    "claim.too_many_tries": (
        "Trong một ngày đã có quá nhiều họ tên hoặc ngày sinh khác nhau cho số định danh này; sẽ kiểm tra sau",
        "Too many different names or birth dates for this number within a day; it is asked about later",
    ),
    "claim.no_number": ("Hồ sơ không có số định danh", "The dossier has no number"),
    "claim.number_not_askable": (
        "Không tra được cơ sở dữ liệu dân cư bằng loại số này",
        "The registry cannot be asked with this kind of number",
    ),
    "claim.waiting_for_xml1": ("Chưa có bảng XML1", "There is no table XML1 yet"),
    "claim.name_may_be_a_parents": ("Họ tên có thể là của cha hoặc mẹ", "The name may be a parent's"),
}
# Why a record was withdrawn (core/withdrawals.py).
WITHDRAWN: Final[Words] = {
    "sent_by_mistake": ("Gửi nhầm", "Sent by mistake"),
    "wrong_patient": ("Ghi nhầm người bệnh", "Of another patient"),
    "duplicate": ("Trùng với hồ sơ khác", "The same as another record"),
    "visit_cancelled": ("Đợt khám đã hủy", "The visit was cancelled"),
    "test_data": ("Dữ liệu thử", "Test data"),
}
WHY: Final[Words] = {**REASONS, **WITHDRAWN}
"""Why a step was taken."""


class Decide(Protocol):
    """A use case by which a sender decides: that a version stands, or that a record is a visit of its own. Raises
    NotFound as above, Conflict where a version cannot stand.
    """

    def __call__(self, code: str, *, client_id: str) -> None: ...


def transactions(follow: Follow, make_current: Decide, keep_apart: Decide) -> Blueprint:
    """The routes, around their use cases."""
    blueprint = Blueprint("transactions", __name__)

    @blueprint.get("/api/v1/transactions/<code>", endpoint="follow")
    def show(code: str) -> Response:
        line = follow(code, client_id=access.caller().client_id)
        return Response(orjson.dumps(rendered(line, language_of(request))), mimetype="application/json")

    @blueprint.post("/api/v1/transactions/<code>:make-current", endpoint="make_current")
    def stand(code: str) -> Response:
        make_current(code, client_id=access.caller().client_id)
        return decided(code)

    @blueprint.post("/api/v1/transactions/<code>:keep-apart", endpoint="keep_apart")
    def apart(code: str) -> Response:
        keep_apart(code, client_id=access.caller().client_id)
        return decided(code)

    def decided(code: str) -> Response:
        if access.may_call("transactions.follow", access.caller()):
            return show(code)
        # Whoever may only send hears that it is done, and nothing of what has become of it.
        return Response(orjson.dumps({"maGiaoDich": code}), mimetype="application/json")

    return blueprint


def rendered(line: LifeLine, language: Language) -> dict[str, Any]:
    """The life line as JSON values, each code with its words."""
    shown = {
        "maGiaoDich": line.transaction_code,
        "batchId": line.batch_id,
        "state": line.state,
        "stateText": _words(line.state, language),
        "next": line.next,
        "nextText": _words(line.next, language, NEXT),
        "steps": [_step(step, language) for step in line.steps],
    }
    return {**shown, "supersededBy": line.superseded_by} if line.superseded_by else shown


def _step(step: Step, language: Language) -> dict[str, Any]:
    at = instant(step.at) if step.at else None
    shown = {"name": step.name, "text": _words(step.name, language), "at": at}
    if step.reason:
        shown["reason"] = step.reason
    if step.reason in WHY:
        shown["reasonText"] = _words(step.reason, language, WHY)
    return shown


def _words(code: str, language: Language, words: Words = WORDS) -> str:
    vietnamese, english = words.get(code, (code, code))
    return english if language == "en" else vietnamese
