"""Bodies that no honest exporter sends, each with what must become of it; none is large, the large one is streamed."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from ehr_sync.sandbox.dossiers.generator import dossier
from ehr_sync.sandbox.dossiers.hoso import Hoso, each_row, with_values
from ehr_sync.sandbox.dossiers.rendering import Style, envelope, json_batch

Outcome = Literal["request refused", "file refused", "dossier refused", "warning"]
"""A problem answer; or a 200 whose file, or whose HOSO, is refused with a code; or accepted with a coded warning."""

XML: Final = "application/xml"
JSON: Final = "application/json"

_PLAIN: Final = Style(base64=False, declaration=False)


@dataclass(frozen=True, slots=True)
class BadInput:
    """One body to post as it is."""

    content_type: str
    outcome: Outcome
    body: bytes = field(repr=False)


def bad_inputs(facility: str = "01001") -> dict[str, BadInput]:
    """Every bad input by name, as sent by a client that owns `facility`; each has a MA_LK of its own."""
    return {
        **_broken_files(facility),
        **_hostile_xml(facility),
        **_broken_tables(facility),
        **_impossible_values(facility),
        **_broken_json(facility),
    }


def zeros_in_base64(decoded_bytes: int, facility: str = "01001") -> Iterator[bytes]:
    """An envelope whose XML1 is base64 of that many zero bytes (rounded down to 48 KiB), in pieces of 64 KiB."""
    head, tail = _around_content(envelope([_hoso(facility, 99)]))
    yield head
    for _ in range(decoded_bytes // 49152):
        yield b"A" * 65536
    yield tail


def _hoso(facility: str, n: int, **values: str) -> Hoso:
    made = dossier(n, person_index=n, facility=facility, shape="outpatient", rows=12, ma_lk=f"{facility}.XAU.{n:03d}")
    return with_values(made, "XML1", 0, **values) if values else made


def _broken_files(facility: str) -> dict[str, BadInput]:
    good = envelope([_hoso(facility, 1)])
    plain = envelope([_hoso(facility, 7)], style=_PLAIN).replace(b'"utf-8"', b'"windows-1258"', 1)
    three = [_hoso(facility, n) for n in (2, 3, 4)]
    return {
        "empty_body": BadInput(XML, "file refused", b""),
        "not_xml": BadInput(XML, "file refused", b"%PDF-1.7 not a dossier"),
        "truncated_xml": BadInput(XML, "file refused", good[: len(good) * 2 // 3]),
        "truncated_end_tag": BadInput(XML, "file refused", good.rstrip()[:-1]),
        "garbage_after_the_end": BadInput(XML, "file refused", good + b"<GIAMDINHHS/>"),
        "other_root": BadInput(XML, "file refused", good.replace(b"GIAMDINHHS", b"KHAC")),
        "nul_byte_in_the_envelope": BadInput(XML, "file refused", good.replace(b"<MACSKCB>", b"<MACSKCB>\x00")),
        "windows_1258": BadInput(XML, "file refused", plain.replace(b"<HO_TEN>", b"<HO_TEN>\xd2\xcf")),
        "utf_16_called_utf_8": BadInput(XML, "file refused", good.decode().encode("utf-16-le")),
        "fewer_than_announced": BadInput(XML, "file refused", envelope(three, announced=5)),
        "more_than_announced": BadInput(XML, "warning", envelope([_hoso(facility, n) for n in (5, 6)], announced=1)),
    }


def _hostile_xml(facility: str) -> dict[str, BadInput]:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>'
    outside = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    return {
        "billion_laughs": _with_doctype(facility, 10, bomb, "&l9;"),
        "external_entity": _with_doctype(facility, 11, outside, "&f;"),
        "external_dtd": _with_doctype(facility, 12, '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', ""),
        "billion_laughs_in_a_table": _table(facility, 13, f"{bomb}<TONG_HOP><MA_LK>&l9;</MA_LK></TONG_HOP>".encode()),
        "external_entity_in_a_table": _table(
            facility, 14, f"{outside}<TONG_HOP><MA_LK>&f;</MA_LK></TONG_HOP>".encode()
        ),
    }


def _broken_tables(facility: str) -> dict[str, BadInput]:
    plain = envelope([_hoso(facility, 21)], style=_PLAIN)
    return {
        "content_not_base64": _content(facility, 20, b"!!! not base64 !!!"),
        "content_of_half_a_group": _content(facility, 22, b"PFRPTkdfSE9QPg="),
        "table_truncated": _table(facility, 23, b"<TONG_HOP><MA_LK>1</MA_LK>"),
        "table_of_other_root": _table(facility, 24, b"<KHAC><MA_LK>1</MA_LK></KHAC>"),
        "table_not_utf_8": _table(facility, 25, b"<TONG_HOP><MA_LK>1</MA_LK><HO_TEN>NGUY\xc3\x28N</HO_TEN></TONG_HOP>"),
        "nul_byte_in_a_table": _table(facility, 26, b"<TONG_HOP><MA_LK>1\x00</MA_LK></TONG_HOP>"),
        "nul_reference_in_a_table": _table(facility, 27, b"<TONG_HOP><MA_LK>1&#0;</MA_LK></TONG_HOP>"),
        "plain_table_not_closed": BadInput(XML, "file refused", plain.replace(b"</TONG_HOP>", b"", 1)),
    }


def _impossible_values(facility: str) -> dict[str, BadInput]:
    refused: dict[str, dict[str, str]] = {
        "no_patient": {"HO_TEN": "", "SO_CCCD": "", "NGAY_SINH": "", "MA_BN": ""},
        "thirteenth_month": {"NGAY_VAO": "202613320700"},
        "thirteenth_month_of_birth": {"NGAY_SINH": "202613320000"},
        "thirtieth_of_february": {"NGAY_RA": "202602300700"},
        "date_in_words": {"NGAY_VAO": "hôm qua"},
        "facility_of_somebody_else": {"MA_CSKCB": "79001"},
    }
    nameless = each_row(_hoso(facility, 38), lambda _, row: row | {"MA_LK": ""})
    strange = _hoso(facility, 40)
    warned = {
        "negative_quantity": with_values(strange, "XML2", SO_LUONG="-2.000"),
        "same_stt_twice": with_values(_hoso(facility, 41), "XML3", 1, STT="1"),
        "quantity_of_1e400": with_values(_hoso(facility, 42), "XML2", SO_LUONG="1e400"),
        "weight_of_1e400": _hoso(facility, 43, CAN_NANG="1e400"),
        "weight_not_a_number": _hoso(facility, 44, CAN_NANG="NaN"),
    }
    return {
        **{
            name: BadInput(XML, "dossier refused", envelope([_hoso(facility, 30 + n, **values)], facility=facility))
            for n, (name, values) in enumerate(refused.items())
        },
        "no_ma_lk": BadInput(XML, "dossier refused", envelope([nameless])),
        "envelope_of_somebody_else": BadInput(XML, "file refused", envelope([_hoso("79001", 39)])),
        **{name: BadInput(XML, "warning", envelope([made])) for name, made in warned.items()},
    }


def _broken_json(facility: str) -> dict[str, BadInput]:
    good = json_batch([envelope([_hoso(facility, 50)])], facility)
    whole = json.loads(good)

    def refused(body: bytes) -> BadInput:
        return BadInput(JSON, "request refused", body)

    return {
        "json_truncated": refused(good[: len(good) // 2]),
        "json_garbage_after_the_end": refused(good + b"]"),
        "json_a_list": refused(b"[" + good + b"]"),
        "json_without_files": refused(json.dumps({k: v for k, v in whole.items() if k != "files"}).encode()),
        "json_files_a_text": refused(json.dumps({**whole, "files": "abc"}).encode()),
        "json_not_utf_8": refused(good.replace(b'"HN"', b'"H\xff"')),
        "json_lone_surrogate": refused(good.replace(b'"HN"', b'"\\ud800"')),
        "json_nul": refused(good.replace(b'"HN"', b'"H\\u0000"')),
        "json_number_of_1e400": refused(good.replace(b'"3176"', b"1e400")),
        "json_nested_deeply": refused(b'{"files": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        "json_file_not_base64": BadInput(JSON, "file refused", json.dumps({**whole, "files": ["!!!"]}).encode()),
        "json_file_a_number": refused(json.dumps({**whole, "files": [7]}).encode()),
    }


def _with_doctype(facility: str, n: int, doctype: str, reference: str) -> BadInput:
    declaration, body = envelope([_hoso(facility, n)]).split(b"\n", 1)
    body = body.replace(b"<CHUKYDONVI>", b"<CHUKYDONVI>" + reference.encode())
    return BadInput(XML, "file refused", declaration + doctype.encode() + body)


def _table(facility: str, n: int, xml: bytes) -> BadInput:
    return _content(facility, n, b64encode(xml))


def _content(facility: str, n: int, content: bytes) -> BadInput:
    head, tail = _around_content(envelope([_hoso(facility, n)]))
    return BadInput(XML, "dossier refused", head + content + tail)


def _around_content(whole: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the content of XML1."""
    start = whole.index(b"<NOIDUNGFILE>") + len(b"<NOIDUNGFILE>")
    return whole[:start], whole[whole.index(b"</NOIDUNGFILE>", start) :]
