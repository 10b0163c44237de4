"""What real exporters do to values and files, one kind at a time; a good reader takes them all, some with a warning."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final
from unicodedata import normalize

from ehr_sync.sandbox.dossiers import money
from ehr_sync.sandbox.dossiers.hoso import Hoso, Row, copy_of, each_row
from ehr_sync.sandbox.dossiers.rendering import Style

MESSY_STYLES: Final[dict[str, Style]] = {
    "bom": Style(bom=True),
    "wrapped": Style(wrapped=True),
    "cdata": Style(cdata=True, indented=True),
    "no_namespaces": Style(namespaces=False),
    "plain": Style(base64=False, declaration=False, indented=True),
    "plain_cdata": Style(base64=False, declaration=False, cdata=True),
    "empty_tables": Style(absent="empty"),
    "empty_lists": Style(absent="empty list"),
    "self_closing": Style(self_closing=True),
    "no_declaration": Style(declaration=False),
    "envelope_bom": Style(envelope_bom=True, bom=True, wrapped=True),
}
"""How files are written, by name."""


def messy_style(seed: int) -> Style:
    """One of the messy styles."""
    return Random(seed * 4 + 5).choice(list(MESSY_STYLES.values()))


def messed(hoso: Hoso, seed: int, kind: str | None = None) -> Hoso:
    """A copy with one kind of mess, or with two to four of them that the seed picks; still the same patient.

    Raises ValueError for an unknown kind.
    """
    if kind is not None and kind not in MESSES:
        raise ValueError("no such kind of mess")
    draw = Random(seed * 4 + 6)
    # In the order of the list: those that drop or shuffle tags come last, for the others look tags up.
    kinds = [kind] if kind else sorted(draw.sample(MESSY_KINDS, draw.randint(2, 4)), key=MESSY_KINDS.index)
    for each in kinds:
        hoso = MESSES[each](hoso, draw)
    return hoso


def _midnight_as_2400(hoso: Hoso, draw: Random) -> Hoso:
    def at_midnight(table: str, row: Row) -> Row:
        if table == "XML5":
            row["THOI_DIEM_DBLS"] = row["THOI_DIEM_DBLS"][:8] + "2400"
        elif table == "XML1":
            row["NGAY_TTOAN"] = row["NGAY_TTOAN"][:8] + "2400"
        return row

    return each_row(hoso, at_midnight)


def _comma_decimals(hoso: Hoso, draw: Random) -> Hoso:
    def with_commas(table: str, row: Row) -> Row:
        for tag in ("SO_LUONG", "DON_GIA", "CAN_NANG"):
            if tag in row:
                # "1,000" would be a thousand to some: exporters that write commas write no more digits than needed.
                row[tag] = row[tag].rstrip("0").rstrip(".").replace(".", ",")
        if table == "XML4" and row["GIA_TRI"].replace(".", "", 1).isdigit() and len(row["GIA_TRI"].split(".")[-1]) < 3:
            row["GIA_TRI"] = row["GIA_TRI"].replace(".", ",")
        return row

    return each_row(hoso, with_commas)


def _short_codes(hoso: Hoso, draw: Random) -> Hoso:
    def unpadded(table: str, row: Row) -> Row:
        for tag in ("MA_LOAI_KCB", "MA_DANTOC", "MATINH_CU_TRU"):
            if row.get(tag):
                row[tag] = row[tag].lstrip("0")
        return row

    return each_row(hoso, unpadded)


def _number_as_number(hoso: Hoso, draw: Random) -> Hoso:
    # QĐ 130 typed SO_CCCD as a number: the zero in front is gone.
    return _summary(hoso, lambda row: {"SO_CCCD": row["SO_CCCD"].lstrip("0")})


def _decomposed(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda _, row: {tag: normalize("NFD", value) for tag, value in row.items()})


def _odd_spaces(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(
        hoso,
        lambda row: {
            "HO_TEN": "\u00a0" + row["HO_TEN"].replace(" ", "  ", 1) + " ",
            "DIA_CHI": row["DIA_CHI"].replace(", ", "\u00a0,\t"),
        },
    )


def _unknown_tags(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda table, row: row | {"GHI_CHU_NOI_BO": "x" if table == "XML1" else ""})


def _shuffled_tags(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda _, row: dict(draw.sample(list(row.items()), len(row))))


def _lower_case_units(hoso: Hoso, draw: Random) -> Hoso:
    def lowered(table: str, row: Row) -> Row:
        for tag in ("DON_VI_TINH", "DON_VI_DO"):
            if tag in row:
                row[tag] = row[tag].lower()
        return row

    return each_row(hoso, lowered)


def _invented_weight(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(hoso, lambda _: {"CAN_NANG": "0.01"})


def _index_without_name(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda table, row: row | {"TEN_CHI_SO": ""} if table == "XML4" and row["MA_CHI_SO"] else row)


def _same_number_twice(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda table, row: row | {"STT": "1"} if "STT" in row else row)


def _money_off(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(hoso, lambda row: {"T_TONGCHI_BV": money.text(money.hundredths(row["T_TONGCHI_BV"]) + 37)})


def _texts_in_codes(hoso: Hoso, draw: Random) -> Hoso:
    def spelt_out(table: str, row: Row) -> Row:
        if table == "XML2":
            row["DUONG_DUNG"] = "Uống" if row["DUONG_DUNG"] == "1.01" else row["DUONG_DUNG"]
        if table == "XML4" and row["MA_CHI_SO"]:
            row["MA_CHI_SO"] = row["MA_DICH_VU"]
        return row

    return each_row(hoso, spelt_out)


def _marked_up_reports(hoso: Hoso, draw: Random) -> Hoso:
    def marked_up(table: str, row: Row) -> Row:
        if table == "XML4" and row["KET_LUAN"]:
            row["KET_LUAN"] = f"<p>{row['KET_LUAN']}</p>"
            words = "".join(letter if letter.isascii() else f"\\u{ord(letter)}?" for letter in row["MO_TA"])
            row["MO_TA"] = f"{{\\rtf1\\ansi {words}\\par}}"
        return row

    return each_row(hoso, marked_up)


def _old_encoding(hoso: Hoso, draw: Random) -> Hoso:
    # "Không thấy bất thường" in TCVN3, whose ư is a soft hyphen.
    return each_row(
        hoso,
        lambda table, row: (
            row | {"KET_LUAN": "Kh«ng thÊy bÊt th\xadêng"} if table == "XML4" and row["KET_LUAN"] else row
        ),
    )


def _dose_ranges(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda table, row: row | {"LIEU_DUNG": "1 - " + row["LIEU_DUNG"]} if table == "XML2" else row)


def _thousands(hoso: Hoso, draw: Random) -> Hoso:
    def grouped(table: str, row: Row) -> Row:
        if table == "XML4" and row["TEN_CHI_SO"] == "PLT" and row["GIA_TRI"].isdigit():
            row |= {"GIA_TRI": row["GIA_TRI"] + ".000", "DON_VI_DO": "/mm3"}
        return row

    return each_row(hoso, grouped)


def _whole_weight(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(hoso, lambda row: {"CAN_NANG": row["CAN_NANG"].split(".")[0]})


def _missing_tags(hoso: Hoso, draw: Random) -> Hoso:
    return each_row(hoso, lambda _, row: {tag: value for tag, value in row.items() if value})


def _title_case_name(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(hoso, lambda row: {"HO_TEN": row["HO_TEN"].title()})


def _eth_for_d(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(hoso, lambda row: {"HO_TEN": row["HO_TEN"].replace("Đ", "Ð")})


def _times_with_seconds(hoso: Hoso, draw: Random) -> Hoso:
    def to_the_second(table: str, row: Row) -> Row:
        for tag in ("NGAY_VAO", "NGAY_RA", "NGAY_YL", "NGAY_KQ"):
            if len(row.get(tag, "")) == 12:
                row[tag] += "37"
        return row

    return each_row(hoso, to_the_second)


def _zero_dates(hoso: Hoso, draw: Random) -> Hoso:
    # A blank number of a database, or a blank date of one that has none.
    return _summary(hoso, lambda _: {"NGAY_TAI_KHAM": "0", "NGAY_MIEN_CCT": "00000000", "NGAY_TTOAN": "000000000000"})


def _codes_as_typed(hoso: Hoso, draw: Random) -> Hoso:
    return _summary(
        hoso,
        lambda row: {
            "MA_BENH_CHINH": row["MA_BENH_CHINH"].lower() + ".",
            "MA_BENH_KT": row["MA_BENH_KT"].replace(";", ", "),
        },
    )


def _summary(hoso: Hoso, values: Callable[[Row], Row]) -> Hoso:
    changed = copy_of(hoso)
    changed.summary.update(values(changed.summary))
    return changed


MESSES: Final[dict[str, Callable[[Hoso, Random], Hoso]]] = {
    "midnight_as_2400": _midnight_as_2400,
    "comma_decimals": _comma_decimals,
    "short_codes": _short_codes,
    "number_as_number": _number_as_number,
    "decomposed": _decomposed,
    "odd_spaces": _odd_spaces,
    "lower_case_units": _lower_case_units,
    "invented_weight": _invented_weight,
    "index_without_name": _index_without_name,
    "same_number_twice": _same_number_twice,
    "money_off": _money_off,
    "texts_in_codes": _texts_in_codes,
    "marked_up_reports": _marked_up_reports,
    "old_encoding": _old_encoding,
    "dose_ranges": _dose_ranges,
    "thousands": _thousands,
    "whole_weight": _whole_weight,
    "title_case_name": _title_case_name,
    "eth_for_d": _eth_for_d,
    "times_with_seconds": _times_with_seconds,
    "zero_dates": _zero_dates,
    "codes_as_typed": _codes_as_typed,
    "unknown_tags": _unknown_tags,
    "shuffled_tags": _shuffled_tags,
    "missing_tags": _missing_tags,
}
MESSY_KINDS: Final[tuple[str, ...]] = tuple(MESSES)
"""What exporters do to values, by name."""
