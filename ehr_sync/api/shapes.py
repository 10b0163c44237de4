"""The shapes of what the API takes and answers, as JSON Schema 2020-12.  https://spec.openapis.org/oas/v3.1.1#schema-object

Objects are open: a client must pass over members that it does not know, as later versions have more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, get_args

from marshmallow import Schema as Form
from marshmallow import fields, validate

from ehr_sync.api.problem_types import PROBLEMS
from ehr_sync.core.quality import AXES
from ehr_sync.core.withdrawals import WHYS
from ehr_sync.usecases.overview import LISTS
from mappings.cards import LONGEST
from mappings.model import Severity

Schema = Mapping[str, Any]
Content = Mapping[str, Schema]
"""Media type -> schema; nothing where there is no body."""

JSON: Final = "application/json"
FHIR: Final = "application/fhir+json"

TEXT: Final[Schema] = {"type": "string"}
WORD: Final[Schema] = {"type": ["string", "null"]}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
YES: Final[Schema] = {"type": "boolean"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
UUID: Final[Schema] = {"type": "string", "format": "uuid"}
ANY: Final[Schema] = {}
_DAY_OR_NONE: Final[Schema] = {"type": ["string", "null"], "format": "date"}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TIME_OR_NONE: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}


def ref(name: str) -> Schema:
    """A shape of SHAPES."""
    return {"$ref": f"#/components/schemas/{name}"}


def json(name: str) -> Content:
    """A JSON body of this shape."""
    return {JSON: ref(name)}


def one_of(*values: str) -> Schema:
    """A text out of a list."""
    return {"type": "string", "enum": list(values)}


def many(of: Schema) -> Schema:
    """An array."""
    return {"type": "array", "items": of}


def record(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object with these members."""
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": list(required)}


def texts(required: Collection[str], optional: Collection[str] = ()) -> Schema:
    """An object whose members are texts."""
    return record(dict.fromkeys(required, TEXT), dict.fromkeys(optional, TEXT))


def form_of(form: Form) -> Schema:
    """The shape of a body that marshmallow reads. Raises KeyError for a kind of field that no body has yet."""
    return {
        "type": "object",
        "properties": {name: _field(field) for name, field in form.fields.items()},
        "additionalProperties": False,
    }


def _field(field: fields.Field[Any]) -> Schema:
    kind = {fields.UUID: UUID, fields.String: TEXT, fields.Boolean: YES}
    shape = next(kind[each] for each in type(field).__mro__ if each in kind)
    # Python's end of a text is "$" in JSON Schema's regular expressions.
    patterns = [str(check.regex.pattern) for check in field.validators if isinstance(check, validate.Regexp)]
    return {**shape, "pattern": f"^{patterns[0].removesuffix(_END)}$"} if patterns else shape


_END: Final = r"\Z"
_ISSUE: Final = ref("Issue")
_LIFE_LINE: Final[Mapping[str, Schema]] = {
    "maGiaoDich": TEXT,
    "batchId": TEXT,
    "state": TEXT,
    "stateText": TEXT,
    "next": TEXT,
    "nextText": TEXT,
    "steps": many(record({"name": TEXT, "text": TEXT, "at": _TIME_OR_NONE}, {"reason": TEXT, "reasonText": TEXT})),
}
_COUNTS: Final[Schema] = {"type": "object", "additionalProperties": COUNT}
_WITHDRAWAL: Final[Mapping[str, Schema]] = {"withdrawnAt": TEXT, "reason": one_of(*WHYS), "reasonText": TEXT}
_THERE: Final = record(
    dict.fromkeys(("maLK", "maGiaoDich", "state", "stateText"), TEXT),
    {"row": COUNT, "received": {"type": ["string", "null"], "format": "date-time"}, **_WITHDRAWAL},
)
_TOTALS: Final[Mapping[str, Schema]] = {"batchId": TEXT, "totalSuccess": COUNT, "totalFailed": COUNT}
_BOTH: Final = texts(["vi", "en"])

