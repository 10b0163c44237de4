"""Small invented dossiers, built the way exporters write them. People have numbers of province 099, which none has."""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Mapping, Sequence

from mappings.model import Dossier
from mappings.sources.dossier.reading.envelope import Limits, read_hoso, scan

LIMITS = Limits()
Rows = Sequence[Mapping[str, str]]

SHAPES = {
    "XML1": ("<TONG_HOP>", "", "", "</TONG_HOP>"),
    "XML2": (
        "<CHITIEU_CHITIET_THUOC><DSACH_CHI_TIET_THUOC>",
        "<CHI_TIET_THUOC>",
        "</CHI_TIET_THUOC>",
        "</DSACH_CHI_TIET_THUOC></CHITIEU_CHITIET_THUOC>",
    ),
    "XML3": (
        "<CHITIEU_CHITIET_DVKT_VTYT><DSACH_CHI_TIET_DVKT>",
        "<CHI_TIET_DVKT>",
        "</CHI_TIET_DVKT>",
        "</DSACH_CHI_TIET_DVKT></CHITIEU_CHITIET_DVKT_VTYT>",
    ),
    "XML4": (
        "<CHITIEU_CHITIET_DICHVUCANLAMSANG><DSACH_CHI_TIET_CLS>",
        "<CHI_TIET_CLS>",
        "</CHI_TIET_CLS>",
        "</DSACH_CHI_TIET_CLS></CHITIEU_CHITIET_DICHVUCANLAMSANG>",
    ),
    "XML5": (
        "<CHITIEU_CHITIET_DIENBIENLAMSANG><DSACH_CHI_TIET_DIEN_BIEN_BENH>",
        "<CHI_TIET_DIEN_BIEN_BENH>",
        "</CHI_TIET_DIEN_BIEN_BENH>",
        "</DSACH_CHI_TIET_DIEN_BIEN_BENH></CHITIEU_CHITIET_DIENBIENLAMSANG>",
    ),
    "XML7": ("<CHI_TIEU_DU_LIEU_GIAY_RA_VIEN>", "", "", "</CHI_TIEU_DU_LIEU_GIAY_RA_VIEN>"),
}

SUMMARY = {
    "MA_LK": "LK0001",
    "STT": "1",
    "MA_BN": "BN0001",
    "HO_TEN": "NGUYỄN VĂN MẪU",
    "SO_CCCD": "099090000017",
    "NGAY_SINH": "199003150000",
    "GIOI_TINH": "1",
    "MA_QUOCTICH": "000",
    "MA_DANTOC": "01",
    "MA_NGHE_NGHIEP": "00000",
    "DIA_CHI": "Số 1 phố Mẫu",
    "MATINH_CU_TRU": "01",
    "MAXA_CU_TRU": "00070",
    "MA_THE_BHYT": "DN4010000000017",
    "MA_DKBD": "01001",
    "GT_THE_TU": "20260101",
    "GT_THE_DEN": "20261231",
    "LY_DO_VV": "Ho, sốt 3 ngày",
    "CHAN_DOAN_VAO": "Viêm phổi",
    "CHAN_DOAN_RV": "Viêm phổi do vi khuẩn",
    "MA_BENH_CHINH": "J15.9",
    "MA_DOITUONG_KCB": "1.1",
    "NGAY_VAO": "202606100700",
    "NGAY_RA": "202606101000",
    "SO_NGAY_DTRI": "0",
    "KET_QUA_DTRI": "1",
    "MA_LOAI_RV": "1",
    "T_THUOC": "10000.00",
    "T_VTYT": "0.00",
    "T_TONGCHI_BV": "60000.00",
    "T_TONGCHI_BH": "60000.00",
    "T_BNTT": "0.00",
    "T_BNCCT": "12000.00",
    "T_BHTT": "48000.00",
    "T_NGUONKHAC": "0.00",
    "T_BHTT_GDV": "48000.00",
    "NAM_QT": "2026",
    "THANG_QT": "6",
    "MA_LOAI_KCB": "01",
    "MA_KHOA": "K01",
    "MA_CSKCB": "01001",
    "MA_HSBA": "HSBA1",
    "MA_TTDV": "0100000001",
}

_MONEY = {
    "PHAM_VI": "1",
    "TYLE_TT_BH": "100",
    "MUC_HUONG": "80",
    "T_NGUONKHAC_NSNN": "0",
    "T_NGUONKHAC_VTNN": "0",
    "T_NGUONKHAC_VTTN": "0",
    "T_NGUONKHAC_CL": "0",
    "T_NGUONKHAC": "0",
    "T_BNTT": "0",
    "MA_PTTT": "1",
}

