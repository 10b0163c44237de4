"""ehr-sync app …: which apps citizens may be asked by."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from click.testing import CliRunner, Result

from ehr_sync.commands.apps import app
from ehr_sync.core.errors import Misconfigured
from tests.usecases.service import Running

GOOD: Final = ["add", "so-tay", "--name-vi", "Sổ tay", "--name-en", "Diary", "--redirect", "https://app.example/cb"]


@pytest.fixture(autouse=True)
def empty(running: Running) -> None:
    """No app is registered when a test begins."""
    running.run("DELETE FROM app")


def ran(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(app, arguments)


def test_an_app_is_added_listed_and_taken_out_each_with_an_entry(running: Running) -> None:
    assert ran(*GOOD, "--origin", "https://app.example").output == "so-tay is registered.\n"
    assert ran("list").output == "so-tay\tSổ tay\tDiary\n\thttps://app.example/cb\n\thttps://app.example\n"
    listed: list[dict[str, Any]] = json.loads(ran("list", "--json").output)
    assert listed == [
        {
            "client_id": "so-tay",
            "name_vi": "Sổ tay",
            "name_en": "Diary",
            "redirects": ["https://app.example/cb"],
            "origins": ["https://app.example"],
        }
    ]
    assert ran("remove", "so-tay").output == "so-tay is shut out; 0 grants ended.\n"
    assert json.loads(ran("list", "--json").output) == []
    newest = (
        "SELECT split_part(actor, ':', 1), action, detail FROM audit_event WHERE action <> 'edge'"
        " ORDER BY n DESC LIMIT 2"
    )
    entries = running.rows(newest)
    assert [tuple(row) for row in reversed(entries)] == [
        ("ops", "add app", "so-tay"),
        ("ops", "remove app", "so-tay grants=0"),
    ]


def test_an_id_is_given_once_and_for_ever() -> None:
    assert ran(*GOOD).exit_code == 0
    assert isinstance(ran(*GOOD).exception, Misconfigured)
    assert ran("remove", "so-tay").exit_code == 0
    assert isinstance(ran(*GOOD).exception, Misconfigured)
    assert isinstance(ran("remove", "so-tay").exception, Misconfigured)


@pytest.mark.parametrize(
    "redirect",
    [
        "http://app.example/cb",
        "https://app.example",
        "https://app.example/cb#x",
        "https://app.example/c b",
        "https://user@app.example/cb",
        "https://App.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://*.app.example/cb",
        "https://app.example;script-src x/cb",
        "https:///cb",
        "//app.example/cb",
        "/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "app:/cb",
        "file:///etc/passwd",
        "http://127.0.0.1.evil.example/cb",
        "https://app.example/cb\r\nX: y",
        "",
    ],
)
def test_an_address_that_browsers_could_read_in_two_ways_is_not_registered(redirect: str) -> None:
    assert isinstance(ran(*GOOD[:-1], redirect).exception, Misconfigured)
    assert json.loads(ran("list", "--json").output) == []


@pytest.mark.parametrize(
    "redirect",
    ["https://app.example/", "https://app.example:8443/cb?a=b", "http://127.0.0.1/cb", "http://[::1]:1/cb",
     "http://localhost:3000/cb", "vn.example.so-tay:/cb"],
)  # fmt: skip
def test_addresses_of_web_desk_and_phone_are_registered(redirect: str) -> None:
    assert ran(*GOOD[:-1], redirect).exit_code == 0


@pytest.mark.parametrize(
    "wrong",
    [["--origin", "https://app.example/"], ["--origin", "*"], ["--origin", "null"], ["--origin", "http://app.example"],
     ["--name-vi", ""], ["--name-en", "<b>"], ["--name-vi", "x" * 81]],
)  # fmt: skip
def test_what_is_no_origin_and_no_name_is_not_registered(wrong: list[str]) -> None:
    assert isinstance(ran(*GOOD, *wrong).exception, Misconfigured)


def test_an_id_is_plain() -> None:
    for wrong in ("so tay", "so/tay", "x" * 65, ""):
        assert isinstance(ran("add", wrong, *GOOD[2:]).exception, Misconfigured)
