"""Reasons of operators are words of a list and tickets, and nothing in which a name or a number fits."""

from __future__ import annotations

import pytest

from ehr_sync.core.reasons import is_reason


@pytest.mark.parametrize("text", ["", "test", "book_lost_data", "ticket-17", "yc-123456", "restore/ticket-17"])
def test_what_is_a_reason(text: str) -> None:
    assert is_reason(text)


@pytest.mark.parametrize(
    "text",
    [
        *("Test", "test ", "test\n", "/", "test/", "/ticket-1", "ticket-17/test", "testticket-1", "test/test"),
        *("ticket-", "ticket-1234567", "ticket-١", "17", "nguyen", "nguyen-17", "NGUYEN-17", "001099012345"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert not is_reason(text)