DRUG = {
    "MA_LK": "LK0001",
    "STT": "1",
    "MA_THUOC": "40.155",
    "MA_NHOM": "4",
    "TEN_THUOC": "Amoxicilin 500mg",
    "DON_VI_TINH": "Viên",
    "HAM_LUONG": "500mg",
    "DUONG_DUNG": "1.01",
    "LIEU_DUNG": "1 viên/lần * 2 lần/ngày * 5 ngày",
    "TT_THAU": "01/QĐ-MAU;G1;N1;2026",
    "SO_LUONG": "10.000",
    "DON_GIA": "1000.000",
    "THANH_TIEN_BV": "10000.00",
    "THANH_TIEN_BH": "10000.00",
    "T_BNCCT": "2000",
    "T_BHTT": "8000",
    "MA_KHOA": "K01",
    "NGAY_YL": "202606100800",
    "NGAY_TH_YL": "202606100830",
    "NGUON_CTRA": "1",
    **_MONEY,
}

SERVICE = {
    "MA_LK": "LK0001",
    "STT": "1",
    "MA_DICH_VU": "22.0121.1369",
    "MA_NHOM": "1",
    "TEN_DICH_VU": "Tổng phân tích tế bào máu ngoại vi",
    "DON_VI_TINH": "Lần",
    "SO_LUONG": "1",
    "DON_GIA_BV": "50000",
    "DON_GIA_BH": "50000",
    "TYLE_TT_DV": "100",
    "THANH_TIEN_BV": "50000",
    "THANH_TIEN_BH": "50000",
    "T_BNCCT": "10000",
    "T_BHTT": "40000",
    "MA_KHOA": "K01",
    "MA_BAC_SI": "000001/HNO-CCHN",
    "NGUOI_THUC_HIEN": "000002/HNO-CCHN",
    "NGAY_YL": "202606100800",
    "NGAY_TH_YL": "202606100805",
    "NGAY_KQ": "202606100900",
    **_MONEY,
}

RESULT = {
    "MA_LK": "LK0001",
    "STT": "1",
    "MA_DICH_VU": "22.0121.1369",
    "MA_CHI_SO": "WBC",
    "TEN_CHI_SO": "WBC",
    "GIA_TRI": "7.5",
    "DON_VI_DO": "G/L",
    "NGAY_KQ": "202606100900",
}

NOTE = {
    "MA_LK": "LK0001",
    "STT": "1",
    "DIEN_BIEN_LS": "Đỡ sốt",
    "THOI_DIEM_DBLS": "202606100900",
    "NGUOI_THUC_HIEN": "000001/HNO-CCHN",
}

TABLES: dict[str, tuple[dict[str, str], ...]] = {
    "XML1": (SUMMARY,),
    "XML2": (DRUG,),
    "XML3": (SERVICE,),
    "XML4": (RESULT,),
    "XML5": (NOTE,),
}


def with_values(name: str, **values: str) -> dict[str, tuple[dict[str, str], ...]]:
    """The good tables with other values in the first row of one; a blank value takes the tag away."""
    row = {tag: value for tag, value in {**TABLES[name][0], **values}.items() if value}
    return {**TABLES, name: (row,)}


def table(name: str, rows: Rows) -> str:
    """A table as XML text."""
    start, before, after, end = SHAPES[name]
    return start + "".join(before + leaves(row) + after for row in rows) + end


def leaves(row: Mapping[str, str]) -> str:
    """The values of a row as elements, characters escaped."""
    escaped = {tag: text.replace("&", "&amp;").replace("<", "&lt;") for tag, text in row.items()}
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in escaped.items())


def base64(text: str | bytes) -> str:
    """NOIDUNGFILE as the decree wants it."""
    return b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def part(name: str, content: str) -> str:
    """A FILEHOSO."""
    return f"<FILEHOSO><LOAIHOSO>{name}</LOAIHOSO><NOIDUNGFILE>{content}</NOIDUNGFILE></FILEHOSO>"


def parts(tables: Mapping[str, Rows]) -> str:
    """All tables as FILEHOSO elements."""
    return "".join(part(name, base64(table(name, rows))) for name, rows in tables.items())


def envelope(
    *hosos: str,
    announced: str | None = None,
    facility: str = "01001",
    made_on: str = "20260611",
    signature: str = "",
) -> bytes:
    """An envelope of HOSO contents."""
    count = str(len(hosos)) if announced is None else announced
    inside = "".join(f"<HOSO>{hoso}</HOSO>" for hoso in hosos)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<GIAMDINHHS>'
        f"<THONGTINDONVI><MACSKCB>{facility}</MACSKCB></THONGTINDONVI>"
        f"<THONGTINHOSO><NGAYLAP>{made_on}</NGAYLAP><SOLUONGHOSO>{count}</SOLUONGHOSO>"
        f"<DANHSACHHOSO>{inside}</DANHSACHHOSO></THONGTINHOSO><CHUKYDONVI>{signature}</CHUKYDONVI></GIAMDINHHS>"
    ).encode()


def read(content: bytes, limits: Limits = LIMITS) -> Dossier:
    """The first dossier of an envelope."""
    found = scan(io.BytesIO(content), limits)
    start, end = found.spans[0]
    return read_hoso(content[start:end], found, 1, limits)


def read_parts(inside: str, limits: Limits = LIMITS) -> Dossier:
    """The dossier of one HOSO's content."""
    return read(envelope(inside), limits)


def codes(dossier: Dossier) -> set[str]:
    """The codes of its issues."""
    return {issue.code for issue in dossier.issues}
