"""Rules of a Bundle as a whole: entries, requests, and references that must resolve.

https://hl7.org/fhir/R4/bundle.html  https://hl7.org/fhir/R4/http.html#transaction
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from mappings.gate.checks import check
from mappings.gate.finding import Finding
from mappings.gate.gated import refers_only_to, without_gated
from mappings.gate.local_references import places_of
from mappings.gate.table import Element
from mappings.gate.walk import NOT_DESCRIBED

Json = dict[str, Any]
_LITERAL = re.compile(r"[A-Z][A-Za-z]{1,40}/[A-Za-z0-9\-.]{1,64}")
_VERSION = re.compile(r"/_history/[A-Za-z0-9\-.]{1,64}$")
_OPERATION = re.compile(r"(?:^|/)\$[a-z][a-zA-Z0-9-]*$")
_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})
_ETAG = re.compile(r'W/"[^"]+"')


def bundle_findings(
    bundle_json: bytes, *, known: Collection[str] = (), gated: Mapping[bytes, bytes] = _NOTHING
) -> tuple[Finding, ...]:
    """What is wrong with a Bundle and everything in it, empty where nothing is.

    `known` holds the resources that the receiver already has, as "Type/id": references to them need no entry.
    `gated` holds, by "Type/id", the JSON of those that this very gate (GATE) found good before: of one that stands in
    the Bundle as it was gated, only where its references lead is looked at. All of them must stand there in this order,
    one behind the other. Where they do not, and where anything is wrong, everything is looked at.
    Never raises, never echoes a value.
    """
    known = frozenset(known)
    if gated and _is_good_beside(bundle_json, known, gated):
        return ()
    return _looked_through(bundle_json, known)


def _is_good_beside(bundle_json: bytes, known: frozenset[str], gated: Mapping[bytes, bytes]) -> bool:
    """Whether nothing is wrong beside what is inside the gated resources; the full look tells what."""
    cut = without_gated(bundle_json, gated)
    checked = check(cut.rest) if cut is not None else None
    if cut is None or checked is None or checked.findings:
        return False
    rest, known = checked.resource, known | cut.addresses
    if not _is_apart(rest, cut.addresses) or tuple(_broken(rest, checked.walk.references, known)):
        return False
    return refers_only_to(bundle_json, cut.addresses | _resources(rest), known)


def _is_apart(bundle: Json, addresses: frozenset[str]) -> bool:
    """Whether no entry stands for one of these too: by no fullUrl that ends so, and no request."""
    entries = bundle["entry"]
    urls = [each.get("fullUrl", "") for each in entries] + [each.get("request", {}).get("url", "") for each in entries]
    return addresses.isdisjoint(["/".join(url.rsplit("/", 2)[-2:]) for url in urls])


def _looked_through(bundle_json: bytes, known: frozenset[str]) -> tuple[Finding, ...]:
    checked = check(bundle_json)
    if any(each.code != NOT_DESCRIBED for each in checked.findings):
        return checked.findings
    bundle = checked.resource
    if bundle.get("resourceType") != "Bundle":
        return checked.findings or (Finding("type.wrong", "", "Bundle"),)
    broken = _broken(bundle, checked.walk.references, known)
    return (*checked.findings, *[each.below("Bundle") for each in broken])


def _broken(bundle: Json, references: list[tuple[Json, Element]], known: frozenset[str]) -> Iterator[Finding]:
    entries = list(bundle.get("entry", ()))
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        at = f"entry[{index}]"
        for each in (*_broken_identity(entry), *_broken_request(entry)):
            yield each.below(at)
        for key in _claimed(bundle, entry):
            if key in seen:
                yield Finding("duplicate.entry", at, f"entry[{seen[key]}]")
            seen.setdefault(key, index)
    yield from _unresolved(bundle, references, known)


def _broken_identity(entry: Json) -> Iterator[Finding]:
    """fullUrl: absolute, and naming the resource that it stands beside."""
    url, resource = entry.get("fullUrl"), entry.get("resource")
    if url is None:
        return
    if not url.startswith(("http://", "https://", "urn:uuid:", "urn:oid:")):
        yield Finding("bundle.full_url", "fullUrl", "an absolute URI")
    elif url.startswith("http") and resource and not url.endswith(f"/{_own(resource)}"):
        yield Finding("bundle.full_url", "fullUrl", "[base]/[type]/[id] of the resource")


def _broken_request(entry: Json) -> Iterator[Finding]:
    request, resource = entry.get("request"), entry.get("resource")
    if request is None:
        return
    method, url = request["method"], request["url"]
    if method in ("PUT", "POST", "PATCH") and resource is None:
        yield Finding("required.missing", "resource", method)
    if method in ("GET", "HEAD", "DELETE") and resource is not None:
        yield Finding("bundle.resource_not_allowed", "resource", method)
    if resource is not None and not _url_agrees(method, url, resource):
        yield Finding("bundle.url", "request.url", "agrees with the resource's type and id")
    if method == "DELETE" and "?" not in url and _LITERAL.fullmatch(url) is None:
        yield Finding("bundle.url", "request.url", "[type]/[id]")
    if "ifMatch" in request and _ETAG.fullmatch(request["ifMatch"]) is None:
        yield Finding("bundle.etag", "request.ifMatch", 'W/"[version]"')
    if "ifNoneExist" in request and method != "POST":
        yield Finding("bundle.if_none_exist", "request.ifNoneExist", "POST only")


def _url_agrees(method: str, url: str, resource: Json) -> bool:
    if method == "POST":
        is_operation = _OPERATION.search(url) is not None  # which takes Parameters or, of one parameter, itself
        return is_operation or bool(url == resource["resourceType"])
    if method == "PUT" and "?" in url:
        return bool(url.partition("?")[0] == resource["resourceType"])
    return method != "PUT" or ("id" in resource and url == _own(resource))


def _claimed(bundle: Json, entry: Json) -> Iterator[str]:
    """What no two entries of a transaction may share: the resource changed, and a fullUrl even where versions differ,
    which bdl-7 allows: a reference could not choose.
    """
    if bundle["type"] != "transaction":
        return
    if "fullUrl" in entry:
        yield f"as {entry['fullUrl']}"
    request = entry.get("request", {})
    if request.get("method") in ("PUT", "PATCH", "DELETE"):
        yield f"to {request['url']}"


def _unresolved(bundle: Json, references: list[tuple[Json, Element]], known: frozenset[str]) -> Iterator[Finding]:
    here = _types_by_address(bundle)
    # Who signed a Bundle need not be in it.
    signature = bundle.get("signature", {})
    signers = [id(signature.get(name)) for name in ("who", "onBehalfOf")]
    wrong: list[tuple[Json, str, str]] = []
    for node, element in references:
        literal = node.get("reference", "#")
        # Contained ones are checked in their resource; searches and foreign URLs cannot be looked up.
        if literal[0] == "#" or "?" in literal:
            continue
        plain = _VERSION.sub("", literal)
        kind = here.get(plain)
        if kind is not None and element.targets is not None and kind not in element.targets:
            wrong.append((node, "reference.target", " | ".join(sorted(element.targets))))
        is_away = literal.startswith(("http://", "https://")) or id(node) in signers
        if kind is None and plain not in known and not is_away:
            wrong.append((node, "reference.unresolved", ""))
    places = places_of(bundle) if wrong else {}
    yield from (Finding(code, places[id(node)], detail) for node, code, detail in wrong)


def _resources(bundle: Json) -> frozenset[str]:
    return frozenset([_own(each["resource"]) for each in bundle["entry"] if "resource" in each])


def _types_by_address(bundle: Json) -> dict[str, str]:
    """ "Type/id" and fullUrl of every resource in the Bundle -> its type."""
    found = {}
    for entry in bundle.get("entry", ()):
        if "resource" in entry:
            kind = entry["resource"]["resourceType"]
            found[_own(entry["resource"])] = kind
            found[entry.get("fullUrl", "")] = kind
    return found


def _own(resource: Json) -> str:
    return f"{resource['resourceType']}/{resource.get('id', '')}"
