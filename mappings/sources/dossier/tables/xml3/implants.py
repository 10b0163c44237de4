"""Implants among the supplies of XML3 to FHIR Device and DeviceUseStatement, one of each for each item.

https://hl7.org/fhir/R4/device.html https://hl7.org/fhir/R4/deviceusestatement.html
Group N06 of the list of supplies is what replaces or stays in the body (TT 04/2017/TT-BYT, coded by QĐ 5086/QĐ-BYT);
a product's model (MA_HIEU_SP) is on gloves and wires too. Neither type has a quantity: two stents are two.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from mappings.fhir.elements import SUBJECT, Json, code, minute, text, trimmed_decimal
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.visit import Visit, service_code
from mappings.terminology.units import ucum

TABLE: Final = "XML3"
_IMPLANT: Final = re.compile(r"N06\..+", re.IGNORECASE)
# More than this of one row are no separate implants but pieces of one (beads, screws by the box).
_MOST_ITEMS: Final = 20
_MAPPED: Final = (
    *("TEN_VAT_TU", "MA_HIEU_SP", "MA_NHOM", "SO_LUONG", "NGAY_TH_YL", "MA_DICH_VU", "TAI_SU_DUNG", "DON_VI_TINH"),
)


def is_implant(row: Row) -> bool:
    """Whether a supply was left in the body: what is used again was not, nor what was meant for an operation that was
    begun and not completed (_TB).
    """
    return (
        _IMPLANT.fullmatch(row.get("MA_VAT_TU", "")) is not None
        and not row.get("TAI_SU_DUNG", "").strip("0 ")
        and not service_code(row.get("MA_DICH_VU", "")).attempted
    )


def implants(rows: Iterable[Row], visit: Visit, operations: Mapping[str, Json]) -> Iterator[Resource]:
    """A Device and its use for each item. `operations` are the Procedures by their service code."""
    items = [row for row in rows for _ in range(_items(row))]
    for row, key, ordinal in numbered(items, _key, _content):
        device = _device(row, key, ordinal, visit)
        yield device
        yield _use(row, key, ordinal, device, visit, operations)


def _key(row: Row) -> Key:
    # MA_DICH_VU of a supply is the operation that it was used in, and many share one.
    return row.get("MA_VAT_TU", ""), row.get("NGAY_YL", "")


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _items(row: Row) -> int:
    """How many things a row is of; 1 where its quantity is a measure (5 ml), a part or very many."""
    digits = trimmed_decimal(row.get("SO_LUONG"))
    counted = digits.isdigit() and not ucum(text(row.get("DON_VI_TINH")))
    return int(digits) if counted and len(digits) < 3 and 1 <= int(digits) <= _MOST_ITEMS else 1


def _device(row: Row, key: Key, ordinal: int, visit: Visit) -> Resource:
    name, model = text(row.get("TEN_VAT_TU")), text(row.get("MA_HIEU_SP"))
    body: Json = {"status": "active"}
    if name:
        body["deviceName"] = [{"name": name, "type": "user-friendly-name"}]
    if model:
        body["modelNumber"] = model
    supply = code(row.get("MA_VAT_TU"))
    body["type"] = visit.coded("supply", supply, name or f"Vật tư y tế, mã {supply}")
    body["patient"] = SUBJECT
    note: Json = {"text": _note(row)}
    if used := _used(row):
        note["time"] = used
    body["note"] = [note]
    return visit.resource("Device", TABLE, key, ordinal, body)


def _note(row: Row) -> str:
    stated = "Vật liệu thay thế, cấy ghép do cơ sở ghi nhận trong đợt khám bệnh, chữa bệnh"
    amount = trimmed_decimal(row.get("SO_LUONG"))
    if amount in ("", "1") or _items(row) > 1:
        return stated
    return f"{stated}. Số lượng: {amount} {text(row.get('DON_VI_TINH'))}".rstrip()


def _use(row: Row, key: Key, ordinal: int, device: Resource, visit: Visit, operations: Mapping[str, Json]) -> Resource:
    body: Json = {"status": "active", "subject": SUBJECT}
    operation = operations.get(service_code(row.get("MA_DICH_VU", "")).code)
    if operation is not None:
        body["derivedFrom"] = [operation]
    if used := _used(row):
        body["timingDateTime"] = used
    body["device"] = {"reference": "Device/" + device.id}
    return visit.resource("DeviceUseStatement", TABLE, key, ordinal, body)


def _used(row: Row) -> str:
    return minute(row.get("NGAY_TH_YL", "")) or minute(row.get("NGAY_YL", ""))
