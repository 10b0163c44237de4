"""The population registry over SOAP: the look-up TraCuuThongTinCongDan (integration 037), which shows the person, and
XacThucThongTinCongDan (003), which says yes or no.

Number, name and birth date are asked together; "not found" and "does not match" are answered alike
(rules: registry-messages).
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from ehr_sync.adapters.registries.citizen import person_of
from ehr_sync.adapters.registries.gateway import Asker, Gateway
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_ASKED: Final = "http://dancuquocgia.bca"
_ANSWERED: Final = "http://www.mic.gov.vn/dancu/1.0"
_HEADERS: Final = {"Content-Type": "application/xml", "SOAPAction": '""'}
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}  # xs:boolean


class SoapLookUp:
    """The port `PopulationRegistry` by 037. Safe to share between threads."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        """As the port says. Who is found is told as the registry tells it, another number too."""
        body = _written("TraCuuThongTinCongDan", "037", question, self._gateway.asker)
        return _person(self._gateway.ask(body, _HEADERS), question.number_kind)

    def close(self) -> None:
        """Close the kept connections."""
        self._gateway.close()


class SoapYesOrNo:
    """The port `PopulationRegistry` by 003, which shows nobody. `exactly`: the agreement says that it compares names
    sign by sign, so that a yes says that just what was asked is held; else the person comes without name and birth
    date. Safe to share between threads.
    """

    def __init__(self, gateway: Gateway, *, exactly: bool = False) -> None:
        self._gateway, self._exactly = gateway, exactly

    def look_up(self, question: RegistryQuestion) -> RegistryPerson | None:
        """As the port says."""
        body = _written("XacThucThongTinCongDan", "003", question, self._gateway.asker)
        if not _yes(self._gateway.ask(body, _HEADERS)):
            return None
        shown = (question.name, question.birth_date) if self._exactly else ("", "")
        return RegistryPerson(question.number, *shown, "unknown")

    def close(self) -> None:
        """Close the kept connections."""
        self._gateway.close()


def _written(operation: str, code: str, question: RegistryQuestion, asker: Asker) -> bytes:
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soapenv": _SOAP, "dan": _ASKED})
    etree.SubElement(envelope, f"{{{_SOAP}}}Header")
    body = etree.SubElement(envelope, f"{{{_SOAP}}}Body")
    asked = _under(body, operation)
    _under(asked, "MaYeuCau", question.request_number)
    _under(asked, "MaDVC", asker.purpose)
    _under(asked, "MaTichHop", code)
    _under(asked, "MaCanBo", asker.officer)
    _under(asked, "SoDinhDanh" if question.number_kind == "cccd" else "SoCMND", question.number)
    _under(asked, "HoVaTen", question.name)
    born = _under(asked, "NgayThangNamSinh")
    _under(born, "NgayThangNam" if len(question.birth_date) == 8 else "Nam", question.birth_date)
    return bytes(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


def _under(element: etree._Element, name: str, text: str = "") -> etree._Element:
    child = etree.SubElement(element, f"{{{_ASKED}}}{name}")
    child.text = text
    return child


def _person(body: bytes, number_kind: str) -> RegistryPerson | None:
    # Only a collection that is there and empty is "none" (P5): anything else unexpected is no answer.
    collection = _answered(body, f"{{{_ANSWERED}}}CongdanCollection")
    citizens = collection.findall(f"{{{_ANSWERED}}}CongDan")
    if len(citizens) != len(collection) or len(citizens) > 1:
        raise Unavailable("registry.unreadable")
    return person_of(lambda *path: _text(citizens[0], *path), number_kind) if citizens else None


def _yes(body: bytes) -> bool:
    # Of which of the two namespaces the answer is nobody says; one truth value and nothing else is expected.
    result = _answered(body, f"{{{_ASKED}}}KetQuaXacThuc", f"{{{_ANSWERED}}}KetQuaXacThuc")
    said = [(etree.QName(child).localname, (child.text or "").strip()) for child in result]
    if len(said) != 1 or said[0][0] != "TonTai" or said[0][1] not in _TRUTH:
        raise Unavailable("registry.unreadable")
    return _TRUTH[said[0][1]]


def _answered(body: bytes, *names: str) -> etree._Element:
    """The one element of the SOAP body. Raises Unavailable where there is another, none, or more than one."""
    # A parser for each call: one parser locks out all other threads while it reads.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unavailable("registry.unreadable") from None
    found = [child for name in names for child in root.findall(f"{{{_SOAP}}}Body/{name}")]
    if len(found) != 1 or root.tag != f"{{{_SOAP}}}Envelope" or _has_doctype(root):
        raise Unavailable("registry.unreadable")
    return found[0]


def _has_doctype(root: etree._Element) -> bool:
    return bool(root.getroottree().docinfo.doctype)  # type: ignore[attr-defined]  # the stubs lack it


def _text(element: etree._Element, *path: str) -> str:
    return (element.findtext("/".join(f"{{{_ANSWERED}}}{step}" for step in path)) or "").strip()
