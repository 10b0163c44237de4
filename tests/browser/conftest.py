"""A real browser before the whole service. Without Chromium these are skipped, and the run's last lines say so."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from ehr_sync.adapters import key_file
from ehr_sync.runtime.embedded_postgres import EmbeddedPostgres
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.world import World
from ehr_sync.store import people, staff
from ehr_sync.store.database import Database
from ehr_sync.store.staff import Post
from ehr_sync.web.design.build import build
from tests.databases import Dsns, fresh_databases
from tests.usecases.service import DAY, number_of
from tests.whole import site as whole
from tests.whole.site import Site

CITIZEN: Final = number_of(0)
STAFF: Final = {"ops": OPERATOR.number, "facility": WORKERS["01001"].number}
CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FULL: Final = bool(os.environ.get("EHR_SYNC_ALL_BROWSERS"))
SHOTS: Final = os.environ.get("EHR_SYNC_SCREENSHOTS")


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at the pages."""

    language: str
    width: int
    scripts: bool

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{'js' if self.scripts else 'nojs'}"


LOOKS: Final = (
    [Look(language, width, js) for language in ("vi", "en") for width in (320, 768, 1280) for js in (False, True)]
    if FULL
    else [Look("vi", 320, False), Look("en", 1280, True)]
)


@pytest.fixture(scope="package")
def site(postgres: EmbeddedPostgres, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The service with schedulers, one book of some visits, and people who work at their faces; one for all looks."""
    build()
    folder = tmp_path_factory.mktemp("site")
    signing_in = {"sign_in_client": "pages", "sign_in_secret": "of the sandbox"}
    with (
        fresh_databases(postgres) as dsns,
        whole.running(dsns, world, folder, schedulers=1, **signing_in) as running,
    ):
        _employ(dsns, folder)
        sent = [dossier(900 + n, person_index=0, shape=s, rows=10) for n, s in enumerate(("outpatient", "inpatient"))]
        assert running.post(envelope(sent, made_on=DAY)).status_code == 200
        deadline = time.monotonic() + 30
        while running.rows("SELECT count(*) FROM book_entry")[0][0] < len(sent):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield running


def _employ(dsns: Dsns, folder: Path) -> None:
    database, keys = Database(dsns.main, connections=1), key_file.load(folder / "keys.json")
    with database.begin() as connection:
        for role, number in STAFF.items():
            post = Post("ops") if role == "ops" else Post("facility", "01001")
            last = DAY.replace(year=DAY.year + 50)
            staff.grant(
                connection, keys, people.number_mark_of(keys.index, number), post, valid_from=DAY, valid_to=last
            )
    database.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: make browsers")
    with sync_playwright() as playwright:
        # As root, which CI is, Chromium runs without its sandbox only.
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


class Tab:
    """One visitor's browser, which fails on what a page must not do."""

    def __init__(self, site: Site, context: BrowserContext) -> None:
        self.site, self.page = site, context.new_page()
        self.wrong: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("console", lambda said: self.wrong.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))

    def _asked(self, request: Any) -> None:
        known = (self.site.address, self.site.world.issuer_url, "data:")
        if not request.url.startswith(known):
            self.wrong.append(f"asked {request.url}")

    def open(self, path: str) -> Page:
        """Go to a page of ours."""
        self.page.goto(self.site.address + path)
        return self.page

    def sign_in(self, number: str, face: str = "/") -> Page:
        """Sign in as a person would: by the button, then by picking oneself."""
        self.open(face)
        self.page.click("main a.btn-primary")
        self.page.click(f'button[value="{number}"]')
        return self.page

    def shoot(self, name: str) -> None:
        """Keep a picture, where somebody wants them."""
        if SHOTS:
            self.page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.fixture(params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    """Each way of looking."""
    found: Look = request.param
    return found


@pytest.fixture
def tab(site: Site, browser: Browser, look: Look) -> Iterator[Tab]:
    """A browser of this look; at its end nothing may have gone wrong in it."""
    context = browser.new_context(
        viewport={"width": look.width, "height": 800},
        locale="vi-VN" if look.language == "vi" else "en-GB",
        java_script_enabled=look.scripts,
    )
    made = Tab(site, context)
    yield made
    context.close()
    assert made.wrong == []
