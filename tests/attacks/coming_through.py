"""Attacks that still come through, each with who mends it. A mark that is no longer true fails: take it away then."""

from __future__ import annotations

import pytest


def comes_through(why: str) -> pytest.MarkDecorator:
    """The attack works today; the test asserts what must be, and passes the day that it is mended."""
    return pytest.mark.xfail(reason=f"comes through: {why}", strict=True)
