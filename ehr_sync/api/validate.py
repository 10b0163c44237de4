"""POST /fhir/{Type}/$validate: the gate that all our FHIR passes, for a hospital's own resources. Nothing is kept.

https://hl7.org/fhir/R4/resource-operation-validate.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import orjson
from flask import Blueprint, Request, Response, request

from ehr_sync.api import access
from ehr_sync.api.fhir_asked import check_format
from ehr_sync.api.fhir_told import fhir_json
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.places import Places
from ehr_sync.api.problems import Problem
from mappings.gate import Finding, bundle_findings, findings
from mappings.gate.definitions import definitions
from mappings.gate.profiles import KNOWN, profile_findings, profiles_of
from mappings.gate.walk import NOT_DESCRIBED

MOST_BYTES: Final = 2_000_000
_MEDIA: Final = {"application/fhir+json", "application/json"}
_MODES: Final = frozenset({"create", "profile"})  # update and delete are of one resource that a server holds
_STEP: Final = re.compile(r"([A-Za-z]+)(?:\[(\d+)\])?")

# https://hl7.org/fhir/R4/valueset-issue-type.html; what is not here is an invariant.
_TYPES: Final = {
    "binding": "code-invalid",
    "bundle": "invalid",
    "choice": "structure",
    "duplicate": "duplicate",
    "element": "structure",
    "extension": "extension",
    "json": "structure",
    "model": "structure",
    "profile": "structure",
    "reference": "invalid",
    "required": "required",
    "shape": "structure",
    "slice": "required",
    "type": "structure",
    "value": "value",
}
_TEXTS: Final = {
    "binding.required": ("Mã không thuộc danh mục bắt buộc.", "The code is not in the value set that is required."),
    "choice.more_than_one": ("Chỉ được dùng một trong các kiểu.", "Only one of the types of a choice may be there."),
    "duplicate.entry": ("Hai mục cùng nói về một tài nguyên.", "Two entries are about the same resource."),
    "element.not_an_array": ("Phải là một danh sách không rỗng.", "It must be a list that is not empty."),
    "element.not_an_object": ("Phải là một đối tượng.", "It must be an object."),
    "element.unknown": ("FHIR R4 không có phần tử này ở đây.", "FHIR R4 has no such element here."),
    "extension.place": ("Extension không được đặt ở đây.", "The extension may not stand here."),
    "extension.unknown": ("FHIR R4 không định nghĩa extension này.", "FHIR R4 defines no such extension."),
    "json.too_deep": ("JSON lồng quá sâu.", "The JSON is nested too deeply."),
    "json.unreadable": ("Không phải JSON hợp lệ.", "It is no JSON."),
    "profile.not_allowed": ("Profile không cho phép phần tử này.", "The profile allows no such element."),
    "reference.format": ("Tham chiếu viết sai.", "The reference is malformed."),
    "reference.target": (
        "Tham chiếu tới loại không được phép.",
        "The reference leads to a type that may not be there.",
    ),
    "reference.type": ("type khác với loại được tham chiếu.", "`type` is another one than that of the reference."),
    "reference.unresolved": ("Không có tài nguyên này trong Bundle.", "The Bundle does not hold what is referred to."),
    "required.missing": ("Thiếu phần tử bắt buộc.", "A required element is missing."),
    "slice.missing": ("Thiếu phần mà profile bắt buộc.", "A slice that the profile requires is missing."),
    "slice.too_many": ("Phần này chỉ được có một lần.", "The profile allows this slice once."),
    "type.not_described": (
        "Loại tài nguyên này chỉ được kiểm tra về hình thức.",
        "Of resources of this type only the form is looked at.",
    ),
    "type.unknown": ("Loại tài nguyên không rõ.", "The type of resource is not known."),
    "type.wrong": ("Loại tài nguyên không đúng.", "The type is another one than is wanted here."),
    "value.fixed": ("Giá trị khác giá trị cố định của profile.", "The profile fixes another value."),
    "value.format": ("Giá trị không đúng định dạng.", "The value is not of the format of its type."),
    "value.kind": ("Kiểu giá trị không đúng.", "The value is of another type."),
}
_BROKEN: Final = ("Không đúng quy tắc FHIR.", "A rule of FHIR is broken.")
_GOOD: Final = ("Không tìm thấy lỗi.", "Nothing wrong was found.")
_MOST_TOLD: Final = 200
_SHORTENED: Final = (
    "Còn nhiều hơn thế: chỉ nêu 200 lỗi đầu.",
    "There is more than this: only the first 200 are told.",
)
_NOT_CHECKED: Final = (
    "Chưa có quy tắc của profile này: không kiểm tra.",
    "The rules of this profile are not known here: it was not looked at by them.",
)


def validate(places: Places) -> Blueprint:
    """The route: a body is read when it has its place."""
    blueprint = Blueprint("validate", __name__, url_prefix="/fhir")

    @blueprint.post(f"/<any({','.join(sorted(definitions().resources))}):type_>/$validate", endpoint="resource")
    def check(type_: str) -> Response:
        check_format(request)
        with places.taken(access.caller().client_id):
            language = language_of(request)
            try:
                resource, asked = _asked(_body(request), type_)
            except _TooDeep:
                return fhir_json(_told([_issue(Finding("json.too_deep", ""), language)]))
            return fhir_json(_outcome(resource, type_, asked, language))

    return blueprint


def _body(request: Request) -> bytes:
    if request.mimetype not in _MEDIA:
        raise Problem("media.unsupported", headers={"Accept-Post": "application/fhir+json"})
    request.max_content_length = MOST_BYTES
    return request.get_data()


def _asked(body: bytes, type_: str) -> tuple[bytes, Sequence[str]]:
    """The resource as JSON, and the profiles asked for. Raises Problem for parameters that are not heard, _TooDeep."""
    given = [(name, value) for name, value in request.args.items(multi=True) if name != "_format"]
    resource = body
    if type_ != "Parameters" and (inner := _parameters(body)) is not None:
        given += [(name, value) for name, value in inner if name != "resource"]
        resources = [value for name, value in inner if name == "resource"]
        if len(resources) != 1:
            raise _wrong("resource")
        resource = _written(resources[0])
    profiles = [value for name, value in given if name == "profile"]
    for name, value in given:
        if name not in ("mode", "profile"):
            raise _wrong("")
        if not isinstance(value, str) or (name == "mode" and value not in _MODES):
            raise _wrong(name)
    profiles = [one.partition("|")[0] for one in profiles]
    if any(one not in KNOWN for one in profiles):
        raise _wrong("profile")
    return resource, profiles


def _parameters(body: bytes) -> list[tuple[Any, Any]] | None:
    """Name and value of each, of whatever kind, where the body is a Parameters resource. Raises Problem where it is a
    malformed one, _TooDeep: what is wrong with the resource in it is no fault of theirs.
    """
    try:
        read = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(read, dict) or read.get("resourceType") != "Parameters":
        return None
    given = read.get("parameter")
    given = given if isinstance(given, list) else []
    bare = [
        one for one in given if not (isinstance(one, dict) and "resource" in one and one.keys() <= {"name", "resource"})
    ]
    if findings(_written({**read, "parameter": bare} if bare else {"resourceType": "Parameters"})):
        raise _wrong("parameter")
    parts = ("resource", "valueCode", "valueUri", "valueCanonical", "valueString")
    return [(one.get("name"), next((one[part] for part in parts if part in one), None)) for one in given]


class _TooDeep(Exception):
    """What was sent is nested more deeply than JSON is written, which is less deep than it is read."""


def _written(value: Any) -> bytes:
    """As JSON. Raises _TooDeep."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:  # of what was read nothing else cannot be written
        raise _TooDeep from None


