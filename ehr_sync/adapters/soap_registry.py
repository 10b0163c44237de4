"""The population registry's look-up TraCuuThongTinCongDan (integration 037), SOAP through a data-sharing gateway.

Number, name and birth date are asked together; the answer is the person, or an empty collection for "not found" and
"does not match" alike (rules: registry-messages).
"""

from __future__ import annotations

import base64
import hashlib
import time
from dataclasses import dataclass, field
from typing import Final

from lxml import etree

from ehr_sync.adapters.timed_http import Answer, Caller, NoAnswer
from ehr_sync.core.clock import Clock, Stopwatch
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_ASKED: Final = "http://dancuquocgia.bca"
_ANSWERED: Final = "http://www.mic.gov.vn/dancu/1.0"
_OPERATION: Final = "037"
_SEX: Final = {"1": "male", "2": "female"}
_LARGEST_ANSWER: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class GatewayAccount:
    """Who asks: at the gateway (user, secret), and before the law (purpose MaDVC, officer MaCanBo)."""

    user: str
    secret: str = field(repr=False)
    purpose: str
    officer: str


class SoapRegistry:
    """The port `PopulationRegistry` over SOAP. Safe to share between threads."""

    def __init__(
        self,
        *,
        url: str,
        account: GatewayAccount,
        deadline_seconds: float,
        clock: Clock,
        stopwatch: Stopwatch = time.monotonic,
    ) -> None:
        self._url, self._account, self._clock = url, account, clock
        self._caller = Caller(seconds=deadline_seconds, largest_answer=_LARGEST_ANSWER, stopwatch=stopwatch)

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        """As the port says. Who is found is told as the registry tells it, another number too."""
        body = _written(question, self._account)
        try:
            with self._caller.deadline():
                answer = self._caller.send("POST", self._url, headers=self._headers(), body=body)
        except NoAnswer:
            raise Unavailable("registry.no_answer") from None
        if answer.status != 200:
            raise Unavailable(f"registry.status_{answer.status}", answer.retry_after)
        return _person(answer, question.number_kind)

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()

    def _headers(self) -> dict[str, str]:
        account, stamp = self._account, str(int(self._clock().timestamp() * 1000))
        digest = hashlib.sha256(f"{self._url}{account.user}{stamp}{account.secret}".encode()).hexdigest()
        return {
            "Content-Type": "application/xml",
            "SOAPAction": '""',
            "Timestamp": stamp,
            "Authorization": "Basic " + base64.b64encode(f"{account.user}:{digest}".encode()).decode(),
        }


def _written(question: RegistryQuestion, account: GatewayAccount) -> bytes:
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soapenv": _SOAP, "dan": _ASKED})
    etree.SubElement(envelope, f"{{{_SOAP}}}Header")
    body = etree.SubElement(envelope, f"{{{_SOAP}}}Body")
    asked = _under(body, "TraCuuThongTinCongDan")
    _under(asked, "MaYeuCau", question.request_number)
    _under(asked, "MaDVC", account.purpose)
    _under(asked, "MaTichHop", _OPERATION)
    _under(asked, "MaCanBo", account.officer)
    _under(asked, "SoDinhDanh" if question.number_kind == "cccd" else "SoCMND", question.number)
    _under(asked, "HoVaTen", question.name)
    born = _under(asked, "NgayThangNamSinh")
    _under(born, "NgayThangNam" if len(question.birth_date) == 8 else "Nam", question.birth_date)
    return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


def _under(element: etree._Element, name: str, text: str = "") -> etree._Element:
    child = etree.SubElement(element, f"{{{_ASKED}}}{name}")
    child.text = text
    return child


def _person(answer: Answer, number_kind: str) -> RegistryPerson | None:
    # Only a collection that is there and empty is "none" (P5): anything else unexpected is no answer.
    collection = _collection(answer.body)
    citizens = collection.findall(f"{{{_ANSWERED}}}CongDan")
    if len(citizens) != len(collection) or len(citizens) > 1:
        raise Unavailable("registry.unreadable")
    return _read(citizens[0], number_kind) if citizens else None


def _collection(body: bytes) -> etree._Element:
    # A parser for each call: one parser locks out all other threads while it reads.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unavailable("registry.unreadable") from None
    found = root.findall(f"{{{_SOAP}}}Body/{{{_ANSWERED}}}CongdanCollection")
    if len(found) != 1 or root.tag != f"{{{_SOAP}}}Envelope" or _has_doctype(root):
        raise Unavailable("registry.unreadable")
    return found[0]


def _has_doctype(root: etree._Element) -> bool:
    return bool(root.getroottree().docinfo.doctype)  # type: ignore[attr-defined]  # the stubs lack it


def _read(citizen: etree._Element, number_kind: str) -> RegistryPerson:
    personal, old = _text(citizen, "SoDinhDanh"), _text(citizen, "SoCMND")
    person = RegistryPerson(
        number=(old or personal) if number_kind == "cmnd" else (personal or old),
        name=" ".join(filter(None, (_text(citizen, "HoVaTen", part) for part in ("Ho", "ChuDem", "Ten")))),
        birth_date=_text(citizen, "NgayThangNamSinh", "NgayThangNam") or _text(citizen, "NgayThangNamSinh", "Nam"),
        sex=_SEX.get(_text(citizen, "GioiTinh"), "unknown"),
    )
    if not person.number or not person.name or not _is_date(person.birth_date):
        raise Unavailable("registry.unreadable")
    return person


def _is_date(text: str) -> bool:
    return len(text) in {4, 8} and text.isascii() and text.isdecimal()


def _text(element: etree._Element, *path: str) -> str:
    return (element.findtext("/".join(f"{{{_ANSWERED}}}{step}" for step in path)) or "").strip()
