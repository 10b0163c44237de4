"""What each route of the API says of itself: one row a route. Who may call it, its address and its problems are known
elsewhere (api/access.py, the route, api/problem_types.py) and are not said again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ehr_sync.api import shapes
from ehr_sync.api.corrections import LIST_TYPES
from ehr_sync.api.oauth import FORM
from ehr_sync.api.ops import Hurry, ResyncOrder
from ehr_sync.api.reviews import AnswerToQuestion, Decision
from ehr_sync.api.shapes import COUNT, DAY, FHIR, JSON, TEXT, UUID, Content, Schema, json, one_of, ref
from ehr_sync.api.submissions import MEDIA_TYPES
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.usecases.desk.look_at_day import GROUPS, PAGE_SIZE
from ehr_sync.usecases.overview import KNOWN, LISTS
from mappings.formats.workbook import MEDIA_TYPE as XLSX


@dataclass(frozen=True, slots=True)
class Said:
    """A route in a line of both languages; `answers`: what is no problem, by status; `takes`: its body; `asks`: its
    parameters of the query, and of the path where the path does not say it all; `problems`: the statuses of problems
    beside those that every route of its kind has.
    """

    vi: str
    en: str
    answers: Mapping[int, Content]
    takes: Content = field(default_factory=dict)
    asks: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    searches: bool = False  # it takes FHIR search parameters, which are those of GET /fhir/metadata


_RESOURCE: Final[Content] = {FHIR: ref("Resource")}
_FHIR_BODY: Final[Content] = {FHIR: ref("Resource"), JSON: ref("Resource")}
_UNCHANGED: Final[Mapping[int, Content]] = {304: {}}
_IF_NONE_MATCH: Final[Mapping[str, Schema]] = {"If-None-Match": TEXT}
_TOKEN_REFUSED: Final[Mapping[int, Content]] = {400: json("TokenRefused"), 401: json("TokenRefused")}
_PAGE: Final[Mapping[str, Schema]] = {
    "after": TEXT,
    "limit": {"type": "integer", "minimum": 1, "maximum": PAGE_SIZE},
}
_ROWS: Final[Mapping[str, Schema]] = {"limit": {"type": "integer", "minimum": 1, "maximum": 1_000}}
_LIST: Final[Mapping[str, Schema]] = dict.fromkeys(LIST_TYPES, shapes.ANY)
_JSON_BATCH: Final[Mapping[str, Schema]] = {"application/json": ref("Batch")}

SAID: Final[Mapping[str, Said]] = {
    "openapi.document": Said(
        "Tài liệu này, theo OpenAPI 3.1",
        "This document, OpenAPI 3.1",
        {200: json("OpenApi"), **_UNCHANGED},
        headers=_IF_NONE_MATCH,
    ),
    "problems.explain": Said(
        "Một mã lỗi nghĩa là gì và cách sửa",
        "What the code of a problem means, and what to do",
        {200: json("ProblemType")},
    ),
    "rules.all": Said(
        "Mọi quy tắc kiểm tra hồ sơ",
        "Every rule that a dossier is held to",
        {200: json("Rules"), **_UNCHANGED},
        headers=_IF_NONE_MATCH,
    ),
    "health.alive": Said("Tiến trình còn chạy", "The process lives", {200: json("Alive")}),
    "health.ready": Said(
        "Dịch vụ sẵn sàng nhận yêu cầu",
        "The service is ready for requests",
        {200: json("Ready"), 503: json("Ready")},
    ),
    "health.metrics": Said("Số liệu cho Prometheus", "Figures for Prometheus", {200: {"text/plain": TEXT}}),
    "oauth.token": Said(
        "Xin mã truy cập",
        "Get an access token",
        {200: json("Token"), **_TOKEN_REFUSED},
        takes={FORM: ref("TokenForm")},
    ),
    "oauth.revoke": Said(
        "Hủy mã của một ứng dụng",
        "End a token of an app",
        {200: {}, **_TOKEN_REFUSED},
        takes={FORM: ref("RevokeForm")},
    ),
    "oauth.jwks": Said("Khóa công khai của dịch vụ", "The service's public keys", {200: json("KeySet")}),
    "oauth.smart_configuration": Said(
        "Nơi và cách đăng nhập, theo SMART", "Where and how to sign in, by SMART", {200: json("Provider")}
    ),
    "oauth.openid_configuration": Said(
        "Nơi và cách kiểm tra id_token", "What checking an id_token takes", {200: json("Provider")}
    ),
    "submissions.submit": Said(
        "Gửi hồ sơ XML1 đến XML15 hoặc hồ sơ khám sức khỏe, hoặc chỉ thử trước khi gửi",
        "Send dossiers, XML1 to XML15, or health checks, or only try what would become of them",
        {200: json("Submitted")},
        takes={**dict.fromkeys(MEDIA_TYPES, shapes.ANY), **_JSON_BATCH},
        asks={"dry_run": one_of("true", "false")},
        headers={"Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255}},
        problems=(409, 415, 422),
    ),
    "records.submit": Said(
        "Gửi một bản ghi theo mẫu JSON của thành phố, hoặc chỉ thử trước khi gửi",
        "Send one record in the city's JSON, or only try what would become of it",
        {200: json("Recorded")},
        takes={JSON: {"type": "object"}},
        asks={"dry_run": one_of("true", "false")},
        headers={"Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255}},
        problems=(409, 415),
    ),
    "records.show_schema": Said(
        "Mẫu của một loại bản ghi, theo JSON Schema, có ví dụ",
        "The form of a kind of record, JSON Schema with an example",
        {200: {"application/schema+json": {"type": "object"}}, **_UNCHANGED},
        headers=_IF_NONE_MATCH,
    ),
    "axis.sign_in": Said(
        "Trục Hà Nội: đăng nhập bằng mật khẩu",
        "Hanoi axis: sign in with a password",
        {200: json("AxisToken")},
        takes={JSON: ref("AxisLogin"), FORM: ref("AxisLogin")},
    ),
    "axis.send": Said(
        "Trục Hà Nội: gửi hồ sơ",
        "Hanoi axis: send dossiers",
        {200: json("AxisAnswer")},
        takes={**dict.fromkeys(MEDIA_TYPES, shapes.ANY), **_JSON_BATCH},
        problems=(409, 415, 422),
    ),
    "axis.follow": Said("Trục Hà Nội: hồ sơ đã đến đâu", "Hanoi axis: where a dossier is", {200: json("AxisLifeLine")}),
    "hub.sign_in": Said(
        "Hệ thống hồ sơ sức khỏe Hà Nội: đăng nhập bằng mật khẩu",
        "Hanoi health-record hub: sign in with a password",
        {200: json("HubToken"), 400: json("HubRefusal"), 401: json("HubRefusal")},
        takes={JSON: ref("HubLogin"), FORM: ref("HubLogin")},
    ),
    "hub.send": Said(
        "Hệ thống hồ sơ sức khỏe Hà Nội: gửi hồ sơ khám sức khỏe",
        "Hanoi health-record hub: send a health check",
        {200: json("HubAnswer")},
        takes={JSON: ref("HubMessage")},
        problems=(409, 415, 422),
    ),
    "validate.resource": Said(
        "Kiểm tra FHIR của cơ sở, không lưu gì",
        "Have FHIR of one's own looked at; nothing is kept",
        {200: _RESOURCE},
        takes=_FHIR_BODY,
        asks={"mode": one_of("create", "profile"), "profile": TEXT},
        problems=(415,),
    ),
    "identity.parse_card": Said(
        "Đọc mã QR của thẻ căn cước hoặc thẻ BHYT, không lưu gì",
        "Read the QR code of an identity card or insurance card; nothing is kept",
        {200: json("Card")},
        takes={JSON: ref("CardCode")},
        problems=(422,),
    ),
    "verifications.verify": Said(
        "Một người có đúng là người họ khai không: chỉ trả kết luận",
        "Is somebody who they say they are: the verdict alone",
        {200: json("Verification"), 202: json("Verification")},
        takes={JSON: ref("PersonAsked")},
        asks={"facility": TEXT},
        problems=(422,),
    ),
    "verifications.verify_list": Said(
        "Như trên cho một danh sách; gửi lại đến khi xong, không ai bị hỏi hai lần",
        "The same of a list; send it again until it is complete, nobody is asked about twice",
        {200: {**json("Verifications"), XLSX: shapes.ANY}},
        takes={JSON: ref("PeopleAsked"), **_LIST},
        asks={"facility": TEXT},
        problems=(413, 415, 422),
    ),
    "verifications.find": Said(
        "Câu trả lời của lần hỏi chưa xong",
        "What came of a question that was not answered yet",
        {200: json("Verification"), 202: json("Verification")},
    ),
    "quality.show": Said(
        "Chất lượng dữ liệu của cơ sở: đúng, đủ, sạch, sống, theo tuần",
        "How good the facility's data are: correct, complete, clean, live, by week",
        {200: {**json("Quality"), "text/csv": TEXT}},
    ),
    "desk.show_day": Said("Một ngày bằng con số", "A day in numbers", {200: json("Day")}, asks={"day": DAY}),
    "desk.list_day": Said(
        "Hồ sơ của một ngày",
        "The dossiers of a day",
        {200: json("Dossiers")},
        asks={"day": DAY, "group": one_of(*GROUPS), **_PAGE},
    ),
    "desk.list_work": Said(
        "Hồ sơ cần cơ sở xử lý", "Dossiers that wait for the facility", {200: json("Dossiers")}, asks=_PAGE
    ),
    "desk.find": Said(
        "Tìm hồ sơ theo MA_LK", "Find dossiers by their MA_LK", {200: json("Found")}, takes={JSON: ref("Sought")}
    ),
    "desk.versions": Said("Các bản của một hồ sơ", "The versions of a dossier", {200: json("Versions")}),
    "desk.differences": Said(
        "Bản này khác bản trước ở đâu", "What differs from the version before", {200: json("Differences")}
    ),
    "corrections.withdraw": Said(
        "Thu hồi hồ sơ đã gửi: một hồ sơ, hoặc một danh sách",
        "Withdraw what was sent: one record, or a list",
        {200: json("Corrected")},
        takes={JSON: ref("Correction"), **_LIST},
        asks={"reason": one_of(*WHYS)},
        problems=(413, 415, 422),
    ),
    "corrections.restore": Said(
        "Hủy việc thu hồi",
        "Undo that records were withdrawn",
        {200: json("Corrected")},
        takes={JSON: ref("Correction"), **_LIST},
        problems=(413, 415, 422),
    ),
    "corrections.reconcile": Said(
        "Đối soát danh sách MA_LK của một tháng",
        "Compare a month's list of MA_LK with what is here",
        {200: {**json("Reconciled"), XLSX: shapes.ANY}},
        takes=_LIST,
        asks={"month": {"type": "string", "pattern": "^20[0-9]{2}-(0[1-9]|1[0-2])$"}},
        problems=(413, 415, 422),
    ),
    "desk.keys": Said("Khóa của hệ thống đang gọi", "The calling system's keys", {200: json("Keys")}),
    "transactions.follow": Said(
        "Hồ sơ đã đến đâu, đang chờ gì", "Where a dossier is, and what comes next", {200: json("LifeLine")}
    ),
    "transactions.make_current": Said(
        "Chọn bản đang dùng",
        "Say which version stands",
        {200: {JSON: {"anyOf": [ref("LifeLine"), ref("Standing")]}}},
        problems=(409,),
    ),
    "transactions.keep_apart": Said(
        "Xác nhận hai đợt khám khác nhau",
        "Say that a record is a visit of its own",
        {200: {JSON: {"anyOf": [ref("LifeLine"), ref("Standing")]}}},
    ),
    "fhir.metadata": Said(
        "CapabilityStatement: máy chủ FHIR làm được gì", "CapabilityStatement of the FHIR server", {200: _RESOURCE}
    ),
    "fhir.batch": Said(
        "Nhiều lần đọc trong một yêu cầu",
        "Many reads in one request",
        {200: _RESOURCE},
        takes=_FHIR_BODY,
        problems=(415,),
    ),
    "fhir.everything": Said("Toàn bộ sổ, theo trang", "The whole book, in pages", {200: _RESOURCE}, searches=True),
    "fhir.summary": Said(
        "Tóm tắt theo International Patient Summary", "The International Patient Summary", {200: _RESOURCE}
    ),
    "fhir.read": Said(
        "Đọc một tài nguyên",
        "Read a resource",
        {200: _RESOURCE, **_UNCHANGED},
        headers=_IF_NONE_MATCH,
        searches=True,
    ),
    "fhir.vread": Said(
        "Đọc một phiên bản của tài nguyên",
        "Read a version of a resource",
        {200: _RESOURCE, **_UNCHANGED},
        headers=_IF_NONE_MATCH,
        searches=True,
    ),
    "fhir.history": Said("Lịch sử của một tài nguyên", "The history of a resource", {200: _RESOURCE}, searches=True),
    "fhir.history_of_type": Said("Lịch sử của một loại", "The history of a type", {200: _RESOURCE}, searches=True),
    "fhir.search": Said("Tìm trong sổ", "Search the book", {200: _RESOURCE}, searches=True),
    "fhir.search_by_post": Said(
        "Tìm trong sổ, điều kiện nằm trong nội dung gửi",
        "Search the book, the words in the body",
        {200: _RESOURCE},
        takes={FORM: {"type": "object"}},
        problems=(415,),
        searches=True,
    ),
    "book.download": Said(
        "Mang cả sổ về: FHIR, bảng hoặc bản in",
        "Take the whole book home: FHIR, tables, or paper",
        {200: {"application/fhir+ndjson": TEXT, "application/zip": shapes.ANY, "application/pdf": shapes.ANY}},
    ),
    "book.summary": Said("Tóm tắt, bản in", "The summary, on paper", {200: {"application/pdf": shapes.ANY}}),
    "book.appointments": Said("Lịch hẹn khám", "Appointments", {200: json("Appointments")}),
    "book.calendar": Said(
        "Một lịch hẹn cho ứng dụng lịch", "An appointment for a calendar", {200: {"text/calendar": TEXT}}
    ),
    "book.papers": Said("Giấy tờ trong sổ", "The papers in the book", {200: json("Papers")}),
    "book.waiting": Said(
        "Những gì chưa vào sổ và vì sao", "What is not in the book yet, and why", {200: json("Waiting")}
    ),
    "book.who_looked": Said("Ai đã xem sổ", "Who looked at the book", {200: json("Looks")}, asks={"before": COUNT}),
    "ops.plan_resync": Said(
        "Lệnh đồng bộ lại, hoặc chỉ đếm trước",
        "Order a resync, or only count what it would be",
        {200: json("ResyncPlan"), 202: json("Resync")},
        takes={JSON: shapes.form_of(ResyncOrder())},
        problems=(404,),
    ),
    "ops.follow_resync": Said("Lệnh đồng bộ lại đã đến đâu", "How far a resync has come", {200: json("Resync")}),
    "ops.tell_status": Said("Dịch vụ có ổn không", "Is the service well", {200: json("Status")}),
    "ops.show_list": Said(
        "Một danh sách; mỗi danh sách có bộ lọc riêng",
        "A list; each has filters of its own",
        {200: {**json("Listing"), "text/csv": TEXT}},
        asks={"what": one_of(*LISTS), **dict.fromkeys(sorted(KNOWN), TEXT), **_ROWS},
    ),
    "ops.verify_audit": Said("Nhật ký có còn nguyên vẹn không", "Is the audit log whole", {200: json("AuditVerified")}),
    "ops.hurry_lanes": Said(
        "Đẩy ngay những luồng đang chờ",
        "Let waiting lanes go now",
        {200: json("Hurried")},
        takes={JSON: shapes.form_of(Hurry())},
        problems=(404,),
    ),
    "ops.list_transactions": Said(
        "Những gì đã gửi cho một người",
        "What was sent for a patient",
        {200: json("Sent")},
        asks={"patient": UUID, **_ROWS},
        problems=(404,),
    ),
    "ops.trace_transaction": Said(
        "Một giao dịch, người và luồng của nó", "A transaction, its person and lanes", {200: json("Trace")}
    ),
    "reviews.look": Said(
        "Một việc chờ xét duyệt, các định danh của một số đặt cạnh nhau",
        "What waits for review, the claims on one number side by side",
        {200: json("Review")},
    ),
    "reviews.decide": Said(
        "Công nhận, từ chối, hỏi cơ sở, hoặc hủy quyết định trước",
        "Accept, reject, ask the facility, or undo the last decision",
        {200: json("Decided")},
        takes={JSON: shapes.form_of(Decision())},
        problems=(404, 409),
    ),
    "questions.show": Said(
        "Người xét duyệt hỏi gì về hồ sơ đã gửi", "What reviewers ask about what was sent", {200: json("Questions")}
    ),
    "questions.answer": Said(
        "Trả lời một câu hỏi của người xét duyệt",
        "Answer a question of a reviewer's",
        {200: json("Answered")},
        takes={JSON: shapes.form_of(AnswerToQuestion())},
        problems=(404, 409),
    ),
}
"""By endpoint. Pages for people are not in it."""
