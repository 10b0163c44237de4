"""GET /openapi.json: the API as OpenAPI 3.1, made of the routes, of who may call them, and of what they say.

https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import orjson
from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.routing import Rule

from ehr_sync.api.access import WHO_MAY, Anyone, Citizen, Sender, Staff, Who
from ehr_sync.api.described import SAID, Said
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.api.problems import PROBLEM_JSON
from ehr_sync.api.shapes import FHIR, SHAPES, TEXT, UUID, Content, Schema, one_of, ref
from ehr_sync.core.app_scopes import SUPPORTED

_PART: Final = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+?)_?>")
_SCOPES_OF_APPS: Final = "https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html"
# Pages for people alone have these.
_OF_PAGES: Final = frozenset({"form.expired", "sign_in.not_good", "app.not_trusted"})
# By status: what any request can hear, before or behind its route.
_ALWAYS: Final = frozenset({400, 408, 414, 417, 421, 429, 431, 500, 501, 503})

Words = tuple[str, str]  # Vietnamese, English
_TITLE: Final = ("API của ehr-sync", "The API of ehr-sync")
_ABOUT: Final = (
    "Mọi đường dẫn cho phần mềm. Lỗi theo RFC 9457, dưới /fhir là OperationOutcome; /problems/{code} giải thích từng"
    " mã.",
    "Every route for software. Problems are told by RFC 9457, under /fhir as an OperationOutcome; /problems/{code}"
    " explains each code.",
)
_FILTERS: Final = (
    "Tham số tìm kiếm FHIR: xem GET /fhir/metadata, từng loại một.",
    "Search parameters of FHIR: those of GET /fhir/metadata, type by type.",
)
_SENDER: Final = (
    "Hệ thống của cơ sở: SMART Backend Services (private_key_jwt), hoặc mật khẩu của trục Hà Nội.",
    "A facility's system: SMART Backend Services (private_key_jwt), or a password of the Hanoi axis.",
)
_APP: Final = (
    "Ứng dụng mà người dân cho phép: SMART App Launch. patient/*.rs đủ cho mọi loại, quyền của một loại cho loại đó.",
    "An app that a citizen let in: SMART App Launch. patient/*.rs is enough for all types, a type's own for that type.",
)
_CITIZEN: Final = (
    "Mã truy cập của chính người dân, do nhà cung cấp định danh cấp; chỉ đọc sổ của mình.",
    "A citizen's own access token, of the identity provider; it opens their own book only.",
)
_OPERATOR: Final = (
    "Mã truy cập của người vận hành, do nhà cung cấp định danh cấp.",
    "An operator's access token, of the identity provider.",
)
_SCOPES: Final[Mapping[str, Words]] = {
    "submissions.write": ("Gửi và chọn bản đang dùng", "Send, and say which version stands"),
    "transactions.read": ("Theo dõi những gì đã gửi", "Follow what was sent"),
}
_GROUPS: Final[Mapping[type[Who], Words]] = {
    Sender: ("Cơ sở y tế", "Facilities"),
    Citizen: ("Người dân", "Citizens"),
    Staff: ("Vận hành", "Operators"),
    Anyone: ("Cho mọi người", "Open to all"),
}


def openapi(*, public_url: str, version: str) -> Blueprint:
    """The route. The document changes with the version of the service alone."""
    blueprint = Blueprint("openapi", __name__)

    @cache
    def written(language: Language) -> bytes:
        return orjson.dumps(document(current_app, public_url=public_url, version=version, language=language))

    @blueprint.get("/openapi.json", endpoint="document")
    def tell() -> Response:
        response = Response(written(language_of(request)), mimetype="application/json")
        response.add_etag()
        response.make_conditional(request)
        return response

    return blueprint


def document(app: Flask, *, public_url: str, version: str, language: Language) -> dict[str, Any]:
    """The document, in one language: every route of `app` that is in SAID."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": _said(_TITLE, language),
            "description": _said(_ABOUT, language),
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "tags": [{"name": _said(words, language)} for words in _GROUPS.values()],
        "paths": _paths(app, language),
        "components": {
            "schemas": dict(SHAPES),
            "responses": dict(_problems(language)),
            "securitySchemes": _schemes(public_url, language),
        },
    }


def _paths(app: Flask, language: Language) -> dict[str, dict[str, Any]]:
    paths: dict[str, dict[str, Any]] = {}
    named: set[str] = set()
    for rule in sorted(app.url_map.iter_rules(), key=lambda each: each.rule):
        if rule.endpoint not in SAID:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            operation = _operation(rule, SAID[rule.endpoint], WHO_MAY[rule.endpoint], language)
            # An id is unique: a second address of a route has none.
            name = {} if rule.endpoint in named else {"operationId": rule.endpoint}
            named.add(rule.endpoint)
            paths.setdefault(_PART.sub(r"{\3}", rule.rule), {})[method.lower()] = {**name, **operation}
    return paths


