"""What is not well, states and ages, as an operator reads them; reasons stay the codes that the runbook explains."""

from __future__ import annotations

from datetime import datetime

from ehr_sync.api.desk import word
from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.api.transactions import REASONS
from ehr_sync.core.wellness import Complaint
from ehr_sync.web.design.words import gettext
from ehr_sync.web.foundation import language
from mappings.dates import VIETNAM


def complaint(one: Complaint) -> str:
    """One sentence."""
    told = {"count": int(one.much), "age": age(one.much), "where": one.where}
    match one.code:
        case "keys.away":
            return gettext("Kho khóa không trả lời")
        case "scheduler.none":
            return gettext("Không có bộ lập lịch nào chạy: không gì được xác thực hay chuyển đi")
        case "book.asks":
            return gettext("Sổ %(where)s đã mất dữ liệu và chờ bạn đồng ý gửi tiếp", **told)
        case "book.paused":
            return gettext("Việc gửi đến sổ %(where)s đang tạm dừng", **told)
        case "registry.fails":
            return gettext("Cơ sở dữ liệu dân cư không trả lời được: %(count)s lần hỏi đang chờ hỏi lại", **told)
        case "verify.late":
            return gettext("Có người chờ xác thực đã %(age)s", **told)
        case "deliver.late":
            return gettext("Có làn đến sổ %(where)s chậm đã %(age)s", **told)
        case "lanes.unknown":
            return gettext("Có lần gửi chưa rõ kết quả đã %(age)s", **told)
        case "lanes.parked":
            return gettext("%(count)s làn đến sổ %(where)s bị từ chối và chờ bạn", **told)
        case "claims.contradicted":
            return gettext("%(count)s định danh đã chứng minh nay được trả lời khác", **told)
        case "book.not_fenced":
            return gettext("Sổ %(where)s không chặn lần gửi cũ ghi đè lần gửi mới", **told)
        case "audit.unanchored":
            return gettext("Nhật ký đã %(age)s chưa được đóng dấu", **told)
    return one.code


def remedy(one: Complaint) -> str:
    """What to do first."""
    match one.code:
        case "keys.away":
            return gettext("Khởi động lại cơ sở dữ liệu của kho khóa.")
        case "scheduler.none":
            return gettext("Chạy: ehr-sync scheduler")
        case "book.asks":
            return gettext("Tìm xem sổ mất gì, rồi chạy: ehr-sync destination resume %(where)s", where=one.where)
        case "book.paused":
            return gettext("Xem lý do ở mục Sổ sức khỏe bên dưới, hỏi đơn vị giữ sổ; việc gửi tự tiếp tục.")
        case "registry.fails" | "verify.late":
            return gettext("Hỏi đơn vị giữ cơ sở dữ liệu dân cư. Không gì bị mất, việc hỏi tự tiếp tục.")
        case "deliver.late" | "lanes.unknown":
            return gettext("Xem lý do của các làn; sổ trả lời lại thì việc gửi tự tiếp tục.")
        case "lanes.parked":
            return gettext("Xem lý do, sửa ở phía sổ, rồi gửi lại.")
        case "claims.contradicted":
            return gettext("Xem từng việc và quyết định, hoặc hỏi cơ sở đã gửi; sổ giữ nguyên cho đến khi rõ.")
        case "book.not_fenced":
            return gettext("Chỉ chạy một bộ lập lịch cho đến khi sổ làm theo ifMatch.")
        case "audit.unanchored":
            return gettext("Xem bộ lập lịch có chạy và có ghi được vào kho khóa không.")
    return ""


def leads(one: Complaint) -> str:
    """What a link to it says."""
    match one.code:
        case "verify.late" | "registry.fails":
            return gettext("Xem các định danh đang chờ")
        case "claims.contradicted":
            return gettext("Xem các định danh này")
        case "deliver.late" | "lanes.unknown" | "lanes.parked":
            return gettext("Xem các làn này")
        case "audit.unanchored":
            return gettext("Xem nhật ký")
    return gettext("Xem mục Sổ sức khỏe và bộ lập lịch")


