"""The population registry's messages, from its own side: TraCuuThongTinCongDan (integration 037) and
XacThucThongTinCongDan (003) in SOAP, 037 also in JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from lxml import etree

from ehr_sync.sandbox.city.population import Held

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ASKED: Final = "http://dancuquocgia.bca"
ANSWERED: Final = "http://www.mic.gov.vn/dancu/1.0"
_OPERATIONS: Final = {"TraCuuThongTinCongDan": "037", "XacThucThongTinCongDan": "003"}
_SEX: Final = {"male": "1", "female": "2"}
_ADDRESSES: Final = ("NoiDangKyKhaiSinh", "QueQuan", "ThuongTru", "NoiOHienTai")
_RELATIVES: Final = ("Cha", "Me", "VoChong", "NguoiDaiDien")


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. `birth_date` is "yyyymmdd" (NgayThangNam) or "yyyy" (Nam)."""

    operation: str  # "037", "003" or "json"
    request_number: str
    purpose: str
    officer: str
    number_kind: str  # "cccd" (SoDinhDanh) or "cmnd" (SoCMND)
    number: str
    name: str
    birth_date: str


def read_question(body: bytes) -> Question:
    """The question in a SOAP request. Raises ValueError where a required part is missing or unreadable."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise ValueError("not XML") from None
    asked = root.find(f"{{{SOAP}}}Body/{{{ASKED}}}*")
    code = _OPERATIONS.get(etree.QName(asked).localname) if asked is not None else None
    if asked is None or code is None or _text(asked, "MaTichHop") != code:
        raise ValueError("no operation that is known here")
    return _whole(
        Question(
            operation=code,
            request_number=_text(asked, "MaYeuCau"),
            purpose=_text(asked, "MaDVC"),
            officer=_text(asked, "MaCanBo"),
            number_kind="cccd" if _text(asked, "SoDinhDanh") else "cmnd",
            number=_text(asked, "SoDinhDanh") or _text(asked, "SoCMND"),
            name=_text(asked, "HoVaTen"),
            birth_date=_text(asked, "NgayThangNamSinh/NgayThangNam") or _text(asked, "NgayThangNamSinh/Nam"),
        )
    )


def read_json_question(body: bytes) -> Question:
    """The question in a JSON request; as `read_question`."""
    asked = orjson.loads(body)
    if not isinstance(asked, dict) or not asked.get("userNameService"):
        raise ValueError("no account")
    return _whole(
        Question(
            operation="json",
            request_number=asked.get("maYeuCau", ""),
            purpose=asked.get("maDVC", ""),
            officer=asked.get("maCanBo", ""),
            number_kind="cccd" if asked.get("soDinhDanh") else "cmnd",
            number=asked.get("soDinhDanh") or asked.get("soCMND", ""),
            name=asked.get("hoVaTen", ""),
            birth_date=asked.get("ngayThangNam", ""),
        )
    )


def _whole(question: Question) -> Question:
    if not all(getattr(question, name) for name in Question.__slots__):
        raise ValueError("a required part is missing")
    return question


def _text(element: etree._Element, path: str) -> str:
    qualified = "/".join(f"{{{ASKED}}}{step}" for step in path.split("/"))
    return (element.findtext(qualified) or "").strip()


def write_answer(person: Held | None) -> bytes:
    """037's answer with that person, or the empty collection: not found and mismatch look the same."""

    def write(body: etree._Element) -> None:
        collection = _under(body, "CongdanCollection")
        if person is not None:
            _write_person(_under(collection, "CongDan"), person)

    return _enveloped(write)


def write_yes_or_no(person: Held | None) -> bytes:
    """003's answer: that there is such a person, or not."""
    return _enveloped(
        lambda body: _under(_under(body, "KetQuaXacThuc"), "TonTai", "false" if person is None else "true")
    )


def write_json_answer(person: Held | None) -> bytes:
    """037's answer as a gateway writes it in JSON."""
    return orjson.dumps({"CongdanCollection": {} if person is None else {"CongDan": _json_person(person)}})


def _json_person(person: Held) -> dict[str, Any]:
    citizen = etree.Element("CongDan")
    _write_person(citizen, person)
    return {etree.QName(child).localname: _json(child) for child in citizen}


def _json(element: etree._Element) -> Any:
    return {etree.QName(child).localname: _json(child) for child in element} if len(element) else element.text or ""


def _enveloped(write: Callable[[etree._Element], object]) -> bytes:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP, "ns1": ANSWERED})
    write(_soap(envelope, "Body"))
    return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


def write_fault() -> bytes:
    """A SOAP fault, as it comes with status 500."""
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soapenv": SOAP})
    fault = _soap(_soap(envelope, "Body"), "Fault")
    etree.SubElement(fault, "faultcode").text = "soapenv:Server"
    etree.SubElement(fault, "faultstring").text = "Hệ thống đang bận"
    return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


def _write_person(citizen: etree._Element, person: Held) -> None:
    # Order and empty elements as in the published answer; everything beyond identity is left blank.
    _under(citizen, "SoDinhDanh", person.number)
    _under(citizen, "SoCMND", "" if len(person.number) == 12 else person.number)
    _write_name(_under(citizen, "HoVaTen"), person)
    _under(citizen, "GioiTinh", _SEX.get(person.sex, "0"))
    for name in ("DanToc", "TonGiao", "TinhTrangHonNhan", "NhomMau"):
        _under(citizen, name)
    born = _under(citizen, "NgayThangNamSinh")
    _under(born, "Nam", person.birth_date[:4])
    _under(born, "NgayThangNam", person.birth_date if len(person.birth_date) == 8 else "")
    for name in _ADDRESSES:
        _blank(_under(citizen, name), "MaTinhThanh", "MaQuanHuyen", "MaPhuongXa", "ChiTiet", "QuocGia")
    _under(citizen, "QuocTich", "VN")
    for name in _RELATIVES:
        _blank(_under(citizen, name), "HoVaTen", "QuocTich", "SoDinhDanh", "SoCMND")
    _blank(_under(citizen, "ChuHo"), "QuanHe", "SoDinhDanh", "SoCMND", "HoVaTen")
    _under(citizen, "SoSoHoKhau")


def _write_name(element: etree._Element, person: Held) -> None:
    # Both habits of the real service: the whole name in Ten, or cut in three. The person decides which.
    words = person.name.split()
    cut = len(words) > 1 and int(person.number[-1]) % 2 == 1
    _under(element, "Ho", words[0] if cut else "")
    _under(element, "ChuDem", " ".join(words[1:-1]) if cut else "")
    _under(element, "Ten", words[-1] if cut else person.name)


def _blank(element: etree._Element, *names: str) -> None:
    for name in names:
        _under(element, name)


def _under(element: etree._Element, name: str, text: str = "") -> etree._Element:
    child = etree.SubElement(element, f"{{{ANSWERED}}}{name}")
    child.text = text
    return child


def _soap(element: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(element, f"{{{SOAP}}}{name}")
