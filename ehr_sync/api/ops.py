"""/api/v1/ops: operators see lanes and what leads to them, hurry lanes, order resyncs: by our own ids, no content."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Request, Response, request
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from ehr_sync.api import access
from ehr_sync.api.json_body import in_json, loaded
from ehr_sync.api.language import language_of
from ehr_sync.api.problems import Problem
from ehr_sync.api.quality import CSV, as_csv
from ehr_sync.api.transactions import LifeLine, rendered
from ehr_sync.core.reasons import REASONS, is_reason
from ehr_sync.usecases.overview import KNOWN, LISTS, BadFilter, Listing
from mappings.facility_code import is_facility_code

_ROWS: Final = 100
_MOST_ROWS: Final = 1_000


class Resync(Protocol):
    """One order and how far it has come."""

    @property
    def resync_id(self) -> UUID: ...
    @property
    def state(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def total(self) -> int: ...
    @property
    def marked(self) -> int: ...
    @property
    def left(self) -> int: ...
    @property
    def parked(self) -> int: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lanes an order is for: those that fit all that is given; all, where nothing is. `parked`: those that are
    parked for this reason.
    """

    patient: UUID | None = None
    facility: str | None = None
    destination: str | None = None
    parked: str | None = None


class Show(Protocol):
    """The use case behind every list. Raises BadFilter."""

    def __call__(self, what: str, given: Mapping[str, str], *, limit: int, by: str) -> Listing: ...


class Verified(Protocol):
    """What came of looking whether the audit log is whole; `faults` is None where it is too long to look at at once."""

    @property
    def entries(self) -> int: ...
    @property
    def faults(self) -> Sequence[str] | None: ...


class Trace(Protocol):
    """What is behind a maGiaoDich: whose it is, its life line, that person's lanes."""

    @property
    def patient(self) -> UUID: ...
    @property
    def line(self) -> LifeLine: ...
    @property
    def lanes(self) -> Sequence[Mapping[str, Any]]: ...


class TraceTransaction(Protocol):
    """The use case behind it. Raises NotFound."""

    def __call__(self, code: str, *, by: str) -> Trace: ...


class Sent(Protocol):
    """One version that came for a patient."""

    @property
    def transaction_code(self) -> str: ...
    @property
    def accepted_at(self) -> datetime: ...
    @property
    def state(self) -> str: ...
    @property
    def stands(self) -> bool: ...


class ListSent(Protocol):
    """The use case that goes from a patient back to what was sent. Raises NotFound."""

    def __call__(self, patient: UUID, *, by: str, limit: int) -> Sequence[Sent]: ...


class Plan(Protocol):
    """The use case that counts the lanes of an order, by their state."""

    def __call__(self, wanted: Wanted, *, by: str) -> Mapping[str, int]: ...


class Order(Protocol):
    """The use case that writes an order down."""

    def __call__(self, wanted: Wanted, *, by: str, reason: str) -> Resync: ...


def _facility_code(text: str) -> None:
    if not is_facility_code(text):
        raise ValidationError("Give a facility's code.")


def _reason(text: str) -> None:
    if not is_reason(text):
        raise ValidationError("Give a reason of the list, or a ticket.")


