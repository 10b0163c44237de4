"""The audit log's and papers' words as a citizen reads them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Protocol

from flask_babel import get_locale

from ehr_sync.api.transactions import WITHDRAWN
from ehr_sync.core.app_scopes import access
from ehr_sync.web.citizen.lists import Record
from ehr_sync.web.citizen.visits import Visit
from ehr_sync.web.design.words import gettext


class Look(Protocol):
    """An entry: who, in which system, did what."""

    @property
    def who(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def app(self) -> tuple[str, str] | None: ...


def who(look: Look) -> str:
    """Whom it was."""
    match look.who:
        case "you":
            return gettext("Bạn")
        case "another":
            return gettext("Một người khác")
        case "operator":
            return gettext("Người vận hành dịch vụ")
        case "staff":
            return gettext("Người của cơ sở y tế")
        case "facility":
            return look.name or gettext("Hệ thống của cơ sở y tế")
    return gettext("Dịch vụ này")


def what(look: Look) -> str:
    """What they did."""
    action = look.action
    app = _app(look)
    if action == "allow app":
        return gettext("cho ứng dụng %(app)s đọc sổ", app=app)
    if action == "end app":
        return gettext("chấm dứt quyền đọc của ứng dụng %(app)s", app=app)
    if action.startswith("refused") and app:
        return gettext("thử mở qua ứng dụng %(app)s và bị từ chối", app=app)
    if action == "refused check identity":
        return gettext("thử quá nhiều họ tên hoặc ngày sinh cho số định danh này và bị từ chối")
    if action.startswith("refused"):
        return gettext("thử mở và bị từ chối")
    if action.startswith("page"):
        return gettext("mở sổ trên trang này")
    acts: dict[str, str] = {
        "find dossier": gettext("tìm hồ sơ đã gửi"),
        "read life line": gettext("xem tình trạng hồ sơ đã gửi"),
        "read dossier": gettext("xem tình trạng hồ sơ đã gửi"),
        "compare versions": gettext("so các bản của một hồ sơ đã gửi"),
        "make current": gettext("chọn bản được dùng của một hồ sơ"),
        "keep apart": gettext("xác nhận một hồ sơ là đợt khám riêng"),
        "withdraw": gettext("thu hồi một hồ sơ đã gửi"),
        "restore": gettext("hủy việc thu hồi một hồ sơ"),
        "push": gettext("chuyển dữ liệu đến sổ trên ứng dụng định danh quốc gia"),
        "check identity": gettext("xác thực danh tính tại cơ sở"),
        "verify": gettext("hỏi cơ sở dữ liệu quốc gia về dân cư"),
        "look at review": gettext("xét duyệt: xem số định danh, họ tên, ngày sinh mà các hồ sơ ghi"),
        "accept review": gettext("xét duyệt: công nhận hồ sơ là của bạn"),
        "reject review": gettext("xét duyệt: không công nhận hồ sơ là của bạn"),
        "undo review": gettext("xét duyệt: hủy quyết định trước"),
        "ask about review": gettext("xét duyệt: hỏi cơ sở đã gửi"),
        "contradiction": gettext("cơ sở dữ liệu quốc gia về dân cư trả lời khác lần trước"),
    }
    if action in acts:
        return acts[action]
    if app:
        return gettext("đọc sổ qua ứng dụng %(app)s", app=app)
    if action.startswith(("read", "search", "everything", "history", "summary")):
        return gettext("đọc sổ qua một ứng dụng")
    if look.who == "operator":
        return gettext("xem trạng thái; người vận hành không thấy nội dung")
    return gettext("việc khác của dịch vụ")


def reviewed(why: str) -> str:
    """Why a reviewer confirmed somebody; a ticket is the service's own."""
    return {
        "documents_agree": gettext("giấy tờ khớp nhau"),
        "name_changed_by_law": gettext("đổi tên hoặc ngày sinh theo pháp luật"),
        "office_confirmed": gettext("cơ quan quản lý căn cước xác nhận"),
    }.get(why.partition("/")[0], gettext("theo giấy tờ"))


