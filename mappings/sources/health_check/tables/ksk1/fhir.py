"""What somebody says of their health (part XML1) as a heading of the check's paper, and their blood group.

Nobody has seen these diseases and doses: they are told in words, as told (rules: health-checks).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mappings.fhir.elements import code, text
from mappings.model import Resource, Row
from mappings.sources.dossier.papers import Section
from mappings.sources.dossier.tables.xml1.measurements import observations
from mappings.sources.dossier.unshown import shown
from mappings.sources.health_check.check import Check, lines
from mappings.terminology import icd10

_FLAGS: Final = {"0": "không", "1": "có", "99": "không nhớ rõ"}
_VACCINES: Final = (
    ("TIEM_CHUNG_BCG", "lao (BCG)"),
    ("TIEM_CHUNG_BH_HG_UV", "bạch hầu, ho gà, uốn ván"),
    ("TIEM_CHUNG_SOI", "sởi"),
    ("TIEM_CHUNG_BAI_LIET", "bại liệt"),
    ("TIEM_CHUNG_VNNB_B", "viêm não Nhật Bản B"),
    ("TIEM_CHUNG_VGB", "viêm gan B"),
    ("TIEM_CHUNG_CAC_LOAI_KHAC", "loại khác"),
)


def history(rows: Iterable[Row], check: Check) -> None:
    """The heading of what the person said."""
    for row in rows:
        told = [
            *_diseases("Bệnh đã mắc", row, "TSBT_MAC_BENH", "TSBT_MA_BENH", "TSBT_MA_BENH_KHAC"),
            *_said("Bệnh đang điều trị", row, "BENH_DANG_DIEU_TRI", "TSBT_DANG_DIEU_TRI_BENH"),
            *_said("Thuốc đang dùng", row, "TSBT_TEN_THUOC_LIEU_LUONG"),
            *_diseases("Bệnh trong gia đình", row, "TSGD_MAC_BENH", "TSGD_MA_BENH"),
            *_said("Tiếp xúc nguồn lây lao", row, "", "TS_TIEP_XUC_LAO"),
            *_said("Sản khoa", row, "SAN_KHOA"),
            *_said("Sản khoa, không bình thường", row, "SAN_KHOA_KHONG_BT"),
            *_said("Tuổi thai khi sinh (tuần)", row, "TUAN_THAI"),
            *_said("Sinh non", row, "", "SINH_NON"),
            *_vaccines(row),
            *_said("Hạng giấy phép lái xe", row, "HANG_LAI_XE"),
        ]
        check.told.sections.append(Section("Tiền sử, theo lời khai", lines(*told), "11348-0"))


def blood(rows: Iterable[Row], check: Check) -> Iterator[Resource]:
    """The blood group, as of a visit (rules: blood-groups)."""
    for row in rows:
        yield from observations({"NHOM_MAU": row.get("NHOM_MAU", "")}, check.visit)


def _said(title: str, row: Row, tag: str, flag: str = "") -> Iterator[str]:
    words = shown(row.get(tag)) or _FLAGS.get(row.get(flag, ""), "")
    if words and words != "0":
        yield f"{title}: {words}"


def _diseases(title: str, row: Row, flag: str, *tags: str) -> Iterator[str]:
    named: list[str] = []
    for tag in tags:
        found = icd10.read(row.get(tag))
        named += [_disease(one) for one in found.codes]
        named += [words for one in found.words if (words := shown(text(one)))]
    words = "; ".join(dict.fromkeys(named)) or _FLAGS.get(row.get(flag, ""), "")
    if words:
        yield f"{title}: {words}"


def _disease(one: str) -> str:
    name = icd10.display(one)
    return f"{name} ({code(one)})" if name else icd10.words_for(one)


def _vaccines(row: Row) -> Iterator[str]:
    told = [f"{name}: {_FLAGS[row[tag]]}" for tag, name in _VACCINES if row.get(tag) in _FLAGS]
    if told:
        yield "Đã tiêm chủng: " + "; ".join(told)
