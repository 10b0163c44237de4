"""python -m tests.browser.pictures: the README's pictures, of a demo that is started for them and ends with them.

Everybody on them is invented.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Final

import requests
from playwright.sync_api import Browser, sync_playwright

from ehr_sync.runtime.processes import happens
from ehr_sync.sandbox.city import clients
from ehr_sync.sandbox.city.people import TODAY, person
from ehr_sync.sandbox.city.staff import OPERATOR, WORKERS
from ehr_sync.sandbox.dossiers.generator import dossier, envelope
from ehr_sync.sandbox.serving.asking import post_json
from tests.browser.conftest import CHROMIUM

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
MOST_BYTES: Final = 120_000
_PORT: Final = 18_080
_READER: Final = 255  # of those whom the sandbox lets sign in with one click
_PHONE, _DESK = (360, 720), (1280, 560)
_FACILITY: Final = "01001"

# By file name: whose page, its address, and how large.
_PICTURES: Final = {
    "citizen-home": (person(_READER).number, "/", _PHONE),
    "citizen-visits": (person(_READER).number, "/visits", _PHONE),
    "citizen-results": (person(_READER).number, "/results", _PHONE),
    "desk-today": (WORKERS[_FACILITY].number, f"/facility/{_FACILITY}", _DESK),
    "desk-work": (WORKERS[_FACILITY].number, f"/facility/{_FACILITY}/work", _DESK),
    "operator-home": (OPERATOR.number, "/ops", _DESK),
}
_TO_THE_LONGEST_LINE: Final = """
[...document.querySelectorAll("section")]
  .sort((a, b) => b.querySelectorAll("circle").length - a.querySelectorAll("circle").length)[0].scrollIntoView()
"""
_FACES: Final = {"citizen": "citizen", "desk": "facility", "operator": "ops"}


def main() -> None:
    """Write all of them. Raises RuntimeError where the demo does not start, or a picture is too large."""
    FOLDER.mkdir(exist_ok=True)
    with _demo() as (url, folder), sync_playwright() as playwright:
        _send_visits(url, folder / "world")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in _PICTURES:
            _take(browser, url, name)
        browser.close()


@contextmanager
def _demo() -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ehr_sync.cli", "demo", "--folder", f"{folder}/demo", "--port", str(_PORT)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            if not any(line.startswith("Ctrl-C") for line in process.stdout):
                raise RuntimeError("the demo did not start")
            yield f"http://127.0.0.1:{_PORT}", Path(folder) / "demo"
        finally:
            process.terminate()
            process.communicate()


def _send_visits(url: str, world: Path) -> None:
    """Some visits of the reader, each with the tests of the one before."""
    days = (TODAY - timedelta(days=1 + 75 * n) for n in range(5))
    sent = [
        dossier(900 + n, person_index=_READER, shape="outpatient", rows=24, visit_day=day) for n, day in enumerate(days)
    ]
    token = clients.access_token(world, _FACILITY, service_url=url)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/xml"}
    requests.post(f"{url}/api/v1/submissions", data=envelope(sent), headers=headers, timeout=60).raise_for_status()
    login = post_json(f"http://127.0.0.1:{_PORT + 13}/token", {"number": person(_READER).number})["access_token"]

    def has_come() -> bool:
        book = requests.get(f"{url}/fhir/Encounter", headers={"Authorization": f"Bearer {login}"}, timeout=30)
        return book.status_code == 200 and book.json()["total"] >= len(sent)

    if not happens(has_come, 60):
        raise RuntimeError("the visits did not come")


def _take(browser: Browser, url: str, name: str) -> None:
    number, address, (width, height) = _PICTURES[name]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="vi-VN")
    page = context.new_page()
    page.goto(f"{url}/sign-in/{_FACES[name.partition('-')[0]]}")
    page.click(f'button[value="{number}"]')
    page.goto(url + address)
    if address == "/results":
        page.evaluate(_TO_THE_LONGEST_LINE)
    picture = page.screenshot()
    context.close()
    if len(picture) > MOST_BYTES:
        raise RuntimeError(f"{name}: {len(picture):,} bytes")
    (FOLDER / f"{name}.png").write_bytes(picture)


if __name__ == "__main__":
    main()