class _Yes(fields.Boolean):
    """JSON's true or false. marshmallow's own takes 1 for true, as Python does."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


_DESTINATION: Final = validate.Regexp(r"[a-z0-9-]{1,40}\Z")
_REASON: Final = validate.Regexp(r"[a-z0-9_.-]{1,120}\Z")


class ResyncOrder(Schema):
    """The body of POST /api/v1/ops/resyncs."""

    patient = fields.UUID()
    facility = fields.String(validate=_facility_code)
    destination = fields.String(validate=_DESTINATION)
    parked = fields.String(validate=_REASON)
    all = _Yes(load_default=False)
    reason = fields.String(load_default="", validate=_reason)
    dry_run = _Yes(load_default=False)

    @validates_schema
    def one_scope(self, order: dict[str, Any], **_: object) -> None:
        """Everything is ordered by saying so, never by leaving all out."""
        if order["all"] == bool(order.keys() & {"patient", "facility", "destination", "parked"}):
            raise ValidationError("Give patient, facility, destination or parked, or all.", "all")


class Hurry(Schema):
    """The body of POST /api/v1/ops/lanes:hurry."""

    patient = fields.UUID()
    facility = fields.String(validate=_facility_code)
    destination = fields.String(validate=_DESTINATION)

    @validates_schema
    def some_scope(self, order: dict[str, Any], **_: object) -> None:
        """Somebody or something is named."""
        if not order:
            raise ValidationError("Give patient, facility or destination.", "patient")


class HurryLanes(Protocol):
    """The use case that lets lanes be due now; says how many."""

    def __call__(self, wanted: Wanted, *, by: str) -> int: ...


def ops(
    *,
    plan: Plan,
    order: Order,
    follow: Callable[[UUID], Resync],
    show: Show,
    status: Callable[[], Mapping[str, Any]],
    verify: Callable[[str], Verified],
    hurry: HurryLanes,
    trace: TraceTransaction,
    sent: ListSent,
) -> Blueprint:
    """The routes, around their use cases."""
    blueprint = Blueprint("ops", __name__, url_prefix="/api/v1/ops")

    @blueprint.post("/resyncs")
    def plan_resync() -> Response:
        asked = _order(ResyncOrder())
        wanted = _wanted(asked)
        if asked["dry_run"]:
            counts = plan(wanted, by=access.login().subject)
            return in_json({"dry_run": True, "total": sum(counts.values()), "by_state": dict(counts)})
        ordered = order(wanted, by=access.login().subject, reason=asked["reason"])
        response = in_json(_resync(ordered), 202)
        response.headers["Location"] = f"/api/v1/ops/resyncs/{ordered.resync_id}"
        return response

    @blueprint.get("/resyncs/<uuid:resync_id>")
    def follow_resync(resync_id: UUID) -> Response:
        return in_json(_resync(follow(resync_id)))

    @blueprint.get("/status", endpoint="tell_status")
    def show_status() -> Response:
        _know(request)
        return in_json(status())

    @blueprint.get("/<what>")
    def show_list(what: str) -> Response:
        if what not in LISTS:
            raise Problem("not_found")
        given = request.args.to_dict()
        if any(len(request.args.getlist(name)) > 1 for name in given):
            raise Problem("request.parameter", parameters=sorted(given))
        limit = _limit(given.pop("limit", str(_ROWS)))
        try:
            found = show(what, given, limit=limit, by=access.login().subject)
        except BadFilter as error:
            raise Problem("request.parameter", parameters=[error.name] if error.name in KNOWN else []) from None
        query = {**given, "limit": str(limit), "after": found.after}
        following = f"/api/v1/ops/{what}?{urlencode(query)}" if found.after else None
        if request.accept_mimetypes.best_match(["application/json", CSV]) == CSV:
            response = as_csv(found.rows, what)
            response.headers.extend({"Link": f'<{following}>; rel="next"'} if following else {})
            return response
        return in_json({what: found.rows, "next": following})

    @blueprint.post("/audit:verify")
    def verify_audit() -> Response:
        found = verify(access.login().subject)
        return in_json({"entries": found.entries, "faults": found.faults})

    @blueprint.post("/lanes:hurry")
    def hurry_lanes() -> Response:
        return in_json({"due": hurry(_wanted(_order(Hurry())), by=access.login().subject)})

    @blueprint.get("/transactions/<code>", endpoint="trace_transaction")
    def show_trace(code: str) -> Response:
        _know(request)
        found = trace(code, by=access.login().subject)
        line = rendered(found.line, language_of(request))
        return in_json({**line, "patient": found.patient, "lanes": [_lane(lane) for lane in found.lanes]})

    @blueprint.get("/transactions", endpoint="list_transactions")
    def show_sent() -> Response:
        _know(request, "patient", "limit")
        found = sent(_patient(request), by=access.login().subject, limit=_limit(request.args.get("limit", str(_ROWS))))
        return in_json({"transactions": [_sent(one) for one in found]})

    return blueprint


def _wanted(asked: Mapping[str, Any]) -> Wanted:
    return Wanted(asked.get("patient"), asked.get("facility"), asked.get("destination"), asked.get("parked"))


def _order(schema: Schema) -> dict[str, Any]:
    try:
        return loaded(schema)
    except Problem as problem:
        if problem.members.get("parameters") == ["reason"]:
            raise Problem("resync.reason", parameters=["reason"], words=list(REASONS)) from None
        raise


def _resync(resync: Resync) -> dict[str, Any]:
    return {
        "id": resync.resync_id,
        "state": resync.state,
        "reason": resync.reason,
        "total": resync.total,
        "marked": resync.marked,
        "left": resync.left,
        "parked": resync.parked,
        "created_at": resync.created_at,
        "ended_at": resync.ended_at,
    }


def _lane(lane: Mapping[str, Any]) -> dict[str, Any]:
    # Column names are a kind of str that orjson does not take.
    return {"patient" if name == "person_id" else str(name): value for name, value in lane.items()}


def _know(request: Request, *filters: str) -> None:
    """A filter that is not known must not be taken for one."""
    unknown = request.args.keys() - set(filters)
    if unknown or any(len(request.args.getlist(name)) > 1 for name in filters):
        raise Problem("request.parameter", parameters=list(filters))


def _patient(request: Request) -> UUID:
    try:
        return UUID(request.args["patient"])
    except (KeyError, ValueError):
        raise Problem("request.parameter", parameters=["patient"]) from None


def _sent(one: Sent) -> dict[str, Any]:
    return {
        "maGiaoDich": one.transaction_code,
        "received": one.accepted_at,
        "state": one.state,
        "stands": one.stands,
    }


def _limit(limit: str) -> int:
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= _MOST_ROWS):
        raise Problem("request.parameter", parameters=["limit"])
    return int(limit)