def _wrong(name: str) -> Problem:
    return Problem("request.parameter", parameters=[name])


def _outcome(json: bytes, type_: str, profiles: Sequence[str], language: Language) -> bytes:
    found = bundle_findings(json) if type_ == "Bundle" else findings(json)
    resource = orjson.loads(json) if _is_readable(found) else {}
    if not found and resource["resourceType"] != type_:
        found = (Finding("type.wrong", "", type_),)
    told = [(_severity(one, resource), one) for one in found]
    is_sound = all(severity != "error" for severity, _ in told)
    named = dict.fromkeys((*profiles, *profiles_of(resource))) if is_sound else {}
    told += [("error", one) for one in profile_findings(resource, [p for p in named if p in KNOWN])] if named else []
    told.sort(key=lambda one: ("error", "warning", "information").index(one[0]))
    issues = [_issue(one, language, severity) for severity, one in told[:_MOST_TOLD]]
    if len(told) > _MOST_TOLD:
        issues.append(_said("information", "informational", _SHORTENED, language, ""))
    if any(one not in KNOWN for one in named):
        issues.append(_said("information", "informational", _NOT_CHECKED, language, f"{type_}.meta.profile"))
    if not issues:
        issues.append(_said("information", "informational", _GOOD, language, ""))
    return _told(issues)


def _told(issues: Sequence[dict[str, Any]]) -> bytes:
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})


def _is_readable(found: Sequence[Finding]) -> bool:
    return not any(one.code.startswith("json.") for one in found)


def _severity(finding: Finding, resource: Any) -> str:
    """A relative reference may lead to what its receiver has: outside of a document nobody can say. What is beside a
    resource that nobody looked at may be right.
    """
    if finding.code == NOT_DESCRIBED:
        return "information"
    if finding.code != "reference.unresolved":
        return "error"
    literal = _at(resource, finding.path)
    is_within = resource.get("type") == "document" or str(literal).startswith("urn:")
    return "error" if is_within else "warning"


def _at(value: Any, path: str) -> Any:
    for name, index in _STEP.findall(path)[1:]:
        value = value[name][int(index)] if index else value[name]
    return value


def _issue(finding: Finding, language: Language, severity: str = "error") -> dict[str, Any]:
    family = finding.code.partition(".")[0]
    words = _TEXTS.get(finding.code, _BROKEN)
    issue = _said(severity, _TYPES.get(family, "invariant"), words, language, finding.path)
    return issue | {"diagnostics": f"{finding.code}: {finding.detail}" if finding.detail else finding.code}


def _said(severity: str, code: str, words: tuple[str, str], language: Language, path: str) -> dict[str, Any]:
    issue: dict[str, Any] = {"severity": severity, "code": code, "details": {"text": words[language == "en"]}}
    return issue | ({"expression": [path]} if path else {})
