"""Every page in a real browser: small and large, with and without scripts, in both languages, by keyboard alone."""

from __future__ import annotations

import re
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import CITIZEN, STAFF, Look, Tab

FACES: Final = {"citizen": "/", "facility": "/facility", "ops": "/ops"}
WHO: Final = {"citizen": CITIZEN, **STAFF}


def pages_of(page: Page) -> list[str]:
    """Where the menu of this face leads, and from there each kind of page once."""
    menu = [str(link.get_attribute("href")) for link in page.query_selector_all("nav a")]
    return list(dict.fromkeys(menu))


def further(page: Page) -> list[str]:
    """Pages of ours that this one leads to, one of each form."""
    found: dict[str, str] = {}
    for link in page.query_selector_all("main a[href^='/']"):
        href = str(link.get_attribute("href"))
        if not href.endswith(".ics") and "#" not in href:  # a place on this very page is none to go to
            found.setdefault(re.sub(r"[0-9a-f-]{20,}|[0-9]+", "*", href), href)
    return list(found.values())


def assert_good(tab: Tab, look: Look, path: str, status: int = 200) -> None:
    answer = tab.page.goto(tab.site.address + path)
    assert answer is not None
    assert (path, answer.status) == (path, status)
    page = tab.page
    assert page.get_attribute("html", "lang") == look.language
    assert len(page.query_selector_all("h1")) == 1
    # Nothing needs to be scrolled sideways but tables in a place of their own (WCAG 2.2, 1.4.10).
    width = page.evaluate("document.documentElement.scrollWidth")
    assert (path, width <= look.width) == (path, True)
    if look.scripts:
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        told = [(path, v["id"], v["nodes"][0]["html"]) for v in found.response["violations"]]
        assert told == []
    tab.shoot(f"{look}{path.replace('/', '_').partition('?')[0]}"[:60])


@pytest.mark.parametrize("path", [*FACES.values(), "/docs"])
def test_signed_out_every_face_is_a_page(tab: Tab, look: Look, path: str) -> None:
    assert_good(tab, look, path)


@pytest.mark.parametrize("face", FACES)
def test_every_page_of_a_face_is_good(tab: Tab, look: Look, face: str) -> None:
    page = tab.sign_in(WHO[face], FACES[face])
    walked: list[str] = []
    for path in [FACES[face], *pages_of(page)]:
        if path in walked:
            continue
        assert_good(tab, look, path)
        walked.append(path)
        for below in further(tab.page)[:6]:
            form = re.sub(r"[0-9a-f-]{20,}|[0-9]+", "*", below)
            if below not in walked and form not in {re.sub(r"[0-9a-f-]{20,}|[0-9]+", "*", each) for each in walked}:
                assert_good(tab, look, below)
                walked.append(below)
    assert len(walked) >= 1


def test_large_type_is_remembered_and_nothing_breaks(tab: Tab, look: Look) -> None:
    tab.open("/")
    tab.page.click("button[value=large]")
    assert "large-type" in str(tab.page.get_attribute("html", "class"))
    tab.sign_in(CITIZEN)
    assert "large-type" in str(tab.page.get_attribute("html", "class"))
    assert_good(tab, look, "/visits")


def test_by_keyboard_alone_one_signs_in_and_reads_a_visit(tab: Tab) -> None:
    page = tab.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    press_until(page, "/sign-in/citizen")
    page.keyboard.press("Enter")
    page.wait_for_selector(f'button[value="{CITIZEN}"]')
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == CITIZEN:
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("nav")
    press_until(page, "/visits")
    page.keyboard.press("Enter")
    page.wait_for_selector("article")
    press_until(page, "/visits/")
    page.keyboard.press("Enter")
    page.wait_for_selector("dl")
    assert "/visits/" in page.url


def press_until(page: Page, start: str) -> None:
    """Tab on until a link that begins so has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if str(page.evaluate("document.activeElement.getAttribute('href') || ''")).startswith(start):
            return
    raise AssertionError(f"no way to {start} by keyboard")


def test_targets_are_large_enough_for_a_shaking_hand(tab: Tab) -> None:
    tab.sign_in(CITIZEN)
    for path in ("/", "/visits", "/medicines"):
        page = tab.open(path)
        sizes = page.evaluate(
            "[...document.querySelectorAll('nav a, button, select, input:not([type=hidden])')]"
            ".map(e => [e.textContent.trim().slice(0, 20), Math.min(e.getBoundingClientRect().width,"
            " e.getBoundingClientRect().height)])"
        )
        assert [each for each in sizes if each[1] < 24] == []
