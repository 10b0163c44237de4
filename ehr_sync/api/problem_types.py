"""Every problem that is not about the content of a dossier, in both languages. Served at /problems/<code>."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ehr_sync.api.language import Language


@dataclass(frozen=True, slots=True)
class ProblemType:
    """One kind of problem: its HTTP status, what it is, and what the caller can do."""

    status: int
    vi: str
    en: str
    fix_vi: str
    fix_en: str

    def title(self, language: Language) -> str:
        """What it is, in one sentence."""
        return self.en if language == "en" else self.vi

    def remedy(self, language: Language) -> str:
        """What the caller can do, in one sentence."""
        return self.fix_en if language == "en" else self.fix_vi


PROBLEMS: Final[Mapping[str, ProblemType]] = {
    "request.bad": ProblemType(
        400,
        "Yêu cầu không đúng quy cách.",
        "The request is malformed.",
        "Xem lại yêu cầu theo tài liệu kết nối.",
        "Compare the request with the integration guide.",
    ),
    "request.cut_off": ProblemType(
        400,
        "Nội dung gửi lên bị ngắt giữa chừng.",
        "The body ended before it was complete.",
        "Gửi lại toàn bộ; gửi lại cùng nội dung không tạo bản ghi thứ hai.",
        "Send the whole again; the same content never makes a second record.",
    ),
    "request.parameter": ProblemType(
        400,
        "Một tham số không đúng.",
        "A parameter is not valid.",
        "Xem danh sách tham số và giá trị cho phép.",
        "See the list of parameters and their values.",
    ),
    "form.expired": ProblemType(
        400,
        "Biểu mẫu đã hết hiệu lực.",
        "This form is no longer valid.",
        "Mở lại trang rồi gửi lại.",
        "Open the page again and send it once more.",
    ),
    "sign_in.not_good": ProblemType(
        400,
        "Chưa đăng nhập được.",
        "You could not be signed in.",
        "Hãy đăng nhập lại từ đầu; chưa có gì bị thay đổi.",
        "Sign in again from the start; nothing was changed.",
    ),
    "resync.reason": ProblemType(
        400,
        "Lý do không có trong danh sách.",
        "The reason is not one of the list.",
        "Dùng một từ trong words, một mã phiếu như ticket-17, hoặc cả hai: restore/ticket-17.",
        "Give one of the words, a ticket such as ticket-17, or both: restore/ticket-17.",
    ),
    "app.not_trusted": ProblemType(
        400,
        "Ứng dụng này chưa được đăng ký ở đây.",
        "This app is not registered here.",
        "Chưa có gì được chia sẻ. Hãy mở lại từ ứng dụng; nếu vẫn lỗi, báo cho nơi làm ra ứng dụng.",
        "Nothing was shared. Start again from the app; if it stays, tell whoever makes the app.",
    ),
    "idempotency_key.malformed": ProblemType(
        400,
        "Idempotency-Key không đúng quy cách.",
        "The Idempotency-Key is malformed.",
        "Dùng 1 đến 255 ký tự ASCII in được.",
        "Use 1 to 255 printable ASCII characters.",
    ),
    "token.missing": ProblemType(
        401,
        "Thiếu mã truy cập.",
        "An access token is needed.",
        "Gửi tiêu đề Authorization: Bearer <mã truy cập>.",
        "Send the header Authorization: Bearer <access token>.",
    ),
    "token.bad": ProblemType(
        401,
        "Mã truy cập không hợp lệ hoặc đã hết hạn.",
        "The access token is not valid or has expired.",
        "Xin mã truy cập mới rồi gửi lại.",
        "Ask for a new access token and send the request again.",
    ),
    "access.denied": ProblemType(
        403,
        "Mã truy cập này không được phép làm việc đó.",
        "This access token does not allow that.",
        "Xin mã truy cập có phạm vi hoặc vai trò cần thiết.",
        "Ask for a token with the scope or role that is needed.",
    ),
    "review.unknown": ProblemType(
        404,
        "Không có việc xét duyệt này.",
        "There is no such review.",
        "Mở lại danh sách chờ xét duyệt.",
        "Open the list of reviews again.",
    ),
    "review.not_open": ProblemType(
        409,
        "Việc này không còn chờ quyết định đó.",
        "This does not wait for that decision any more.",
        "Mở lại để xem trạng thái hiện nay.",
        "Open it again to see how it stands now.",
    ),
    "review.busy": ProblemType(
        409,
        "Có người vừa làm việc này trước bạn.",
        "Somebody was quicker than you.",
        "Mở lại rồi quyết định.",
        "Open it again, then decide.",
    ),
    "review.number_invalid": ProblemType(
        409,
        "Cơ sở dữ liệu dân cư nói số định danh này đã bị hủy.",
        "The registry says that this number was cancelled.",
        "Không ai công nhận được số này; hỏi cơ sở số hiện nay.",
        "Nobody can accept it; ask the facility for the number of today.",
    ),
    "review.number_superseded": ProblemType(
        409,
        "Cơ sở dữ liệu dân cư nói số định danh này đã được thay.",
        "The registry says that this number was replaced.",
        "Hỏi cơ sở số định danh mới.",
        "Ask the facility for the new number.",
    ),
    "review.old_number": ProblemType(
        409,
        "Số 9 chữ số có thể là của hai người.",
        "A number of 9 digits may be two people's.",
        "Hỏi cơ sở số định danh 12 chữ số.",
        "Ask the facility for the number of 12 digits.",
    ),
    "review.number_of_another": ProblemType(
        409,
        "Số định danh này là của người khác.",
        "This number is another person's.",
        "Từ chối, hoặc hỏi cơ sở.",
        "Reject it, or ask the facility.",
    ),
    "review.ask_first": ProblemType(
        409,
        "Cơ sở dữ liệu dân cư chỉ trả lời không khớp, và chưa ai xem thẻ căn cước.",
        "The registry only denies, and nobody has seen the card yet.",
        "Hỏi cơ sở trước.",
        "Ask the facility first.",
    ),
    "review.second_person": ProblemType(
        409,
        "Cần người thứ hai cùng công nhận.",
        "A second person must accept it too.",
        "Nhờ một người xét duyệt khác.",
        "Ask another reviewer.",
    ),
    "review.nobody_to_ask": ProblemType(
        409,
        "Không còn hồ sơ nào của định danh này để hỏi.",
        "No dossier of this claim stands that could be asked about.",
        "Từ chối, hoặc để đó.",
        "Reject it, or leave it.",
    ),
    "not_found": ProblemType(
        404,
        "Không tìm thấy.",
        "There is no such thing.",
        "Xem lại địa chỉ hoặc mã.",
        "Check the address or the code.",
    ),
    "method.not_allowed": ProblemType(
        405,
        "Địa chỉ này không nhận phương thức đó.",
        "This address does not take that method.",
        "Dùng một phương thức trong tiêu đề Allow.",
        "Use a method that the Allow header names.",
    ),
    "media.not_acceptable": ProblemType(
        406,
        "Không trả được kiểu nội dung đó.",
        "The media type asked for is not available.",
        "Dùng application/fhir+json.",
        "Ask for application/fhir+json.",
    ),
    "conflict": ProblemType(
        409,
        "Yêu cầu xung đột với trạng thái hiện tại.",
        "The request conflicts with the present state.",
        "Đọc lại trạng thái rồi quyết định.",
        "Read the state again, then decide.",
    ),
    "transaction.waiting_for_xml1": ProblemType(
        409,
        "Bản này chưa có XML1 nên chưa thể dùng.",
        "This version has no XML1 yet and cannot stand.",
        "Gửi bảng XML1 của hồ sơ trước.",
        "Send the record's table XML1 first.",
    ),
    "transaction.withdrawn": ProblemType(
        409,
        "Hồ sơ này đã được cơ sở thu hồi.",
        "This record was withdrawn by its facility.",
        "Hủy việc thu hồi trước (POST /api/v1/dossiers:restore), rồi chọn bản đang dùng.",
        "Undo the withdrawal first (POST /api/v1/dossiers:restore), then say which version stands.",
    ),
    "idempotency_key.other_content": ProblemType(
        409,
        "Idempotency-Key này đã dùng cho nội dung khác.",
        "This Idempotency-Key was used with other content.",
        "Dùng khóa mới cho nội dung mới.",
        "Use a new key for new content.",
    ),
    "request.too_slow": ProblemType(
        408,
        "Nội dung gửi đến quá chậm; chưa có gì được ghi nhận.",
        "The request came too slowly; nothing of it was kept.",
        "Gửi lại toàn bộ trên kết nối mới; gửi lại cùng nội dung không tạo bản ghi thứ hai.",
        "Send the whole again on a new connection; the same content never makes a second record.",
    ),
    "request.too_large": ProblemType(
        413,
        "Nội dung gửi lên quá lớn.",
        "The body is too large.",
        "Chia nhỏ rồi gửi thành nhiều lần.",
        "Split it and send it in several requests.",
    ),
    "request.address_too_long": ProblemType(
        414,
        "Địa chỉ của yêu cầu quá dài.",
        "The request's address is too long.",
        "Rút ngắn địa chỉ.",
        "Shorten the address.",
    ),
    "media.unsupported": ProblemType(
        415,
        "Không nhận kiểu nội dung này.",
        "This media type is not taken here.",
        "Dùng một kiểu nội dung trong tiêu đề Accept-Post.",
        "Use a media type that the Accept-Post header names.",
    ),
    "media.charset": ProblemType(
        415,
        "Không nhận bảng mã này.",
        "This charset is not taken here.",
        "Dùng UTF-8.",
        "Use UTF-8.",
    ),
    "media.encoded": ProblemType(
        415,
        "Không nhận nội dung đã nén.",
        "Compressed bodies are not taken here.",
        "Gửi nội dung không nén, bỏ tiêu đề Content-Encoding.",
        "Send the body uncompressed, without Content-Encoding.",
    ),
    "request.expectation": ProblemType(
        417,
        "Không đáp ứng được tiêu đề Expect đó.",
        "That Expect header cannot be met.",
        "Chỉ dùng Expect: 100-continue, hoặc bỏ tiêu đề này.",
        "Use Expect: 100-continue only, or leave the header out.",
    ),
    "host.unknown": ProblemType(
        421,
        "Dịch vụ này không mang tên máy chủ đó.",
        "This service is not called by that host name.",
        "Dùng địa chỉ công khai của dịch vụ.",
        "Use the public address of the service.",
    ),
    "card.unreadable": ProblemType(
        422,
        "Không phải mã trên thẻ căn cước hay thẻ BHYT.",
        "This is the code of neither an identity card nor a health-insurance card.",
        "Quét lại mã QR; gửi nguyên chuỗi máy quét đọc được, bằng UTF-8.",
        "Scan the code again, and send what the scanner reads as it is, in UTF-8.",
    ),
    "request.unreadable": ProblemType(
        422,
        "Không đọc được nội dung gửi lên.",
        "The body cannot be read.",
        "Xem các lỗi kèm theo.",
        "See the issues that come with this answer.",
    ),
    "quota.used_up": ProblemType(
        429,
        "Đã gửi quá nhiều trong thời gian ngắn; yêu cầu này chưa được xem xét.",
        "Too much was sent in a short time; this request was not looked at.",
        "Gửi lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Send it again after the time that the Retry-After header gives.",
    ),
    "client.too_many_at_once": ProblemType(
        429,
        "Hệ thống này đang gửi quá nhiều hồ sơ cùng lúc; yêu cầu này chưa được xem xét.",
        "This client sends too many submissions at once; this one was not looked at.",
        "Gửi lại sau thời gian ghi trong tiêu đề Retry-After, với ít kết nối hơn.",
        "Send it again after the time that the Retry-After header gives, over fewer connections.",
    ),
    "refusals.too_many": ProblemType(
        429,
        "Quá nhiều yêu cầu bị từ chối trong thời gian ngắn.",
        "Too many requests were refused in a short time.",
        "Dừng lại, sửa mã truy cập hoặc địa chỉ, rồi thử lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Stop, mend the token or the address, and try again after the time that the Retry-After header gives.",
    ),
    "passwords.too_many": ProblemType(
        429,
        "Sai mật khẩu quá nhiều lần trong thời gian ngắn.",
        "Too many wrong passwords in a short time.",
        "Dừng lại, sửa tên đăng nhập và mật khẩu, rồi thử lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Stop, mend user name and password, and try again after the time that the Retry-After header gives.",
    ),
    "request.head_too_large": ProblemType(
        431,
        "Phần đầu của yêu cầu quá lớn.",
        "The head of the request is too large.",
        "Gửi ít tiêu đề hơn, hoặc ngắn hơn.",
        "Send fewer or shorter headers.",
    ),
    "internal": ProblemType(
        500,
        "Lỗi nội bộ.",
        "Internal error.",
        "Gửi lại sau; nếu vẫn lỗi, báo mã sự cố cho bộ phận hỗ trợ.",
        "Try again later; if it stays, tell support the incident id.",
    ),
    "edges.unfit": ProblemType(
        503,
        "Dữ liệu nền không khớp; hệ thống không trả lời để tránh nhầm người.",
        "What this answer rests on does not fit; none is given rather than a wrong one.",
        "Quản trị hệ thống đã được báo; thử lại sau.",
        "The operators have been told; try again later.",
    ),
    "keys.missing": ProblemType(
        503,
        "Chưa mở được dữ liệu này.",
        "This data cannot be opened now.",
        "Quản trị hệ thống đã được báo; thử lại sau.",
        "The operators have been told; try again later.",
    ),
    "request.transfer_coding": ProblemType(
        501,
        "Không nhận kiểu truyền đó.",
        "That transfer coding is not taken here.",
        "Dùng Transfer-Encoding: chunked, hoặc Content-Length.",
        "Use Transfer-Encoding: chunked, or Content-Length.",
    ),
    "submissions.crowded": ProblemType(
        503,
        "Đang có quá nhiều hồ sơ được gửi cùng lúc; yêu cầu này chưa được xem xét.",
        "Too many submissions are under way; this one was not looked at.",
        "Gửi lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Send it again after the time that the Retry-After header gives.",
    ),
    "verifications.crowded": ProblemType(
        503,
        "Đang có quá nhiều lượt xác thực cùng lúc; chưa hỏi ai cả.",
        "Too many people are being verified; nobody was asked about.",
        "Gửi lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Send it again after the time that the Retry-After header gives.",
    ),
    "trials.crowded": ProblemType(
        503,
        "Đang có quá nhiều lượt gửi thử cùng lúc; yêu cầu này chưa được xem xét.",
        "Too many dry runs are under way; this one was not looked at.",
        "Gửi thử lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Try it again after the time that the Retry-After header gives.",
    ),
    "sign_ins.crowded": ProblemType(
        503,
        "Đang có quá nhiều lượt đăng nhập cùng lúc.",
        "Too many sign-ins are under way.",
        "Đăng nhập lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Sign in again after the time that the Retry-After header gives.",
    ),
    "service.unavailable": ProblemType(
        503,
        "Hệ thống tạm thời chưa phục vụ được; chưa có gì được ghi nhận.",
        "The service cannot answer now; nothing was acknowledged.",
        "Gửi lại sau thời gian ghi trong tiêu đề Retry-After.",
        "Send it again after the time that the Retry-After header gives.",
    ),
}

BY_STATUS: Final[Mapping[int, str]] = {
    400: "request.bad",
    401: "token.missing",
    403: "access.denied",
    404: "not_found",
    405: "method.not_allowed",
    406: "media.not_acceptable",
    408: "request.too_slow",
    409: "conflict",
    413: "request.too_large",
    414: "request.address_too_long",
    415: "media.unsupported",
    422: "request.unreadable",
    429: "quota.used_up",
    503: "service.unavailable",
}
