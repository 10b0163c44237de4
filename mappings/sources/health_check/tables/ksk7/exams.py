"""What is examined, by speciality: each field with what it is called on the paper."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

Exams = Mapping[str, Mapping[str, str]]

_SYSTEMS: Final = {
    "TUAN_HOAN": "Tuần hoàn",
    "HO_HAP": "Hô hấp",
    "TIEU_HOA": "Tiêu hóa",
    "THAN_TN_SD": "Thận, tiết niệu, sinh dục",
    "NOI_TIET": "Nội tiết",
    "CO_XUONG_KHOP": "Cơ, xương, khớp",
    "THAN_KINH": "Thần kinh",
    "TAM_THAN": "Tâm thần",
}
_OF_CHILDREN: Final = ("TUAN_HOAN", "HO_HAP", "TIEU_HOA", "THAN_TN_SD", "THAN_KINH", "TAM_THAN")

EXAMS: Final[Exams] = {
    "Nội khoa": {f"NOI_KHOA_{tag}": words for tag, words in _SYSTEMS.items()},
    "Nhi khoa": {
        **{f"NHI_KHOA_{tag}": _SYSTEMS[tag] for tag in _OF_CHILDREN},
        "NHI_KHOA_LAM_SANG_KHAC": "Khám lâm sàng khác",
    },
    "Ngoại khoa": {"KET_QUA_KHAM_NGOAI_KHOA": "Kết quả"},
    "Da liễu": {"KET_QUA_KHAM_DA_LIEU": "Kết quả"},
    "Sản phụ khoa": {"KET_QUA_KHAM_SAN_PHU_KHOA": "Kết quả"},
    "Mắt": {
        "KHONG_KINH_MAT_PHAI": "Mắt phải, không kính",
        "KHONG_KINH_MAT_TRAI": "Mắt trái, không kính",
        "CO_KINH_MAT_PHAI": "Mắt phải, có kính",
        "CO_KINH_MAT_TRAI": "Mắt trái, có kính",
        "BENH_KHAC_MAT": "Bệnh về mắt",
    },
    "Tai mũi họng": {
        "TAI_TRAI_NOI_THUONG": "Tai trái, nói thường",
        "TAI_TRAI_NOI_THAM": "Tai trái, nói thầm",
        "TAI_PHAI_NOI_THUONG": "Tai phải, nói thường",
        "TAI_PHAI_NOI_THAM": "Tai phải, nói thầm",
        "BENH_TAI_MUI_HONG": "Bệnh tai mũi họng",
    },
    "Răng hàm mặt": {
        "HAM_TREN": "Hàm trên",
        "HAM_DUOI": "Hàm dưới",
        "BENH_RANG_HAM_MAT": "Bệnh răng hàm mặt",
    },
}
"""Of adults and of children from six years on. What is found in a smaller child are signs, coded 0 and 1, of which the
ministry's names are not known here: they are kept.
"""

# Each system of the body has its class of health, and the signature of who examined it.
_BY_SYSTEM: Final = ("Nội khoa", "Nhi khoa")
CLASSED: Final = frozenset(EXAMS["Nội khoa"])
SIGNED: Final = frozenset(tag for title in _BY_SYSTEM for tag in EXAMS[title])
