"""What stands inside a personal number of 12 digits, PPP G YY NNNNNN (NĐ 137/2015/NĐ-CP, TT 59/2021/TT-BCA). There is
no check digit, and a sex or birth may have been corrected since: all of it is a reason to look and none to refuse
(rules: number-structure).
"""

from __future__ import annotations

from typing import Final, Literal

# TT 07/2016/TT-BCA, appendix 1: where a birth was registered, by the 63 provinces of then; a merger changes no number.
_PROVINCES: Final = frozenset(
    f"{code:03}"
    for code in (
        *(
            1,
            2,
            4,
            6,
            8,
            10,
            11,
            12,
            14,
            15,
            17,
            19,
            20,
            22,
            24,
            25,
            26,
            27,
            30,
            31,
            33,
            34,
            35,
            36,
            37,
            38,
            40,
            42,
            44,
        ),
        *(45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87),
        *(89, 91, 92, 93, 94, 95, 96),
    )
)
_INVENTED: Final = "099"  # of the people of tests and demos; no real number has it
_FIRST_COUNTRY: Final = "101"  # appendix 2, births abroad: not public as data


def is_personal(number: str) -> bool:
    """Whether this is a number of 12 digits."""
    return len(number) == 12 and number.isascii() and number.isdigit()


def is_place_known(number: str) -> bool:
    """Whether a 12-digit number begins with a province, or may begin with a country."""
    place = number[:3]
    return place in _PROVINCES or place == _INVENTED or place >= _FIRST_COUNTRY


def birth_year_in(number: str) -> int:
    """The birth year inside a 12-digit number: G counts sex and century."""
    return 1900 + int(number[3]) // 2 * 100 + int(number[4:6])


def sex_in(number: str) -> Literal["male", "female"]:
    """The sex inside a 12-digit number: an even fourth digit is male."""
    return "female" if int(number[3]) % 2 else "male"