def _app(look: Look) -> str:
    return look.app[1 if str(get_locale()) == "en" else 0] if look.app else ""


def may_read(scopes: Iterable[str]) -> list[str]:
    """What an app with these scopes reads, in words; of all types at once one sentence."""
    may = access("", scopes)
    types = may.reads | may.searches
    if "*" in types:
        return [gettext("Toàn bộ sổ: mọi lần khám, chẩn đoán, kết quả, thuốc, lời dặn")]
    named = {
        "Patient": gettext("Bạn là ai: họ tên, ngày sinh, giới, địa chỉ"),
        "Condition": gettext("Chẩn đoán"),
        "Observation": gettext("Kết quả xét nghiệm và các số đo"),
        "DiagnosticReport": gettext("Phiếu kết quả"),
        "Encounter": gettext("Các lần khám và nằm viện"),
        "Procedure": gettext("Thủ thuật, phẫu thuật, dịch vụ"),
        "ServiceRequest": gettext("Chỉ định"),
        "MedicationRequest": gettext("Thuốc được kê"),
        "MedicationAdministration": gettext("Thuốc đã dùng tại cơ sở"),
        "MedicationStatement": gettext("Thuốc đang dùng"),
        "Immunization": gettext("Tiêm chủng"),
        "AllergyIntolerance": gettext("Dị ứng"),
        "Appointment": gettext("Lịch hẹn khám"),
        "Coverage": gettext("Thẻ bảo hiểm y tế"),
        "Device": gettext("Vật tư, thiết bị đã dùng"),
        "DeviceUseStatement": gettext("Vật tư, thiết bị đã dùng"),
        "DocumentReference": gettext("Giấy tờ"),
        "Composition": gettext("Giấy tờ"),
        "EpisodeOfCare": gettext("Các đợt điều trị lao"),
        "RelatedPerson": gettext("Tên người mẹ, trong giấy chứng sinh"),
        "Organization": gettext("Tên các cơ sở y tế"),
        "Practitioner": gettext("Mã của người hành nghề"),
        "Provenance": gettext("Dữ liệu do ai gửi và khi nào"),
    }
    # A type without words of its own is named as FHIR names it: nothing that is granted is left unsaid.
    return list(
        dict.fromkeys([*(word for type_, word in named.items() if type_ in types), *sorted(types - named.keys())])
    )


def titled(title: str) -> str:
    """What a paper, or a heading in one, is called; what a facility called otherwise stays as it is."""
    names: dict[str, str] = {
        "Giấy ra viện": gettext("Giấy ra viện"),
        "Tóm tắt hồ sơ bệnh án": gettext("Tóm tắt hồ sơ bệnh án"),
        "Giấy chuyển tuyến": gettext("Giấy chuyển tuyến"),
        "Giấy hẹn khám lại": gettext("Giấy hẹn khám lại"),
        "Chẩn đoán": gettext("Chẩn đoán"),
        "Chẩn đoán khi vào viện": gettext("Chẩn đoán khi vào viện"),
        "Chẩn đoán khi ra viện": gettext("Chẩn đoán khi ra viện"),
        "Quá trình bệnh lý và diễn biến": gettext("Quá trình bệnh lý và diễn biến"),
        "Tóm tắt kết quả xét nghiệm, cận lâm sàng": gettext("Tóm tắt kết quả xét nghiệm, cận lâm sàng"),
        "Phương pháp điều trị": gettext("Phương pháp điều trị"),
        "Ghi chú, lời dặn": gettext("Ghi chú, lời dặn"),
        "Nghỉ sau khi ra viện": gettext("Nghỉ sau khi ra viện"),
        "Dấu hiệu lâm sàng": gettext("Dấu hiệu lâm sàng"),
        "Dịch vụ đã thực hiện": gettext("Dịch vụ đã thực hiện"),
        "Thuốc đã dùng": gettext("Thuốc đã dùng"),
        "Lý do chuyển tuyến": gettext("Lý do chuyển tuyến"),
        "Tình trạng khi chuyển tuyến": gettext("Tình trạng khi chuyển tuyến"),
        "Hướng điều trị": gettext("Hướng điều trị"),
        "Phương tiện vận chuyển": gettext("Phương tiện vận chuyển"),
        "Hẹn khám lại": gettext("Hẹn khám lại"),
        "Phiếu khám sức khỏe": gettext("Phiếu khám sức khỏe"),
        "Kết luận": gettext("Kết luận"),
        "Tiền sử, theo lời khai": gettext("Tiền sử, theo lời khai"),
        "Thể lực": gettext("Thể lực"),
        "Nội khoa": gettext("Nội khoa"),
        "Nhi khoa": gettext("Nhi khoa"),
        "Ngoại khoa": gettext("Ngoại khoa"),
        "Da liễu": gettext("Da liễu"),
        "Sản phụ khoa": gettext("Sản phụ khoa"),
        "Mắt": gettext("Mắt"),
        "Tai mũi họng": gettext("Tai mũi họng"),
        "Răng hàm mặt": gettext("Răng hàm mặt"),
    }
    return names.get(title, title)