def caption(what: str) -> str:
    """In which order a list is."""
    match what:
        case "claims" | "reviews":
            return gettext("Cũ nhất ở trên")
        case "lanes":
            return gettext("Theo mã của người")
        case "quality":
            return gettext("Theo mã; của một nơi, tuần mới nhất ở trên")
        case "facilities":
            return gettext("Theo mã cơ sở")
    return gettext("Mới nhất ở trên")


def stamp(at: datetime) -> str:
    """A second in Viet Nam, as filters take it: what is compared and copied is written one way in every language."""
    return f"{at.astimezone(VIETNAM):%Y-%m-%d %H:%M:%S}"


def age(seconds: float) -> str:
    """A duration in the unit that says it best."""
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * size:
            return _counted(unit, int(seconds // size))
    short = f"{seconds:.1f}" if seconds < 10 else str(int(seconds))
    return gettext("%(n)s giây", n=short)


def _counted(unit: str, n: int) -> str:
    match unit:
        case "day":
            return gettext("%(n)s ngày", n=n)
        case "hour":
            return gettext("%(n)s giờ", n=n)
    return gettext("%(n)s phút", n=n)


def state(code: str) -> str:
    """A state of a claim, a lane or an order."""
    return {
        "due": gettext("chờ hỏi"),
        "not_proven": gettext("không khớp"),
        "review": gettext("cần người xem"),
        "no_number": gettext("không có số"),
        "not_asked": gettext("không hỏi"),
        "held": gettext("giữ lại"),
        "contradicted": gettext("đã chứng minh, nay trả lời khác"),
        "proven": gettext("đã chứng minh"),
        "behind": gettext("chậm, kể cả bị từ chối"),
        "open": gettext("mở"),
        "unknown": gettext("chưa rõ kết quả"),
        "parked": gettext("bị từ chối, chờ người"),
        "asked": gettext("đã hỏi cơ sở"),
        "proposed": gettext("một người đã công nhận"),
        "accepted": gettext("đã công nhận"),
        "rejected": gettext("không công nhận"),
        "contradiction": gettext("chứng minh bị trả lời khác"),
        "merge": gettext("hai người, hoặc hai tên, một số"),
        "probable": gettext("gần như chắc"),
        "possible": gettext("có thể"),
        "certainly-not": gettext("trái với dân cư"),
        "twin": gettext("một đợt khám, hai mã"),
        "marking": gettext("đang đánh dấu"),
        "running": gettext("đang gửi"),
        "done": gettext("xong"),
        "city": gettext("toàn thành phố"),
        "facility": gettext("cơ sở"),
        "commune": gettext("xã, phường"),
    }.get(code, code)


def step(code: str) -> str:
    """A stage at which something waits."""
    return {
        "verify": gettext("Chờ xác thực"),
        "held": gettext("Giữ lại, chờ cơ sở sửa"),
        "deliver": gettext("Chờ chuyển đến sổ"),
        "unknown": gettext("Chưa rõ sổ đã nhận chưa"),
        "parked": gettext("Bị sổ từ chối, chờ người"),
    }[code]


def column(name: str) -> str:
    """The head of a column."""
    return {
        "batch": gettext("Lô"),
        "client": gettext("Hệ thống gửi"),
        "clients": gettext("Hệ thống gửi"),
        "received_at": gettext("Nhận lúc"),
        "media_type": gettext("Dạng"),
        "answered": gettext("Đã trả lời"),
        "dossiers": gettext("Hồ sơ"),
        "refused": gettext("Bị từ chối"),
        "patient": gettext("Người (mã của ta)"),
        "claim": gettext("Định danh"),
        "review": gettext("Việc"),
        "kind": gettext("Loại"),
        "answer_until": gettext("Hạn trả lời"),
        "others": gettext("Định danh khác cùng số"),
        "state": gettext("Trạng thái"),
        "reason": gettext("Lý do"),
        "grade": gettext("Mức chắc chắn"),
        "attempts": gettext("Số lần thử"),
        "created_at": gettext("Từ lúc"),
        "decided_at": gettext("Quyết lúc"),
        "due_at": gettext("Lần tới"),
        "destination": gettext("Sổ"),
        "want": gettext("Cần"),
        "have": gettext("Có"),
        "since": gettext("Chậm từ"),
        "refused_at": gettext("Từ chối lúc"),
        "code": gettext("Mã cơ sở"),
        "family": gettext("Họ mã"),
        "name": gettext("Tên cơ sở"),
        "last_sent_at": gettext("Gửi lần cuối"),
        "id": gettext("Lệnh"),
        "scope": gettext("Cho"),
        "total": gettext("Số làn"),
        "marked": gettext("Đã đánh dấu"),
        "ended_at": gettext("Xong lúc"),
        "n": gettext("Số"),
        "at": gettext("Lúc"),
        "actor": gettext("Ai"),
        "action": gettext("Việc"),
        "detail": gettext("Chi tiết"),
        "until": gettext("Đến trước"),
        "week": gettext("Tuần từ"),
        "place": gettext("Mã nơi"),
        "records": gettext("Hồ sơ"),
        "correct": gettext("Đúng, %"),
        "complete": gettext("Đủ, %"),
        "clean": gettext("Sạch, %"),
        "live": gettext("Sống, %"),
        "age_days": gettext("Xác thực trước đây, ngày"),
        "fixes": gettext("Sửa gì trước"),
    }[name]


def title(what: str) -> str:
    """The name of a list."""
    return {
        "submissions": gettext("Lô đã nhận"),
        "claims": gettext("Định danh"),
        "reviews": gettext("Chờ xét duyệt"),
        "lanes": gettext("Làn đến sổ"),
        "facilities": gettext("Các cơ sở"),
        "quality": gettext("Chất lượng dữ liệu"),
        "resyncs": gettext("Đồng bộ lại"),
        "audit": gettext("Nhật ký"),
    }[what]


def kind(code: str) -> str:
    """What is reviewed."""
    return state(code)


def reason(code: str) -> str:
    """Why something waits for review."""
    words = {
        "merge": gettext("Cơ sở dữ liệu dân cư đã xác nhận cả hai, mà tên hoặc ngày sinh không khớp nhau"),
        "twin": gettext("Hồ sơ gửi sau là cùng một đợt khám, dưới mã khác"),
    }
    return words.get(code) or word(code, language(), REASONS)


def bar(code: str) -> str:
    """Why a claim may not be accepted, and what to do."""
    kind = PROBLEMS[code]
    return f"{kind.title(language())} {kind.remedy(language())}"


def why(reason: str) -> str:
    """Why somebody decided so; a ticket stands behind it as it is."""
    code, _, ticket = reason.partition("/")
    words = {
        "documents_agree": gettext("giấy tờ khớp nhau"),
        "name_changed_by_law": gettext("đổi tên hoặc ngày sinh theo pháp luật"),
        "office_confirmed": gettext("cơ quan quản lý căn cước xác nhận"),
        "one_visit": gettext("một đợt khám"),
        "another_person": gettext("là người khác"),
        "typed_wrong": gettext("ghi sai"),
        "not_enough": gettext("chưa đủ căn cứ"),
        "two_visits": gettext("hai đợt khám"),
    }
    return " · ".join(filter(None, (words.get(code, code), ticket)))


def answer(code: str) -> str:
    """What a facility answered."""
    return {
        "card_seen": gettext("đã xem thẻ, đúng như hồ sơ; đây là căn cứ, chưa phải xác nhận"),
        "typed_wrong": gettext("ghi sai, sẽ sửa và gửi lại"),
        "another_person": gettext("của người khác, hoặc một đợt khám khác"),
        "not_known": gettext("không biết"),
    }[code]


def rung(code: str) -> str:
    """How far two names, or two values of a field, are apart."""
    return {
        "equal": gettext("giống hệt"),
        "equal_after_tone_placement": gettext("giống, chỉ khác chỗ đặt dấu"),
        "equal_i_y": gettext("giống, i và y"),
        "equal_without_diacritics": gettext("giống khi bỏ dấu"),
        "reordered": gettext("khác thứ tự"),
        "part_missing": gettext("thiếu một phần"),
        "near": gettext("gần giống"),
        "different": gettext("khác"),
        "absent": gettext("không có"),
        "unknown": gettext("không rõ"),
    }[code]


def sex(code: str) -> str:
    """A claimed sex."""
    return {"male": gettext("Nam"), "female": gettext("Nữ")}.get(code, gettext("không rõ"))