def _operation(rule: Rule, said: Said, who: Who, language: Language) -> dict[str, Any]:
    operation = {
        "tags": [_said(_GROUPS[type(who)], language)],
        "summary": _said((said.vi, said.en), language),
        "security": _security(who),
        "parameters": list(_parameters(rule, said, language)),
        "responses": _answers(rule, said, who),
    }
    if said.takes:
        operation["requestBody"] = {"required": True, "content": _content(said.takes)}
    return operation


def _parameters(rule: Rule, said: Said, language: Language) -> Iterator[dict[str, Any]]:
    parts = {name: _part(kind, among) for kind, among, name in _PART.findall(rule.rule)}
    for name, schema in parts.items():
        yield {"name": name, "in": "path", "required": True, "schema": said.asks.get(name, schema)}
    for name, schema in said.asks.items():
        if name not in parts:
            yield {"name": name, "in": "query", "schema": schema}
    for name, schema in {**said.headers, "Accept-Language": one_of("vi", "en")}.items():
        yield {"name": name, "in": "header", "schema": schema}
    if said.searches:
        any_name = {"type": "object", "additionalProperties": TEXT}
        yield {"name": "filters", "in": "query", "description": _said(_FILTERS, language), "schema": any_name}


def _part(kind: str, among: str) -> Schema:
    """What a part of an address may be, by its converter."""
    if kind == "any":
        return one_of(*(word.strip(" '") for word in among.split(",")))
    return UUID if kind == "uuid" else TEXT


def _security(who: Who) -> list[dict[str, list[str]]]:
    """Each entry is enough by itself; none: nobody is asked."""
    match who:
        case Sender(scope):
            return [{"sender": [scope]}]
        case Citizen(by_app=by_app):
            return [{"citizen": []}, *([{"app": ["patient/*.rs"]}] if by_app else [])]
        case Staff():
            return [{"operator": []}]
    return []


def _answers(rule: Rule, said: Said, who: Who) -> dict[str, Any]:
    kind = "outcome" if rule.rule.startswith("/fhir") else "problem"
    problems = {
        str(status): {"$ref": f"#/components/responses/{kind}-{status}"} for status in _statuses(rule, said, who)
    }
    answers = {
        str(status): {"description": HTTPStatus(status).phrase, **({"content": _content(body)} if body else {})}
        for status, body in said.answers.items()
    }
    both = {status: _either(answers[status], status, kind) for status in answers.keys() & problems.keys()}
    return dict(sorted({**problems, **answers, **both}.items()))


def _either(answer: Mapping[str, Any], status: str, kind: str) -> dict[str, Any]:
    """An answer of the route's own, where another status of the same number is a problem."""
    return {**answer, "content": {**answer["content"], **_told(kind)}}


def _statuses(rule: Rule, said: Said, who: Who) -> set[int]:
    statuses = {*_ALWAYS, *said.problems}
    statuses |= {401, 403} if not isinstance(who, Anyone) else set()
    statuses |= {404} if rule.arguments or isinstance(who, Citizen) else set()
    statuses |= {413} if said.takes else set()
    statuses |= {406} if rule.rule.startswith("/fhir") else set()
    return statuses


def _problems(language: Language) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each status the problems that it can be, told both ways."""
    by_status: dict[int, list[str]] = {}
    for code, kind in PROBLEMS.items():
        if code not in _OF_PAGES:
            by_status.setdefault(kind.status, []).append(f"`{code}`: {kind.title(language)}")
    for status, lines in sorted(by_status.items()):
        for way in ("problem", "outcome"):
            yield f"{way}-{status}", {"description": "\n".join(lines), "content": _told(way)}


def _told(way: str) -> dict[str, Any]:
    # Under /fhir too the server itself tells what it refuses unread as a problem.
    told: Content = {PROBLEM_JSON: ref("Problem")}
    return _content({**told, FHIR: ref("Resource")} if way == "outcome" else told)


def _content(body: Content) -> dict[str, Any]:
    return {media: {"schema": schema} for media, schema in body.items()}


def _schemes(public_url: str, language: Language) -> dict[str, Any]:
    token = {"tokenUrl": f"{public_url}/oauth2/token"}
    sender = {**token, "scopes": {scope: _said(words, language) for scope, words in _SCOPES.items()}}
    authorize = {"authorizationUrl": f"{public_url}/oauth2/authorize", "refreshUrl": token["tokenUrl"]}
    app = {**token, **authorize, "scopes": dict.fromkeys(SUPPORTED, _SCOPES_OF_APPS)}
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "sender": {"type": "oauth2", "flows": {"clientCredentials": sender}, "description": _said(_SENDER, language)},
        "app": {"type": "oauth2", "flows": {"authorizationCode": app}, "description": _said(_APP, language)},
        "citizen": {**bearer, "description": _said(_CITIZEN, language)},
        "operator": {**bearer, "description": _said(_OPERATOR, language)},
    }


def _said(words: Words, language: Language) -> str:
    return words[language == "en"]
