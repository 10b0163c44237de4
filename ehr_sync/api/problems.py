"""What went wrong, told in one place: RFC 9457 problem details, or a FHIR OperationOutcome under /fhir.

https://www.rfc-editor.org/rfc/rfc9457  https://hl7.org/fhir/R4/operationoutcome.html
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from flask import Blueprint, Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from ehr_sync.api import connection
from ehr_sync.api.language import language_of
from ehr_sync.api.problem_types import BY_STATUS, PROBLEMS
from ehr_sync.api.refused import because
from ehr_sync.core.errors import Conflict, EhrSyncError, NotFound, Refused, Unavailable, Unfit
from ehr_sync.runtime.logs import Log, fault
from mappings.formats.source import SourceRefused
from mappings.issues import catalogue as issues

PROBLEM_JSON: Final = "application/problem+json"
FHIR_JSON: Final = "application/fhir+json; fhirVersion=4.0"
_RETRY_SECONDS: Final = 5

# https://hl7.org/fhir/R4/valueset-issue-type.html
_ISSUE_TYPES: Final[Mapping[int, str]] = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    421: "not-found",
    422: "processing",
    429: "throttled",
    503: "transient",
}

_UNHEARD: Final = {
    "vi": "Tham số này không được dùng: kết quả gồm cả những gì nó lẽ ra loại bỏ.",
    "en": "This parameter was not used: what it would leave out is in the answer.",
}

_BY_ERROR: Final[Mapping[type[EhrSyncError], str]] = {
    NotFound: "not_found",
    Conflict: "conflict",
    Refused: "request.unreadable",
}


class Problem(Exception):
    """Ends a request with the problem `code` of problem_types. Holds no personal value."""

    def __init__(self, code: str, *, headers: Mapping[str, str] | None = None, **members: object) -> None:
        super().__init__(code)
        self.code = code
        self.headers = dict(headers or {})
        self.members = members


def retry_after(seconds: float) -> dict[str, str]:
    """The header that says after how long to come again: whole seconds, at least one (RFC 9110 section 10.2.3)."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def install(
    app: Flask,
    *,
    public_url: str,
    log: Log,
    alarm: Callable[[Unfit], object],
    page: Callable[[Problem], Response | None] | None = None,
) -> None:
    """Let every error of `app` end here, whatever it is, without a value of the request; as HTML only where `page`
    makes one. `alarm` is told of rows that do not fit.
    """

    def answered(error: Exception) -> Response:
        problem = _problem_of(error)
        if problem.code == "internal":
            log.error("unexpected_error", incident=g.incident, **fault(error))
        elif isinstance(error, Unfit):
            log.error("edge_unfit", incident=g.incident, code=error.code, edge=error.edge)
            alarm(error)
        elif problem.code == "keys.missing":
            log.error("key_missing", incident=g.incident, code=problem.code)
        elif problem.code == "service.unavailable":
            log.warning("unavailable", incident=g.incident, code=str(getattr(error, "code", "")))
        because(problem.code)
        return (page(problem) if page else None) or _response_of(problem, public_url)

    app.register_error_handler(Exception, answered)
    app.register_blueprint(_pages(public_url))


def _pages(public_url: str) -> Blueprint:
    # A problem's type is an address that says what the problem means.
    pages = Blueprint("problems", __name__)

    @pages.get("/problems/<code>")
    def explain(code: str) -> Response:
        if code not in PROBLEMS:
            raise Problem("not_found")
        kind, language = PROBLEMS[code], language_of(request)
        explained = {
            "type": f"{public_url}/problems/{code}",
            "status": kind.status,
            "title": kind.title(language),
        }
        return Response(orjson.dumps({**explained, "fix": kind.remedy(language)}), mimetype="application/json")

    return pages


def _problem_of(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, SourceRefused):
        return Problem("request.unreadable", issues=[issues.render(error.issue, language_of(request))])
    if isinstance(error, Unavailable):
        code = error.code if error.code in PROBLEMS else "service.unavailable"
        return Problem(code, headers=retry_after(error.retry_after or _RETRY_SECONDS))
    if isinstance(error, EhrSyncError) and error.code in PROBLEMS:
        return Problem(error.code)
    if isinstance(error, HTTPException):
        return _problem_of_http(error)
    return Problem(next((code for kind, code in _BY_ERROR.items() if isinstance(error, kind)), "internal"))


def _problem_of_http(error: HTTPException) -> Problem:
    code = error.code or 500
    if type(error).__name__ == "CSRFError":
        return Problem("form.expired")
    if connection.was_too_slow(request.environ):
        return Problem("request.too_slow")
    if code >= 500:
        return Problem("internal")
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Location", "Retry-After"}}
    return Problem(BY_STATUS.get(code, "request.bad"), headers=headers)


def _response_of(problem: Problem, public_url: str) -> Response:
    """The answer that tells the problem."""
    kind = PROBLEMS[problem.code]
    if request.path.startswith("/fhir"):
        response = Response(orjson.dumps(_outcome(problem)), status=kind.status)
        response.headers["Content-Type"] = FHIR_JSON
    else:
        response = Response(orjson.dumps(_details(problem, public_url)), status=kind.status)
        response.headers["Content-Type"] = PROBLEM_JSON
    response.headers.extend(problem.headers)
    return response


def _details(problem: Problem, public_url: str) -> dict[str, Any]:
    kind, language = PROBLEMS[problem.code], language_of(request)
    return {
        "type": f"{public_url}/problems/{problem.code}",
        "title": kind.title(language),
        "status": kind.status,
        "detail": kind.remedy(language),
        "instance": f"urn:uuid:{g.incident}",
        "code": problem.code,
        **problem.members,
    }


def not_heard(parameters: Sequence[str]) -> bytes:
    """An OperationOutcome that says which parameters of a search were not heard, as its reader allowed."""
    said = _UNHEARD[language_of(request)]
    issues = [
        {
            "severity": "warning",
            "code": "not-supported",
            "details": {"text": said},
            "diagnostics": f"{said} ({name})",
            "location": [f"http.{name}"],
        }
        for name in parameters
    ]
    return orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})


def outcome_of(error: Exception) -> bytes:
    """An error as an OperationOutcome."""
    return orjson.dumps(_outcome(_problem_of(error)))


def _outcome(problem: Problem) -> dict[str, Any]:
    kind, language = PROBLEMS[problem.code], language_of(request)
    named = [str(name) for name in problem.members.get("parameters", ()) if name]  # type: ignore[attr-defined]  # ours
    said = ", ".join([*named, problem.code, f"urn:uuid:{g.incident}"])
    issue: dict[str, Any] = {
        "severity": "fatal" if kind.status == 500 else "error",
        "code": _ISSUE_TYPES.get(kind.status, "exception"),
        "details": {"text": kind.title(language)},
        "diagnostics": f"{kind.remedy(language)} ({said})",
    }
    if named:
        issue |= {"location": [f"http.{name}" for name in named]}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
