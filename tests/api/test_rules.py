"""GET /api/v1/rules, as far as HTTP goes: for everybody, and the same until the service is another version."""

from __future__ import annotations

from tests.api import web


def test_everybody_may_read_the_rules_and_keep_them() -> None:
    client = web.client()
    answer = client.get("/api/v1/rules")
    [rule] = [
        one for one in answer.get_json()["rules"] if (one["code"], one["path"]) == ("value.required", "XML1.MA_BN")
    ]
    assert (rule["severity"], rule["from"], rule["to"]) == ("warning", "2024-07-01", None)
    assert rule["example"] == [{"table": "XML1", "row": 1, "tag": "MA_BN", "value": ""}]
    assert (rule["message"]["vi"], rule["message"]["en"]) == (
        "Trường bắt buộc còn trống.",
        "A required field is blank.",
    )
    again = client.get("/api/v1/rules", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
