"""Logs hold no personal value, whatever is thrown at them."""

from __future__ import annotations

import io
import json
import logging

import pytest

from ehr_sync.core.anchor import Anchor
from ehr_sync.core.errors import Unavailable
from ehr_sync.runtime.logs import SafeHandler, fault, make_log

NAME = "Nguyễn Văn Canary"
NUMBER = "099200001234"


def logged(event: str, **fields: object) -> dict[str, object]:
    stream = io.StringIO()
    make_log("debug", stream).info(event, **fields)
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_a_listed_field_is_written() -> None:
    line = logged("request", status=200, route="/fhir/<kind>/<id>", ms=1.5)
    assert (line["status"], line["route"], line["ms"]) == (200, "/fhir/<kind>/<id>", 1.5)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": NAME},
        {"number": NUMBER},
        {"client": NAME},
        {"route": f"/fhir/{NUMBER} {NAME}"},
        {"code": NAME},
        {"code": NUMBER},
        {"count": NUMBER},
        {"count": int(NUMBER)},
        {"status": {"name": NAME}},
        {"status": True},
        {"reason": f"registry.{NAME}"},
        {"exc_info": ValueError(NAME)},
    ],
)
def test_any_other_field_is_dropped_and_counted(fields: dict[str, object]) -> None:
    line = logged("request", **fields)
    assert line["dropped"] == 1
    assert NAME not in str(line)
    assert NUMBER not in str(line)


def test_p10_the_anchor_of_an_audit_entry_is_written_and_nothing_that_only_looks_like_one() -> None:
    assert (
        logged("request", audit=str(Anchor(123456789012, bytes(range(8)))))["audit"] == "123456789012:0001020304050607"
    )
    for other in (NUMBER, f"{NUMBER}:{NAME}", f"{NUMBER}:00", "1234567890123456:0001020304050607"):
        assert "audit" not in logged("request", audit=other)


def test_an_event_that_is_no_plain_word_is_dropped() -> None:
    assert "event" not in logged(f"patient {NAME} proven")


def test_a_level_below_the_one_set_is_not_written() -> None:
    stream = io.StringIO()
    make_log("warning", stream).info("request")
    assert stream.getvalue() == ""


def test_a_fault_tells_types_places_and_codes_without_texts() -> None:
    try:
        try:
            int(NAME)
        except ValueError as error:
            raise Unavailable("registry.away") from error
    except Unavailable as error:
        told = fault(error)

    assert told["error"] == "ehr_sync.core.errors.Unavailable < builtins.ValueError"
    assert told["code"] == "registry.away"
    assert "test_logs.py" in told["place"]
    assert NAME not in str(told)


def test_a_text_that_looks_like_a_code_is_told_only_of_our_own_errors() -> None:
    assert "code" not in fault(ValueError("nguyen.van"))


def test_a_librarys_text_stays_out(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("urllib3.connectionpool")
    logger.addHandler(SafeHandler())
    logger.error("GET /fhir/Patient?identifier=%s for %s", NUMBER, NAME)

    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], line["level"]) == ("urllib3.connectionpool", "error")
    assert line["place"].startswith("test_logs.py:")
    assert NUMBER not in str(line)


def test_a_librarys_error_is_told_by_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("some.library")
    logger.addHandler(SafeHandler())
    try:
        int(NAME)
    except ValueError:
        logger.exception("could not read %s", NAME)

    line = json.loads(capsys.readouterr().err)
    assert line["error"] == "builtins.ValueError"
    assert NAME not in str(line)
