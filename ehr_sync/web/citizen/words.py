"""The audit log's words as a citizen reads them."""

from __future__ import annotations

from typing import Protocol

from ehr_sync.web.design.words import gettext


class Look(Protocol):
    """An entry: who, in which system, did what."""

    @property
    def who(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def action(self) -> str: ...


def who(look: Look) -> str:
    """Whom it was."""
    match look.who:
        case "you":
            return gettext("Bạn")
        case "another":
            return gettext("Một người khác")
        case "operator":
            return gettext("Người vận hành dịch vụ")
        case "facility":
            return look.name or gettext("Hệ thống của cơ sở y tế")
    return gettext("Dịch vụ này")


def what(look: Look) -> str:
    """What they did."""
    action = look.action
    if action.startswith("refused"):
        return gettext("thử mở và bị từ chối")
    if action.startswith("page"):
        return gettext("mở sổ trên trang này")
    if action.startswith(("read life line", "make current")):
        return gettext("xem tình trạng hồ sơ đã gửi")
    if action.startswith(("read", "search", "everything", "history", "summary")):
        return gettext("đọc sổ qua một ứng dụng")
    if action == "push":
        return gettext("chuyển dữ liệu đến sổ trên ứng dụng định danh quốc gia")
    if action == "verify":
        return gettext("hỏi cơ sở dữ liệu quốc gia về dân cư")
    if look.who == "operator":
        return gettext("xem trạng thái; người vận hành không thấy nội dung")
    return gettext("việc khác của dịch vụ")


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
