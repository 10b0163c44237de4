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
    if action.startswith(("read", "search", "everything")):
        return gettext("đọc sổ qua một ứng dụng")
    if action == "push":
        return gettext("chuyển dữ liệu đến sổ trên ứng dụng định danh quốc gia")
    if action == "verify":
        return gettext("hỏi cơ sở dữ liệu quốc gia về dân cư")
    if look.who == "operator":
        return gettext("xem trạng thái; người vận hành không thấy nội dung")
    return gettext("việc khác của dịch vụ")
