"""What the paths of other systems have in common, which are offered so that a client changes a host name and works
(rules: drop-in-answers).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import orjson
from flask import Blueprint, Response, request

from ehr_sync.api import access
from ehr_sync.api.json_body import in_json
from ehr_sync.api.language import Language, language_of
from ehr_sync.api.places import Places
from ehr_sync.api.problems import PROBLEM_JSON
from ehr_sync.api.submissions import MEDIA_TYPES, Accept, body_of, kind_of
from ehr_sync.core.answers import Answer
from mappings.formats.source import SourceRefused
from mappings.model import Issue

Words = Mapping[Language, str]


def sent(
    accept: Accept,
    places: Places,
    taken: Collection[str] = MEDIA_TYPES.keys(),
    *,
    answered: Callable[[Answer, Language], dict[str, Any]],
    refused: Callable[[Issue, Language], dict[str, Any]],
) -> Response:
    """The answer in the system's words to a body of one of these media types, refused as a whole or not: HTTP 200.
    Raises Problem for what is not of the trade.
    """
    client_id, language = access.caller().client_id, language_of(request)
    kind, body = kind_of(request, taken), body_of(request)
    try:
        with places.taken(client_id):
            answer = accept(client_id=client_id, body=body, media_type=kind, idempotency_key=None)
    except SourceRefused as whole:
        return in_json(refused(whole.issue, language))
    return in_json(answered(answer, language))


def tell_problems(blueprint: Blueprint, own: Callable[[Response, str], dict[str, Any]]) -> None:
    """A problem that is not of the trade is told in the system's words too: `own` makes its members of the answer and
    of the problem's sentences.
    """

    # Of the whole application: one limit (api/admission.py) is found when the route has answered.
    @blueprint.after_app_request
    def tell_problem(response: Response) -> Response:
        if request.blueprint == blueprint.name and response.mimetype == PROBLEM_JSON:
            problem = orjson.loads(response.get_data())
            words = f"{problem['title']} {problem['detail']}"
            response.set_data(orjson.dumps({**problem, **own(response, words)}))
        return response


def words_of(issue: Mapping[str, str]) -> str:
    """An issue in a line: where, what, and what to do."""
    place = f"{issue['path']}: " if issue["path"] else ""
    return f"{place}{issue['message']} {issue['fix']}"
