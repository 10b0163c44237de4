"""A file of an edition is read whole or not at all, and every wrong line is told."""

from __future__ import annotations

from datetime import date

import pytest

from mappings.terminology.edition_file import BadFile, read
from mappings.terminology.editions import Edition

FIRST, LAST = date(2026, 7, 1), date(2027, 6, 30)


def edition(content: str | bytes, of: str = "icd10") -> Edition:
    body = content if isinstance(content, bytes) else content.encode()
    return read(body, of=of, name="06/2026/TT-BYT", first=FIRST, last=LAST, whole=True)


def test_a_file_says_codes_names_days_successors_and_limits() -> None:
    found = edition(
        "\ufeffcode,display,from,until,successors,limits\r\n"
        'A000,"Bệnh tả, typ cổ điển",,,,\r\n'
        "C53.0,Cổ tử cung,,,,f\r\n"
        "\r\n"
        "U07.1,COVID-19,2026-08-01,2026-12-31,U072;U07.3,nf\r\n"
    )
    assert found.names == {"A00.0": "Bệnh tả, typ cổ điển", "C53.0": "Cổ tử cung", "U07.1": "COVID-19"}
    assert found.span("A00.0") == (FIRST, LAST)
    assert found.span("U07.1") == (date(2026, 8, 1), date(2026, 12, 31))
    assert found.successors == {"U07.1": ("U07.2", "U07.3")}
    assert found.limits == {"C53.0": "f", "U07.1": "nf"}


def test_the_code_alone_is_enough() -> None:
    assert edition("code\n00004\n", of="commune").names == {"00004": ""}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "its header is not of"),
        ("display\nTả\n", "its header is not of"),
        ("code,name\nA00,Tả\n", "it has columns that are none: name"),
        ("code,code\nA00,A01\n", "its header is not of"),
        ("code\n", "it has no code"),
        ("code\nA00,Tả\n", "line 2: it has more cells than the header"),
        ("code\nchưa rõ\n", "line 2: code has not the form"),
        ("code\nA00\n\nA00\n", "line 4: code stands on line 2 already"),
        ("code\nA000\nA00.0\n", "line 3: code stands on line 2 already"),
        ("code,display\nA00,<b>Tả</b>\n", "line 2: display is no plain text"),
        ("code,from\nA00,01/07/2026\n", "line 2: from and until are days"),
        ("code,from,until\nA00,2026-09-01,2026-08-01\n", "line 2: no day of from to until"),
        ("code,until\nA00,2026-06-30\n", "line 2: no day of from to until"),
        ("code,successors\nA00,x\n", "line 2: successors have not the form"),
        ("code,limits\nA00,z\n", "line 2: limits are letters"),
        ('code,display\nA00,"Tả\n', "it is not written as CSV is"),
        ("code,display\nA00,Tả\n".encode("utf-16"), "it is not in UTF-8"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: str | bytes, problem: str) -> None:
    with pytest.raises(BadFile) as bad:
        edition(content)
    assert problem in str(bad.value)


def test_of_many_wrong_lines_twenty_are_told() -> None:
    with pytest.raises(BadFile) as bad:
        edition("code\n" + "".join(f"?{n}\n" for n in range(50)))
    assert len(bad.value.problems) == 21
    assert bad.value.problems[-1] == "and 30 more"
