"""Services (QĐ 3176 table XML3) to FHIR ServiceRequest and Procedure; implants are in `implants`.

https://hl7.org/fhir/R4/servicerequest.html https://hl7.org/fhir/R4/procedure.html
Beds, supplies, transport and group 19 are not of the book (rules: not-of-the-book).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from mappings.fhir.elements import (
    SUBJECT,
    Json,
    code,
    codes,
    coding,
    concept,
    minute,
    number,
    period,
    text,
    trimmed_decimal,
)
from mappings.fhir.ids import Key, numbered
from mappings.model import Resource, Row
from mappings.sources.dossier.netting import alike, is_nothing, netted, taken_back
from mappings.sources.dossier.tables.xml3.implants import implants, is_implant
from mappings.sources.dossier.unshown import is_death, tells_unshown
from mappings.sources.dossier.visit import Order, ServiceCode, Visit, cost_group, order_notes, resulted_in, service_code
from mappings.terminology import icd9cm, icd10
from mappings.terminology.editions import display

TABLE: Final = "XML3"
_OPERATIONS: Final = frozenset({"8", "18"})
_BY_RATE: Final = "9"  # paid by rate: an examination or an operation
_MAY_BE_OPERATIONS: Final = _OPERATIONS | {_BY_RATE}
_EXAM: Final = "13"
_SUPPLIES: Final = frozenset({"10", "11"})
_NOT_CARE: Final = frozenset({"7", "12", "14", "15", "16", "17", "19"})
_TRANSPORT: Final = "VC."  # of the patient, to the facility whose code follows (appendix of QĐ 130)
_EXAM_NAME: Final = "khám "  # how every examination of the list of services is called
# Chapters of the list of services (TT 43/2013): imaging, function tests, haematology, chemistry, microbes,
# pathology.
_DIAGNOSTIC_CHAPTERS: Final = frozenset({"18", "21", "22", "23", "24", "25"})
_MAPPED: Final = (
    "TEN_DICH_VU",
    "MA_NHOM",
    "SO_LUONG",
    "NGAY_TH_YL",
    "NGAY_KQ",
    "MA_BAC_SI",
    "NGUOI_THUC_HIEN",
    "MA_BENH",
    "MA_BENH_YHCT",
    "MA_PTTT_QT",
    "PP_VO_CAM",
    "VI_TRI_TH_DVKT",
)


@dataclass(frozen=True, slots=True)
class Services:
    """What XML3 gives: its resources, the orders that results belong to, the examinations of the visit, and the
    ICD-9-CM codes of what was ordered or done, or cancelled. `uncoded` counts operations without such a code.
    """

    resources: tuple[Resource, ...]
    orders: tuple[Order, ...]
    exams: tuple[Json, ...]
    international: frozenset[str]
    uncoded: int


def services(rows: Iterable[Row], visit: Visit, resulted: Mapping[str, bool]) -> Services:
    """Orders, procedures and implants. `resulted` has the service codes that rows of XML4 came for, without
    attachments, and whether any of them holds a result.
    """
    every = list(rows)
    by_kind: dict[str, list[Row]] = {"exam": [], "order": [], "procedure": [], "implant": [], "": []}
    for row in netted(every, _same, _content):
        # Of what has a result something was done, whatever its quantity says.
        if not is_nothing(row) or resulted_in(resulted, _code(row)) is not None:
            by_kind[_kind(row, resulted)].append(row)
    ordered = [_order(*line, visit, resulted) for line in numbered(by_kind["order"], _key, _content)]
    done = [(line[0], _procedure(*line, visit)) for line in numbered(by_kind["procedure"], _key, _content)]
    back = [row for row in taken_back(every, _same) if _kind(row, resulted) in ("order", "procedure")]
    left = _left_in_place(by_kind["implant"], by_kind["procedure"], {_code(row) for row in back})
    known, uncoded = _international(every, resulted)
    return Services(
        resources=(
            *(made for made, _ in ordered),
            *(made for _, made in done),
            *implants(left, visit, _by_service(done)),
        ),
        orders=tuple(order for _, order in ordered),
        exams=_exams(by_kind["exam"], visit),
        international=known,
        uncoded=uncoded,
    )


def _international(rows: Iterable[Row], resulted: Mapping[str, bool]) -> tuple[frozenset[str], int]:
    """The codes of all that was ordered, done or cancelled, as what was taken back here does not come back from XML1;
    and how many operations have none.

    An operation without MA_PTTT_QT has those that the ministry's list gives its service.
    """
    codes: set[str] = set()
    uncoded: set[Key] = set()
    for row in rows:
        # What has neither a code nor the cost group of an operation says nothing here.
        if "MA_PTTT_QT" not in row and cost_group(row) not in _MAY_BE_OPERATIONS:
            continue
        kind = _kind(row, resulted)
        if kind not in ("order", "procedure"):
            continue
        service = _code(row)
        found = icd9cm.read(row.get("MA_PTTT_QT")) or icd9cm.of_service(service)
        codes.update(found)
        if kind == "procedure" and not found and not row.get("SO_LUONG", "").startswith("-"):
            uncoded.add((service, row.get("NGAY_YL", "")))
    return frozenset(codes), len(uncoded)


def _left_in_place(supplies: list[Row], procedures: list[Row], taken: set[str]) -> list[Row]:
    """The implants without those of an operation that was cancelled: the one that they name, or where they name none
    every operation of the visit.
    """
    if not taken:
        return supplies
    done = {_code(row) for row in procedures}
    cancelled = taken - done
    return [row for row in supplies if _code(row) not in cancelled and ("MA_DICH_VU" in row or done)]


def _by_service(done: list[tuple[Row, Resource]]) -> dict[str, Json]:
    """The Procedures by service code; of two of one service nobody can tell which one is meant."""
    found: dict[str, list[Resource]] = {}
    for row, made in done:
        found.setdefault(_code(row), []).append(made)
    return {name: {"reference": "Procedure/" + made[0].id} for name, made in found.items() if len(made) == 1}


def _code(row: Row) -> str:
    return service_code(row.get("MA_DICH_VU", "")).code


def _exams(rows: Iterable[Row], visit: Visit) -> tuple[Json, ...]:
    """The examinations, each once."""
    exams = {
        (row.get("MA_DICH_VU"), row.get("TEN_DICH_VU")): _service(row, service_code(row.get("MA_DICH_VU", "")), visit)
        for row, _, _ in numbered(rows, _key, _content)
    }
    return tuple(exams.values())


def _key(row: Row) -> Key:
    return row.get("MA_DICH_VU", "") or row.get("MA_VAT_TU", ""), row.get("NGAY_YL", "")


def _same(row: Row) -> Key:
    return alike(row, "MA_DICH_VU", "MA_VAT_TU", "TEN_VAT_TU")


def _content(row: Row) -> Key:
    return tuple([row.get(tag, "") for tag in _MAPPED])


def _kind(row: Row, resulted: Mapping[str, bool]) -> str:
    """What a row is to the book: "order", "procedure", "implant", "exam", or "" for nothing
    (rules: operations-and-orders, implants-are-devices).
    """
    group, service = cost_group(row), row.get("MA_DICH_VU", "")
    if group in _SUPPLIES or ("MA_VAT_TU" in row and "MA_DICH_VU" not in row):
        return "implant" if is_implant(row) else ""
    if group in _NOT_CARE or service.upper().startswith(_TRANSPORT) or not _name(row, service_code(service)):
        return ""
    if group in _OPERATIONS:
        return "procedure"
    if group == _EXAM:
        return "exam"
    if group == _BY_RATE:
        return _kind_by_rate(row, service, resulted)
    return "order"


def _kind_by_rate(row: Row, service: str, resulted: Mapping[str, bool]) -> str:
    """Group 9 only says how it is paid: examinations, tests and operations stand in it."""
    if _is_diagnostic(service, resulted):
        return "order"
    return "exam" if f"{text(row.get('TEN_DICH_VU'))} ".casefold().startswith(_EXAM_NAME) else "procedure"


def _is_diagnostic(value: str, resulted: Mapping[str, bool]) -> bool:
    return value[:2] in _DIAGNOSTIC_CHAPTERS or resulted_in(resulted, service_code(value).code) is not None


def _service(row: Row, service: ServiceCode, visit: Visit) -> Json:
    return visit.coded("service", service.code, _name(row, service))


def _name(row: Row, service: ServiceCode) -> str:
    return text(row.get("TEN_DICH_VU")) or service.code


def _order(row: Row, key: Key, ordinal: int, visit: Visit, resulted: Mapping[str, bool]) -> tuple[Resource, Order]:
    service = service_code(row.get("MA_DICH_VU", ""))
    elsewhere = visit.register.place(service.performed_at)
    body = _ordered(row, service, elsewhere, visit, has_result=bool(resulted_in(resulted, service.code)))
    made = visit.resource("ServiceRequest", TABLE, key, ordinal, body)
    order = Order(
        key=key,
        ordinal=ordinal,
        service=service.code,
        name=text(row.get("TEN_DICH_VU")),
        group=cost_group(row),
        ordered=row.get("NGAY_YL", ""),
        finished=row.get("NGAY_KQ", ""),
        reference={"reference": "ServiceRequest/" + made.id},
        performer=elsewhere,
    )
    return made, order


def _ordered(row: Row, service: ServiceCode, elsewhere: Json | None, visit: Visit, *, has_result: bool) -> Json:
    done = minute(row.get("NGAY_TH_YL", ""))
    body: Json = {
        "status": _order_status(service, bool(done or minute(row.get("NGAY_KQ", "")) or has_result)),
        "intent": "order",
        "code": _operation(row, service, visit),
        "subject": SUBJECT,
        "encounter": visit.encounter,
    }
    group = cost_group(row)
    if name := display("service-group", group, visit.on):
        body["category"] = [concept(coding(visit.uris["service-group"], group, name))]
    if (amount := trimmed_decimal(row.get("SO_LUONG"))) not in ("", "0", "1"):
        unit = text(row.get("DON_VI_TINH"))
        body["quantityQuantity"] = {"value": number(amount)} | ({"unit": unit} if unit else {})
    if done:
        body["occurrenceDateTime"] = done
    if ordered := minute(row.get("NGAY_YL", "")):
        body["authoredOn"] = ordered
    if doctors := visit.register.practitioners(row.get("MA_BAC_SI")):
        body["requester"] = doctors[0]
    performers = visit.register.practitioners(row.get("NGUOI_THUC_HIEN"))
    if elsewhere is not None:
        performers.append(elsewhere)
    if performers:
        body["performer"] = performers
    if reasons := _reasons(row, visit):
        body["reasonCode"] = reasons
    return body


def _order_status(service: ServiceCode, is_done: bool) -> str:
    # Without a result and without a time of doing it is still to be done.
    if service.attempted:
        return "revoked"
    return "completed" if is_done else "active"


def _procedure(row: Row, key: Key, ordinal: int, visit: Visit) -> Resource:
    service = service_code(row.get("MA_DICH_VU", ""))
    body: Json = {"status": "stopped" if service.attempted else "completed"}
    if service.attempted:
        body["statusReason"] = {"text": "Đã tiến hành nhưng không hoàn thành"}
    body["code"] = _operation(row, service, visit)
    body["subject"] = SUBJECT
    body["encounter"] = visit.encounter
    body |= _performed(row)
    people: list[Json] = visit.register.practitioners(row.get("NGUOI_THUC_HIEN"))
    if elsewhere := visit.register.place(service.performed_at):
        people = [*people, elsewhere]
    if people:
        body["performer"] = [{"actor": one} for one in people]
    if reasons := _reasons(row, visit):
        body["reasonCode"] = reasons
    if site := code(row.get("VI_TRI_TH_DVKT")):
        # The ministry has not issued the list of these codes yet.
        body["bodySite"] = [concept(visit.local("body-site", site), words=f"Vị trí mã {site}")]
    if notes := [*_notes(row, service, visit)]:
        body["note"] = notes
    return visit.resource("Procedure", TABLE, key, ordinal, body)


def _notes(row: Row, service: ServiceCode, visit: Visit) -> Iterator[Json]:
    """What Procedure has no element for: its anaesthesia, how often it was done, and who ordered it when."""
    if anaesthesia := _anaesthesia(row, service, visit):
        yield {"text": f"Phương pháp vô cảm: {anaesthesia}"}
    if (amount := trimmed_decimal(row.get("SO_LUONG"))) not in ("", "0", "1"):
        # Ten sessions of one row have one time: ten resources would invent nine.
        yield {"text": f"Số lượng: {amount} {text(row.get('DON_VI_TINH')).lower()}".rstrip()}
    yield from order_notes(row, visit, shown=minute(row.get("NGAY_TH_YL", "")) or minute(row.get("NGAY_YL", "")))


def _operation(row: Row, service: ServiceCode, visit: Visit) -> Json:
    """The service with its ICD-9-CM codes beside it (QĐ 4440/QĐ-BYT)."""
    operation = _service(row, service, visit)
    if international := icd9cm.read(row.get("MA_PTTT_QT")):
        operation.setdefault("coding", []).extend(icd9cm.icd9cm(one, visit.uris) for one in international)
    return operation


def _performed(row: Row) -> Json:
    """From NGAY_TH_YL to NGAY_KQ, which is the end of an operation (appendix of QĐ 130)."""
    start = minute(row.get("NGAY_TH_YL", "")) or minute(row.get("NGAY_YL", ""))
    span = period(start, minute(row.get("NGAY_KQ", "")))
    if "start" in span and "end" in span:
        return {"performedPeriod": span}
    return {"performedDateTime": start} if start else {}


def _anaesthesia(row: Row, service: ServiceCode, visit: Visit) -> str:
    stated = display("anaesthesia", row.get("PP_VO_CAM", ""), visit.on)
    return (stated or ("Gây tê" if service.local_anaesthesia else "")).lower()


def _reasons(row: Row, visit: Visit) -> list[Json]:
    """The diseases that it was done for: what has no form of a code is text, never a code. A death is no reason."""
    written, system = icd10.read(row.get("MA_BENH")), visit.uris["traditional-disease"]
    coded = [
        (icd10.icd10(one, visit.on, visit.uris), icd10.words_for(one)) for one in written.codes if not is_death(one)
    ]
    # Looked at as a whole: mark-up and a sentence are cut in pieces here.
    words = () if written.words and tells_unshown(row["MA_BENH"]) else map(text, written.words)
    return [
        *(concept(one, words=words_for) for one, words_for in coded),
        *(concept(words=one) for one in words if one),
        *(
            concept(coding(system, one), words=f"Mã bệnh y học cổ truyền {one}")
            for one in codes(row.get("MA_BENH_YHCT"))
            if not is_death(one)
        ),
    ]
