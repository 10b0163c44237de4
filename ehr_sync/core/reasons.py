"""Why an operator orders something: one of a few words, a ticket, or both. No sentence: what is written freely comes to
hold names and numbers, and it is kept in the clear (P11).
"""

from __future__ import annotations

import re
from typing import Final

REASONS: Final = ("book_lost_data", "book_mended", "correction", "restore", "upgrade", "test", "other")
_WORD: Final = f"(?:{'|'.join(REASONS)})"
TICKET: Final = "(?:ticket|yc|inc|req|chg)-[0-9]{1,6}"  # too few digits for anybody's number
_FORM: Final = re.compile(f"(?:{_WORD}|{TICKET}|{_WORD}/{TICKET})?")


def is_reason(text: str) -> bool:
    """Whether a text is a reason: nothing, a word of REASONS, a ticket (ticket-17), or both (restore/ticket-17)."""
    return _FORM.fullmatch(text) is not None
