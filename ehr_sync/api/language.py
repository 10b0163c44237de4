"""The language of an answer: Vietnamese, or English where Accept-Language asks for it (RFC 9110, 12.5.4)."""

from __future__ import annotations

from typing import Literal

from flask import Request

Language = Literal["vi", "en"]


def language_of(request: Request) -> Language:
    """The best of our two languages by Accept-Language; Vietnamese where it names neither."""
    return "en" if request.accept_languages.best_match(["vi", "en"]) == "en" else "vi"