def kind(entry: Visit | Record) -> str:
    """What kind of visit or record an entry of the timeline is."""
    if isinstance(entry, Visit):
        return entry.kind
    named = {
        "MedicationRequest": gettext("Đơn thuốc"),
        "DiagnosticReport": gettext("Kết quả"),
        "Observation": gettext("Kết quả"),
        "Immunization": gettext("Tiêm chủng"),
        "AllergyIntolerance": gettext("Dị ứng"),
        "Condition": gettext("Bệnh mà cơ sở theo dõi"),
        "Composition": gettext("Giấy tờ"),
        "EpisodeOfCare": gettext("Đợt điều trị lao"),
        "RelatedPerson": gettext("Giấy chứng sinh"),
    }
    return named[entry.type]


def how_long(lasts: timedelta) -> str:
    """How long an app may go on."""
    if lasts >= timedelta(days=1):
        return gettext("Nhiều nhất %(days)s ngày, cả khi bạn không đăng nhập.", days=lasts.days)
    if lasts >= timedelta(hours=1):
        return gettext("Nhiều nhất %(hours)s giờ.", hours=int(lasts / timedelta(hours=1)))
    return gettext("Một lần, trong %(minutes)s phút.", minutes=int(lasts / timedelta(minutes=1)))


def withdrawn_why(why: str) -> str:
    """Why a facility took a record back."""
    vietnamese, english = WITHDRAWN[why]
    return english if str(get_locale()) == "en" else vietnamese


def why(word: str) -> tuple[str, str]:
    """Why a record waits, and who can mend it."""
    return {
        "asking": (
            gettext("Đang hỏi cơ sở dữ liệu quốc gia về dân cư."),
            gettext("Bạn không cần làm gì."),
        ),
        "mismatch": (
            gettext("Số định danh, họ tên và ngày sinh trong hồ sơ không cùng khớp với một người."),
            gettext("Hỏi bàn tiếp đón của cơ sở; nếu thẻ căn cước sai, hỏi công an xã."),
        ),
        "review": (
            gettext("Thông tin gần khớp, cần một người xem lại."),
            gettext("Hỏi bàn tiếp đón của cơ sở xem họ tên và ngày sinh ghi có đúng thẻ căn cước không."),
        ),
        "parents_name": (
            gettext("Hồ sơ ghi tên cha hoặc mẹ của một trẻ chưa có tên."),
            gettext("Hồ sơ vào sổ khi cơ sở gửi lại với tên và số định danh của trẻ."),
        ),
        "visit_open": (
            gettext("Đợt khám chưa kết thúc."),
            gettext("Hồ sơ vào sổ khi cơ sở gửi giờ ra viện."),
        ),
        "order_unclear": (
            gettext("Cơ sở gửi nhiều bản, chưa rõ bản nào mới nhất."),
            gettext("Cơ sở cần chọn bản đúng."),
        ),
        "waiting_for_xml1": (
            gettext("Cơ sở mới gửi một phần của hồ sơ."),
            gettext("Hồ sơ vào sổ khi phần còn lại đến."),
        ),
    }[word]
