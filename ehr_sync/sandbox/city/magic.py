"""Published magic numbers: people whose number makes the registry or the book behave in one way, on purpose.

Index 900000 and up of the invented population is reserved for them; everybody else behaves normally.
"""

from __future__ import annotations

from typing import Final

FIRST_MAGIC_INDEX: Final = 900_000

REGISTRY: Final[dict[int, str]] = {
    900_001: "not_found",
    900_002: "tone_name",  # same name, the other tone placement (Hòa/Hoà): proven
    900_003: "other_name",  # the registry holds another name: no match, as it cannot say why
    900_004: "year_only",  # the registry holds a birth year only
    900_005: "time_out",
    900_006: "error_500",
    900_007: "garbage",  # 200 with something that is not the expected XML
    900_008: "other_number",  # answers with somebody else's number
    900_009: "marks_dropped",  # the registry holds the name without its marks: review
}

BOOK: Final[dict[int, str]] = {
    900_021: "throttled",  # 429 with Retry-After, for the first three pushes
    900_022: "unavailable",  # 503, for the first three pushes
    900_023: "slow",  # answers after two seconds
    900_024: "dripping",  # one byte a second
    900_025: "bad_request",  # 400, always
    900_026: "refuses_entry",  # 400 with an OperationOutcome that names one entry, always
    900_027: "stored_no_answer",  # stores, then closes the connection without an answer, the first time
}
