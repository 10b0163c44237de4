"""What other tables say again of XML1 must be what XML1 says (portal check list of QĐ 4750; rules: said-twice)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from mappings.model import Issue, Row, Tables
from mappings.sources.row_checks import MOST_OF_A_KIND

# Facts of the visit and its patient: the same wherever they stand. Texts are not among them: a table that must copy one
# says so.
_FACTS: Final = (
    *("HO_TEN", "SO_CCCD", "NGAY_SINH", "GIOI_TINH", "MA_QUOCTICH", "MA_DANTOC", "MA_NGHE_NGHIEP"),
    *("DIA_CHI", "MATINH_CU_TRU", "MAHUYEN_CU_TRU", "MAXA_CU_TRU", "MA_THE_BHYT", "GT_THE_DEN"),
    *("MA_CSKCB", "MA_NOI_DI", "MA_NOI_DEN", "MA_LOAI_KCB", "MA_DOITUONG_KCB", "MA_LOAI_RV", "KET_QUA_DTRI"),
    *("NGAY_VAO", "NGAY_VAO_NOI_TRU", "NGAY_RA", "MA_BENH_CHINH", "MA_BENH_KT", "MA_BENH_YHCT"),
)


def repeats(table: str, **copied: str) -> Callable[[Tables], Iterator[Issue]]:
    """A rule for `SourceTable.between`: each of these fields that a row of the table fills says what XML1 says.

    `copied` are further tags of the table, each with that of XML1 whose content it must have.
    """
    same: Mapping[str, str] = {tag: tag for tag in _FACTS} | copied

    def differs(tables: Tables) -> Iterator[Issue]:
        rows = tables.get(table, ())
        for summary in tables.get("XML1", ())[:1] if rows else ():
            for tag, of_summary in same.items():
                found = [n for n, row in enumerate(rows, 1) if _differs(row, tag, summary.get(of_summary, ""))]
                for n in found[:MOST_OF_A_KIND]:
                    yield Issue("value.differs_from_xml1", f"{table}[{n}].{tag}", f"XML1.{of_summary}")

    return differs


def _differs(row: Row, tag: str, stated: str) -> bool:
    value = row.get(tag, "")
    if not value or value == stated:
        return False
    said, meant = _plain(value), _plain(stated)
    # A day without its time says no other time.
    is_less = tag.startswith("NGAY_") and bool(meant) and (said.startswith(meant) or meant.startswith(said))
    return said != meant and not is_less


def _plain(value: str) -> str:
    """Without what exporters write one way here and another there: blanks, capitals, a ';' at the end."""
    return "".join(value.split()).casefold().rstrip(";")
