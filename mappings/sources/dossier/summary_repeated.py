"""What papers repeat of the summary must say the same, where it is there (the portal's check list of QĐ 4750)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mappings.model import Issue, Tables
from mappings.sources.row_checks import MOST_OF_A_KIND

_PATIENT: Final = ("NGAY_SINH", "GIOI_TINH", "DIA_CHI")
_VISIT: Final = ("GT_THE_DEN", "NGAY_VAO", "NGAY_VAO_NOI_TRU", "NGAY_RA", "CHAN_DOAN_RV")
_DIAGNOSES: Final = ("MA_BENH_CHINH", "MA_BENH_KT", "MA_BENH_YHCT")
REPEATED: Final[Mapping[str, tuple[str, ...]]] = {
    "XML6": (*_PATIENT, "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU", "MA_CSKCB"),
    "XML13": (
        *("MA_CSKCB", "MA_NOI_DI", "MA_NOI_DEN", "HO_TEN", "MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP", "MA_THE_BHYT"),
        *(*_PATIENT, *_VISIT, *_DIAGNOSES, "PP_DIEU_TRI", "MA_LOAI_RV"),
    ),
    "XML14": (*_PATIENT, "MA_THE_BHYT", *_VISIT, *_DIAGNOSES, "MA_DOITUONG_KCB"),
    "XML15": ("HO_TEN", "SO_CCCD", "MA_CSKCB"),
}


def repeated(tables: Tables) -> Iterator[Issue]:
    """The fields that say something else than XML1 does, and a return before the patient has left; all only warn."""
    for summary in tables.get("XML1", ())[:1]:
        for name, tags in REPEATED.items():
            found = [
                Issue("value.differs_from_xml1", f"{name}[{number}].{tag}", f"XML1.{tag}")
                for number, row in enumerate(tables.get(name, ()), 1)
                for tag in tags
                if tag in row and tag in summary and row[tag] != summary[tag]
            ]
            yield from found[:MOST_OF_A_KIND]
        left = summary.get("NGAY_RA", "")
        for number, row in enumerate(tables.get("XML14", ())[:MOST_OF_A_KIND], 1):
            back = row.get("NGAY_HEN_KL", "")
            if left and back and back < left[: len(back)]:
                yield Issue("date.order", f"XML14[{number}].NGAY_HEN_KL", ">= NGAY_RA")
