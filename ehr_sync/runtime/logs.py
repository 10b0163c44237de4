"""JSON logs that hold no personal value (P11): a field is written only if listed, and as listed."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import PurePath
from re import Pattern
from typing import Any, Final, TextIO, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from mappings.facility_code import FORM

Log = FilteringBoundLogger

_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]*(\.[A-Za-z0-9_]+){0,4}")
_ID: Final = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")
_PLACE: Final = re.compile(r"[\w./<>:, \[\]-]{1,1500}", re.ASCII)
# Of fewer digits than any identity, insurance or telephone number without its leading zeros.
_NUMBER: Final = re.compile(r"-?[0-9]{1,8}(\.[0-9]{1,6})?")

# What may stand in a log line, and how it must look. Anything else is left out and counted under "dropped".
FIELDS: Final[Mapping[str, Pattern[str]]] = {
    "event": _WORD,
    "level": _WORD,
    "time": re.compile(r"[0-9T:.+-]{20,40}Z?"),
    "incident": _ID,
    "method": re.compile(r"[A-Z]{3,7}|-"),
    "route": re.compile(r"/[a-z0-9/._<>:$-]*|unmatched", re.IGNORECASE),
    "client": re.compile(r"[A-Za-z0-9._-]{1,64}"),
    "code": _CODE,
    "error": re.compile(r"[A-Za-z_][\w.]{0,120}( < [A-Za-z_][\w.]{0,120}){0,5}", re.ASCII),
    "place": _PLACE,
    "destination": re.compile(r"[a-z0-9-]{1,40}"),
    "facility": re.compile(FORM),
    "lane": _ID,
    "edge": _ID,
    "resync": _ID,
    "transaction": re.compile(r"GD[A-Z2-7]{29}"),
    "state": _WORD,
    "outcome": _WORD,
    "reason": _CODE,
    "sweep": _WORD,
    "audit": re.compile(r"[0-9]{1,15}:[0-9a-f]{16}"),  # core/anchor.py
    "worker": re.compile(r"[a-z]{1,20}-?[0-9]{0,10}"),
    **dict.fromkeys(
        (
            *("status", "ms", "seconds", "count", "attempt", "dropped", "pid", "retry_after"),
            *(
                "taken",
                "proven",
                "held",
                "delivered",
                "parked",
                "unknown",
                "retried",
                "failed",
                "records",
                "entries",
            ),
        ),
        _NUMBER,
    ),
}


def make_log(level: str = "info", stream: TextIO | None = None) -> Log:
    """A logger of JSON lines, to standard error unless told otherwise. `level` as in the settings."""
    wrapped = structlog.wrap_logger(
        structlog.WriteLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            only_known_fields,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_levels()[level]),
    )
    return cast(Log, wrapped)


def only_known_fields(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last processor before rendering: keeps what FIELDS allows, and says how many fields it left out."""
    kept = {name: value for name, value in event.items() if _is_known(name, value)}
    if len(kept) < len(event):
        kept["dropped"] = len(event) - len(kept)
    return kept


def fault(error: BaseException) -> dict[str, str]:
    """Type, place and code of an error, for a log line: never its text, which may quote what was sent."""
    chain = _chain(error)
    told = {"error": " < ".join(_type_name(link) for link in chain), "place": _places(chain[-1])}
    code = str(error.args[0]) if error.args else ""
    if type(error).__module__.startswith("ehr_sync.") and _CODE.fullmatch(code):
        told["code"] = code
    return told


class SafeHandler(logging.Handler):
    """A library's log line as JSON: logger, level and place in the code. Their texts may quote values: left out.

    Except for gunicorn's master: it speaks of sockets and workers and never sees a request.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line to standard error."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": "library",
            "logger": record.name,
            "place": f"{record.module}.py:{record.lineno}",
        }
        if record.name == "gunicorn.error" and record.module in {"arbiter", "sock"}:
            message = record.getMessage()
            line["note"] = str(record.msg).splitlines()[0] if "\n" in message else message
        if record.exc_info and record.exc_info[1]:
            line |= fault(record.exc_info[1])
        sys.stderr.write(_json(line) + "\n")


def quiet_libraries(level: str = "warning") -> None:
    """Let every library of this process log through SafeHandler only."""
    logging.basicConfig(handlers=[SafeHandler()], level=_levels()[level], force=True)
    logging.captureWarnings(True)


def _is_known(name: str, value: object) -> bool:
    pattern = FIELDS.get(name)
    if pattern is None or isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    return pattern.fullmatch(str(value)) is not None


def _chain(error: BaseException) -> list[BaseException]:
    chain = [error]
    while len(chain) < 5:
        before = chain[-1].__cause__ or chain[-1].__context__
        if before is None:
            break
        chain.append(before)
    return chain


def _type_name(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".replace("<locals>.", "")


def _places(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    places = [f"{'/'.join(PurePath(f.filename).parts[-3:])}:{f.lineno} {f.name}" for f in reversed(frames)]
    return ", ".join(places) or "nowhere"


def _levels() -> Mapping[str, int]:
    return {name.lower(): number for name, number in logging.getLevelNamesMapping().items()}


def _json(value: Any, **_: Any) -> str:
    return orjson.dumps(value).decode()
