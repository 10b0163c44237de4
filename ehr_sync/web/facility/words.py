"""What the facility's pages call things."""

from __future__ import annotations

from ehr_sync.api.desk import word
from ehr_sync.api.transactions import NEXT, WHY
from ehr_sync.usecases.desk.look_at_day import Line
from ehr_sync.web.design.words import gettext
from ehr_sync.web.foundation import language
from mappings.issues import catalogue
from mappings.model import Issue


def state_words(code: str) -> str:
    """A state or step in words."""
    return gettext("Bị từ chối") if code == "refused" else word(code, language())


def next_words(code: str) -> str:
    """What is waited for, in words."""
    return word(code, language(), NEXT)


def reason_words(code: str) -> str:
    """Why something is so, in words."""
    return word(code, language(), WHY)


def said(issue: Issue) -> dict[str, str]:
    """An issue with its place and how to mend it."""
    return catalogue.render(issue, language())


def group_words(group: str) -> str:
    """What a group of a day's dossiers is called."""
    words: dict[str, str] = {
        "sent": gettext("Đã gửi"),
        "accepted": gettext("Được nhận"),
        "refused": gettext("Bị từ chối"),
        "in_book": gettext("Đã lên sổ sức khỏe"),
        "waiting": gettext("Đang chờ đưa lên sổ"),
        "verifying": gettext("Đang xác minh danh tính"),
        "held": gettext("Tạm giữ, cần cơ sở xem lại"),
        "unfinished": gettext("Chờ cơ sở gửi tiếp"),
        "done": gettext("Đã lưu hoặc đã có bản mới thay thế"),
    }
    return words[group]


def group_help(group: str) -> str:
    """What somebody can do about it, in one sentence."""
    words: dict[str, str] = {
        "sent": gettext("Được nhận cộng bị từ chối. Gửi lại cùng nội dung không tính thêm."),
        "accepted": gettext("Đã ghi nhận an toàn; mỗi hồ sơ có một mã giao dịch."),
        "refused": gettext("Chưa được ghi nhận. Sửa theo cách ghi ở từng hồ sơ rồi gửi lại."),
        "in_book": gettext("Không cần làm gì thêm."),
        "waiting": gettext("Dịch vụ tự đưa lên sổ; cơ sở không cần gửi lại."),
        "verifying": gettext("Dịch vụ đang hỏi cơ sở dữ liệu dân cư; cơ sở không cần gửi lại."),
        "held": gettext("Danh tính chưa được xác nhận. Xem trang Việc cần làm."),
        "unfinished": gettext("Đợt khám chưa kết thúc, thiếu XML1, hoặc chưa rõ bản nào mới hơn."),
        "done": gettext("Không cần làm gì thêm."),
    }
    return words[group]


def answer_words(answer: str) -> str:
    """What a facility may answer a reviewer."""
    words: dict[str, str] = {
        "card_seen": gettext("Đã xem thẻ: đúng như hồ sơ ghi"),
        "typed_wrong": gettext("Ghi sai: cơ sở sẽ sửa và gửi lại"),
        "another_person": gettext("Là của người khác, hoặc một đợt khám khác"),
        "not_known": gettext("Không biết, không còn giấy tờ"),
    }
    return words[answer]


def to_do(line: Line) -> tuple[str, list[str]]:
    """Which desk does what about a claim that is not proven, by why it was decided so. The registry does not say which
    field differs, so neither do we.
    """
    reception = gettext("Quầy tiếp đón")
    again = gettext("Sửa ở phần mềm bệnh viện rồi gửi lại hồ sơ; mã hồ sơ (MA_LK) giữ nguyên.")
    ask = gettext(
        "Nếu giấy tờ cũng ghi đúng như vậy, người bệnh hỏi công an xã, phường nơi cư trú; báo đơn vị vận hành."
    )
    match line.reason:
        case "claim.no_number":
            return reception, [gettext("Hỏi người bệnh số định danh cá nhân (SO_CCCD) và nhập vào."), again]
        case "claim.number_not_askable":
            return reception, [
                gettext("SO_CCCD đang là loại số không tra được. Hỏi người bệnh số định danh 12 chữ số."),
                again,
            ]
        case "claim.name_may_be_a_parents":
            return reception, [
                gettext("HO_TEN có thể là tên của cha hoặc mẹ. Khi trẻ có tên và số định danh, nhập vào."),
                again,
            ]
        case "registry.name_only_loosely" | "registry.name_near":
            return reception, [
                gettext("So HO_TEN với thẻ căn cước từng chữ, cả dấu: số và ngày sinh đã khớp."),
                again,
                ask,
            ]
        case "registry.birth_year_only":
            return reception, [gettext("So NGAY_SINH với thẻ căn cước: mới chỉ năm sinh khớp."), again, ask]
        case "registry.number_superseded" | "registry.number_invalid":
            return reception, [
                gettext("Số này đã được thay hoặc bị hủy. Nhập số định danh trên thẻ hiện nay của người bệnh."),
                again,
                ask,
            ]
        case "review.rejected":
            return reception, [
                gettext("Người xét duyệt không công nhận: số định danh, họ tên hoặc ngày sinh là của người khác."),
                again,
            ]
        case "registry.old_number":
            return reception, [gettext("SO_CCCD là số cũ 9 chữ số. Nhập số định danh 12 chữ số trên thẻ."), again]
        case _:
            return reception, [
                gettext(
                    "So cả ba trường SO_CCCD, HO_TEN, NGAY_SINH với thẻ căn cước: cơ sở dữ liệu dân cư không cho biết"
                    " trường nào khác."
                ),
                again,
                ask,
            ]


def key_words(sentence: str) -> str:
    """What is wrong with a key set, in the reader's language."""
    words: dict[str, str] = {
        'Give a JSON Web Key Set: {"keys": [...]} with at least one key.': gettext(
            'Hãy dán một bộ khóa JWKS: {"keys": [...]} có ít nhất một khóa.'
        ),
        "Give public keys only; this file holds a private key, which nobody else should ever see.": gettext(
            "Đây là khóa bí mật, không được đưa cho ai: hãy hủy nó, tạo cặp khóa mới và chỉ dán khóa công khai."
        ),
        'Give every key a "kid" of its own.': gettext('Mỗi khóa cần một "kid" riêng.'),
        "Use an EC key on P-384 (ES384) or an RSA key of 2048 bits or more (RS384).": gettext(
            "Dùng khóa EC P-384 (ES384) hoặc RSA từ 2048 bit (RS384)."
        ),
        'Give the new key another "kid": the one that you have has this name.': gettext(
            'Đặt "kid" khác cho khóa mới: khóa đang có đã mang tên này.'
        ),
    }
    return words[sentence] if sentence in words else gettext("Đã đủ số khóa. Hãy gỡ một khóa cũ trước.")
