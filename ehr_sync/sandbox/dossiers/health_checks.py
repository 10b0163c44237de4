"""Health checks as facilities of the invented city send them (KHAMSUCKHOE, QĐ 2062), and the health-record hub's
message around one.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from typing import Final, Literal

# It writes XML and reads none.
from xml.sax.saxutils import escape  # nosec B406

from ehr_sync.sandbox.city.people import TODAY, Person, mother_of, person

Type = Literal["Adult", "Driver", "Minor", "ChildUnder"]
TYPES: Final[tuple[Type, ...]] = ("Adult", "Driver", "Minor", "ChildUnder")
GLN: Final = "8939900000020"
"""Of an invented place: 99 behind 893 is given to nobody."""

Parts = dict[str, list[dict[str, str]]]

_ROOTS: Final[Mapping[str, str]] = {
    "XML1": "THONG_TIN_HANH_CHINH",
    "XML2": "THONG_TIN_CHUNG_VE_LAN_KHAM",
    "XML7": "KHAM_LAM_SANG",
    "XML10": "KHAM_THE_LUC",
    "XML11": "KHAM_CAN_LAM_SANG",
    "XML12": "KET_LUAN",
}
_SYSTEMS: Final = ("TUAN_HOAN", "HO_HAP", "TIEU_HOA", "THAN_KINH", "TAM_THAN")
_WHY: Final = {
    "Adult": "Khám sức khỏe định kỳ",
    "Driver": "Khám sức khỏe người lái xe",
    "Minor": "Khám sức khỏe học sinh",
    "ChildUnder": "Khám sức khỏe trẻ mầm non",
}
_FOUND: Final = (
    ("", "Sức khỏe bình thường"),
    ("I10", "Theo dõi huyết áp"),
    ("H52.1", "Đeo kính khi đọc, khám lại mắt"),
)
_GROUPS: Final = {"Adult": "13", "Driver": "13", "Minor": "11", "ChildUnder": "10"}


def health_check(
    seed: int,
    of: Person,
    *,
    type_: Type = "Adult",
    facility: str = "01001",
    on: date = TODAY,
    guardian: Person | None = None,
    has_number: bool = True,
) -> Parts:
    """The parts of one check, by LOAIHOSO; the same seed gives the same. A guardian is the parent of a child, whose own
    number is left out where it has none.
    """
    draw = Random(seed)
    height = {"Minor": 140, "ChildUnder": 100}.get(type_, 164) + draw.randint(-8, 8)
    weight = round(height * height / 10_000 * draw.uniform(17, 24), 1)
    codes, words = draw.choice(_FOUND)
    who = {
        "HO_TEN": of.name,
        "GIOI_TINH": "1" if of.sex == "male" else "2",
        "NGAY_SINH": f"{of.birth_date:%Y%m%d}",
        "MA_DAN_TOC": of.ethnicity,
        "SO_CCCD": of.number if has_number else "",
        "DIA_CHI": of.address,
        "MATINH_CU_TRU": "01",
        "MAXA_CU_TRU": of.commune,
        "DIEN_THOAI": of.phone,
        "NGUOI_GIAM_HO": guardian.name if guardian else "",
        "SO_CCCD_NGH": guardian.number if guardian else "",
        "MA_NGHE_NGHIEP": "00",
        "LY_DO_VV": _WHY[type_],
        "TSBT_MAC_BENH": "0",
    }
    prefix = "NHI_KHOA" if type_ == "Minor" else "NOI_KHOA"
    exam = {f"{prefix}_{system}": "Bình thường" for system in _SYSTEMS}
    if type_ == "ChildUnder":
        exam = {"MAU_SAC_DA": "0", "THOP": "0", "LAC_MAT": "0"}
    parts: Parts = {
        "XML1": [who],
        "XML2": [
            {
                "MA_LK": f"KSK.{facility}.{on.year}.{seed:07d}",
                "MA_CSKCB": facility,
                "TYPE": type_,
                "MA_GTIN_CSKCB": GLN,
                "DOI_TUONG": _GROUPS[type_],
                "NGUON_CHI_TRA": "4",
                "MA_LOAI_KCB": "15" if on >= date(2026, 8, 1) else "01",
                "NGAY_VAO": f"{on:%Y%m%d}0805",
            }
        ],
        "XML7": [exam],
        "XML10": [
            {
                "CHIEU_CAO": str(height),
                "CAN_NANG": str(weight),
                "CHI_SO_BMI": f"{weight / (height / 100) ** 2:.1f}",
                "MACH": str(draw.randint(66, 90)),
                "HUYET_AP": f"{draw.randint(104, 138)}/{draw.randint(62, 88)}",
                "KHAM_THE_LUC_PL": "2",
            }
        ],
        "XML12": [{"PHAN_LOAI_SK": draw.choice("12"), "KET_LUAN_BENH": codes, "CAC_VAN_DE_SUC_KHOE": words}],
    }
    if type_ in {"Adult", "Driver"}:
        glucose = {"TEN_CHI_SO": "Glucose máu", "GIA_TRI": f"{draw.uniform(4.2, 6.1):.1f}", "DON_VI_DO": "mmol/L"}
        parts["XML11"] = [{"MA_DICH_VU": "23.0075.1494", "MA_CHI_SO": "2300075", **glucose, "KET_LUAN": "Bình thường"}]
    return parts


def checked(seed: int, type_: Type, *, facility: str = "01001", on: date = TODAY) -> bytes:
    """The file of a check of somebody of the right age, whom the seed picks."""
    if type_ in {"Adult", "Driver"}:
        return file(health_check(seed, person(seed % 1000 * 50), type_=type_, facility=facility, on=on))
    ages = range(6) if type_ == "ChildUnder" else range(7, 17)
    children = (one for index in range(seed % 500 * 50 + 40, 900_000) if (one := person(index)).kind == "child")
    child = next(one for one in children if on.year - one.birth_date.year in ages)
    has_number, guardian = type_ == "Minor", mother_of(child)
    return file(
        health_check(seed, child, type_=type_, facility=facility, on=on, guardian=guardian, has_number=has_number)
    )


def file(
    parts: Mapping[str, Sequence[Mapping[str, str]]],
    *,
    made_on: date = TODAY,
    in_base64: bool = False,
    announced: int | None = None,
    gln: str = GLN,
) -> bytes:
    """The file KHAMSUCKHOE; `announced` is SOLUONGHOSO where it is not the true count of parts."""
    written = [
        f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{_content(name, rows, in_base64)}</NOIDUNGFILE></FILEHOSO>"
        for name, rows in parts.items()
    ]
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<KHAMSUCKHOE>'
        f"<THONGTINDONVI><MACSKCB>{gln}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>{made_on:%Y%m%d}</NGAYLAP>"
        f"<SOLUONGHOSO>{len(written) if announced is None else announced}</SOLUONGHOSO>"
        f"<DANHSACHHOSO><HOSO>{''.join(written)}</HOSO></DANHSACHHOSO></THONGTINHOSO>"
        "<CHUKYDONVI><CKS_NGUOI_KET_LUAN>bMOgbSBt4bqrdQ==</CKS_NGUOI_KET_LUAN>"
        "<CKS_BENH_VIEN>bMOgbSBt4bqrdQ==</CKS_BENH_VIEN></CHUKYDONVI></KHAMSUCKHOE>\n"
    ).encode()


def message(sent: bytes) -> bytes:
    """The health-record hub's message around a file; nobody has signed it."""
    header = {
        "version": "1.0",
        "sender_id": GLN,
        "receiver_id": "VTS",
        "txn_type": "sync_checkup",
        "msg_type": "101",
        "data_type": "xml/base64",
        "send_datetime": 1_795_000_000_000,
        "msg_id": f"{GLN}261120{'0' * 31}1",
    }
    return json.dumps({"header": header, "data": {"content": b64encode(sent).decode()}, "signature": ""}).encode()


def _content(name: str, rows: Sequence[Mapping[str, str]], in_base64: bool) -> str:
    root, inner = _ROOTS.get(name, name), "".join(map(_fields, rows))
    if name == "XML11":
        items = "".join(f"<CHI_TIET_CLS>{_fields(row)}</CHI_TIET_CLS>" for row in rows)
        inner = f"<DANH_SACH_CLS>{items}</DANH_SACH_CLS>"
    written = f"<{root}>{inner}</{root}>"
    return b64encode(written.encode()).decode() if in_base64 else written


def _fields(row: Mapping[str, str]) -> str:
    return "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in row.items())