_PERSON: Final[Schema] = {
    **texts(["name", "birthDate"], ["reference", "number", "sex", "nationality"]),
    "additionalProperties": False,
}
_VERIFICATION: Final = (
    {"reference": TEXT, "outcome": TEXT, "outcomeText": TEXT, "grade": WORD, "code": WORD, "checkedAt": _TIME_OR_NONE},
    {"reason": TEXT, "reasonText": TEXT, "issue": _ISSUE},
)

SHAPES: Final[Mapping[str, Schema]] = {
    "Problem": record(
        {"type": TEXT, "title": TEXT, "status": {"type": "integer"}, "detail": TEXT, "code": one_of(*PROBLEMS)},
        {"instance": TEXT, "parameters": many(TEXT), "issues": many(_ISSUE), "words": many(TEXT)},
    ),
    "ProblemType": record({"type": TEXT, "status": {"type": "integer"}, "title": TEXT, "fix": TEXT}),
    "Resource": record({"resourceType": TEXT}),
    "Issue": record(
        {
            "code": TEXT,
            "severity": one_of(*get_args(Severity)),
            **dict.fromkeys(("path", "expected", "message", "fix"), TEXT),
        }
    ),
    "Hoso": record(
        {"maLK": TEXT, "maGiaoDich": TEXT, "status": one_of("accepted", "refused"), "issues": many(_ISSUE)},
        {
            "supersededBy": TEXT,
            "otherRecords": many(ref("Hoso")),
            "fhir": {"type": ["object", "null"]},
            "trace": {"type": ["object", "null"]},
        },
    ),
    "Recorded": record(
        {"id": TEXT, "maGiaoDich": TEXT, "status": one_of("accepted", "refused"), "issues": many(_ISSUE)},
        {
            "batchId": TEXT,
            "supersededBy": TEXT,
            "dryRun": YES,
            "notKnown": many(texts(["stage", "why"])),
            "fhir": {"type": ["object", "null"]},
            "trace": {"type": ["object", "null"]},
        },
    ),
    "Submitted": record(
        {
            **_TOTALS,
            "fileResults": many(
                record(
                    {
                        "status": one_of("accepted", "partial", "refused"),
                        "issues": many(_ISSUE),
                        "hoSo": many(ref("Hoso")),
                    }
                )
            ),
        },
        {"dryRun": YES, "notKnown": many(texts(["stage", "why"]))},
    ),
    "Batch": record({"files": many(TEXT)}, {"loaiHoSo": TEXT, "maTinh": TEXT, "maCSKCB": TEXT}),
    "LifeLine": record(_LIFE_LINE, {"supersededBy": TEXT}),
    "Standing": record({"maGiaoDich": TEXT}),
    "Day": record(
        {"day": DAY, "counts": {"type": "object", "additionalProperties": COUNT}, "work": COUNT, "workIsMore": YES}
    ),
    "Dossiers": record(
        {
            "dossiers": many(
                record(
                    {
                        "maLK": TEXT,
                        "maGiaoDich": TEXT,
                        "received": _TIME_OR_NONE,
                        "state": TEXT,
                        "stateText": TEXT,
                        "firstIssue": {"anyOf": [_ISSUE, {"type": "null"}]},
                    },
                    {"reason": TEXT, "reasonText": TEXT, "acceptedSince": ANY},
                )
            ),
            "next": WORD,
        }
    ),
    "CardCode": record({"text": {"type": "string", "minLength": 1, "maxLength": LONGEST}}),
    "Card": record(
        {
            "card": one_of("identity", "insurance"),
            **dict.fromkeys(("number", "name", "birthDate"), TEXT),
            "sex": one_of("male", "female", "unknown"),
            "address": WORD,
            "issuedOn": _DAY_OR_NONE,
            "issues": many(_ISSUE),
        },
        {
            **dict.fromkeys(("numberType", "insuranceNumber"), TEXT),
            **dict.fromkeys(("oldNumber", "facility"), WORD),
            **dict.fromkeys(("validFrom", "validTo", "fiveYearsOn"), _DAY_OR_NONE),
        },
    ),
    "Sought": record({"maLK": {"type": "string", "minLength": 1, "maxLength": 200}}),
    "Found": record({"maGiaoDich": many(TEXT)}),
    "Correction": {
        **record({}, {**dict.fromkeys(("maLK", "maGiaoDich"), TEXT), "reason": one_of(*WHYS)}),
        "additionalProperties": False,
    },
    "PersonAsked": _PERSON,
    "PeopleAsked": record({"people": many(_PERSON)}),
    "Verification": record(*_VERIFICATION),
    "Verifications": record(
        {
            "counts": _COUNTS,
            "complete": YES,
            "results": many(record({"row": COUNT, **_VERIFICATION[0]}, _VERIFICATION[1])),
        }
    ),
    "Quality": record(
        {
            "definitions": texts(AXES),
            "weeks": many(
                record(
                    {
                        "week": DAY,
                        "place": TEXT,
                        "records": COUNT,
                        **{axis: {"type": ["number", "null"], "minimum": 0, "maximum": 100} for axis in AXES},
                        "ageDays": {"type": ["integer", "null"], "minimum": 0},
                        "fixes": many(record({"code": TEXT, "records": COUNT, "text": TEXT})),
                    }
                )
            ),
        }
    ),
    "Corrected": record(
        {
            "totalSuccess": COUNT,
            "totalFailed": COUNT,
            "results": many(
                record(
                    {
                        "row": COUNT,
                        "maLK": TEXT,
                        "maGiaoDich": TEXT,
                        "status": one_of("withdrawn", "restored", "refused"),
                    },
                    {"issue": _ISSUE, **_WITHDRAWAL},
                )
            ),
        }
    ),
    "Reconciled": record(
        {
            "month": TEXT,
            **dict.fromkeys(("counts", "found"), _COUNTS),
            "missing": many(record({"row": COUNT, "maLK": TEXT, "refused": {"anyOf": [_ISSUE, {"type": "null"}]}})),
            "extra": many(_THERE),
            "withdrawn": many(_THERE),
            "wrong": many(record({"row": COUNT, "issue": {"anyOf": [_ISSUE, {"type": "null"}]}})),
        }
    ),
    "Versions": record(
        {
            "maLK": TEXT,
            "versions": many(
                record(
                    {
                        **_LIFE_LINE,
                        "version": COUNT,
                        "received": _TIME_OR_NONE,
                        "madeOn": ANY,
                        "stands": YES,
                        "issues": many(_ISSUE),
                    },
                    {"supersededBy": TEXT},
                )
            ),
            "older": ANY,
        }
    ),
    "Differences": record({"before": ANY, "after": ANY, "tables": {"type": ["array", "null"]}}),
    "Keys": record({"clientId": TEXT, "keys": many(record({"kid": TEXT, "alg": TEXT, "lastUsed": _TIME_OR_NONE}))}),
    "Rules": record(
        {
            "exampleDay": DAY,
            "goodDossier": {"type": "object"},
            "rules": many(
                record(
                    {
                        **dict.fromkeys(("code", "severity", "path", "expected", "decree"), TEXT),
                        **dict.fromkeys(("field", "when", "message", "fix"), _BOTH),
                        "from": DAY,
                        "to": {"type": ["string", "null"], "format": "date"},
                        "example": many(texts(["table", "tag", "value"])),
                    }
                )
            ),
        }
    ),
    "AxisLogin": texts(["username", "password", "code"]),
    "AxisToken": record({"maKetQua": YES, "apiKey": {"type": ["object", "null"]}, "message": TEXT}),
    "AxisAnswer": record(
        {"maKetQua": TEXT, "thongDiep": TEXT, **_TOTALS, "fileResults": many({"type": "object"})},
        {"issues": many(_ISSUE)},
    ),
    "AxisLifeLine": record({"maKetQua": TEXT, "thongDiep": TEXT}, {**_LIFE_LINE, "trangThai": TEXT}),
    "HubLogin": texts(["username", "password"]),
    "HubToken": record(
        {"access_token": TEXT, "token_type": TEXT, "expires_in": COUNT, "status": COUNT, "message": TEXT}
    ),
    "HubRefusal": record({"status": COUNT, "message": TEXT}),
    "HubMessage": record({"data": record({"content": TEXT})}, {"header": {"type": "object"}, "signature": TEXT}),
    "HubAnswer": record(
        {"maGiaoDich": TEXT, "message": TEXT, "status": COUNT},
        {"batchId": TEXT, "issues": many(_ISSUE), "supersededBy": TEXT},
    ),
    "TokenForm": texts(
        ["grant_type"],
        [
            "client_assertion_type",
            "client_assertion",
            "scope",
            "client_id",
            "code",
            "code_verifier",
            "redirect_uri",
            "refresh_token",
        ],
    ),
    "Token": record(
        {"access_token": TEXT, "token_type": TEXT, "expires_in": COUNT, "scope": TEXT},
        {"patient": TEXT, "refresh_token": TEXT, "id_token": TEXT},
    ),
    "TokenRefused": texts(["error", "error_description"]),
    "RevokeForm": texts(["token"], ["token_type_hint", "client_id", "client_assertion_type", "client_assertion"]),
    "KeySet": record({"keys": many({"type": "object"})}),
    "Provider": record({"issuer": TEXT, "token_endpoint": TEXT, "jwks_uri": TEXT}),
    "Alive": record({"alive": YES}),
    "Ready": record({"checks": {"type": "object", "additionalProperties": YES}, "books": {"type": "object"}}),
    "Appointments": record({"appointments": many(texts(["id", "first", "last", "place"]))}),
    "Papers": record({"papers": many(record({"id": TEXT, "visit": ANY, "title": TEXT, "said": {"type": "array"}}))}),
    "Waiting": record(
        {
            **dict.fromkeys(("waiting", "withdrawn", "facilities"), many({"type": "object"})),
            "nationalApp": WORD,
        }
    ),
    "Looks": record(
        {
            "looks": many(
                record({"n": COUNT, "at": _TIME_OR_NONE, **dict.fromkeys(("who", "whoText", "whatText"), TEXT)})
            ),
            "next": {"type": ["integer", "null"]},
        }
    ),
    "Resync": record(
        {
            "id": UUID,
            "state": TEXT,
            "reason": TEXT,
            **dict.fromkeys(("total", "marked", "left", "parked"), COUNT),
            "created_at": _TIME,
            "ended_at": _TIME_OR_NONE,
        }
    ),
    "ResyncPlan": record(
        {"dry_run": YES, "total": COUNT, "by_state": {"type": "object", "additionalProperties": COUNT}}
    ),
    "Status": record({"at": _TIME, "well": YES, "complaints": many(record({"code": TEXT}))}),
    "Listing": record({"next": WORD}, dict.fromkeys(LISTS, many({"type": "object"}))),
    "AuditVerified": record({"entries": COUNT, "faults": {"type": ["array", "null"], "items": TEXT}}),
    "Hurried": record({"due": COUNT}),
    "Trace": record({**_LIFE_LINE, "patient": UUID, "lanes": many({"type": "object"})}, {"supersededBy": TEXT}),
    "Sent": record(
        {"transactions": many(record({"maGiaoDich": TEXT, "received": _TIME, "state": TEXT, "stands": YES}))}
    ),
    "Review": record(
        {
            **dict.fromkeys(("id", "kind", "state", "reason", "reason_text", "bar", "proposed_by"), TEXT),
            "patient": UUID,
            "people": COUNT,
            "may": many(TEXT),
            "decision": {"type": ["object", "null"]},
            "question": {"type": ["object", "null"]},
            "claims": many({"type": "object"}),
            "more": YES,
            "twins": many(TEXT),
        }
    ),
    "Decided": record({"id": TEXT, "state": TEXT}),
    "Questions": record(
        {
            "questions": many(
                record({**dict.fromkeys(("id", "maGiaoDich", "maLK", "about"), TEXT), "until": _TIME, "late": YES})
            )
        }
    ),
    "Answered": record({"id": TEXT, "answer": TEXT}),
    "OpenApi": record({"openapi": TEXT, "info": {"type": "object"}, "paths": {"type": "object"}}),
}
"""Every shape that has a name."""
