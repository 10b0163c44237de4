"""What a citizen waits for, by size of the book: first page, timeline, a search, the whole book, its summary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path

import requests

from bench.figures import SHORT, Figure, Section, cost, percentile
from bench.readers import BLOCKS, FLOOR, Reader, Times, bare, fill, measure, reader
from bench.site import Site, site, web

_AIMS = {("first page", 500): 30.0}  # ms, by what is asked and the wanted size
_HIDDEN = re.compile(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">')


def run(size: str, folder: Path) -> Section:
    """The section of pages."""
    wanted, count = ((10, 60), 8) if size == SHORT else ((50, 500, 5000), 200)
    figures: list[Figure] = []
    with site(folder) as here:
        for n, resources in enumerate(wanted):
            fill(here, n, resources)
        with web(here, workers=1 if size == SHORT else 2) as gunicorn:
            readers = [reader(here, n) for n in range(len(wanted))]
            with bare(here, readers) as floor:
                for about, each in zip(wanted, readers, strict=True):
                    for name, (path, headers) in _asked(each, _signed_in(here, each)).items():
                        times = measure(here, path, each, headers, gunicorn=gunicorn, floor=floor, requests=count)
                        figures += _figures(f"{name}, {each.resources:,} resources", times, _AIMS.get((name, about)))
    return Section(
        "pages",
        tuple(figures),
        (
            f"{count} requests each over one kept connection, taking turns with the floor in {BLOCKS} blocks",
            f"{FLOOR}; of a search and a summary too, since the book is opened whole for them",
        ),
    )


def _asked(reader: Reader, cookie: Mapping[str, str]) -> dict[str, tuple[str, Mapping[str, str]]]:
    own = f"/fhir/Patient/{reader.person_id}"
    return {
        "first page": ("/", cookie),
        "timeline": ("/visits", cookie),
        "one resource": (f"/fhir/Patient/{reader.person_id}", reader.headers),
        "search": ("/fhir/Observation?category=laboratory&_sort=-date&_count=20", reader.headers),
        "$everything": (f"{own}/$everything", reader.headers),
        "$summary": (f"{own}/$summary", reader.headers),
    }


def _signed_in(site: Site, reader: Reader) -> Mapping[str, str]:
    """The cookie of somebody who has signed in at the provider, as a browser would send it."""
    with requests.Session() as browser:
        browser.trust_env = False
        page = browser.get(f"{site.url}/sign-in/citizen", timeout=30)
        form = {name: unescape(value) for name, value in _HIDDEN.findall(page.text.partition("</form>")[0])}
        home = browser.post(
            page.url.partition("?")[0], data={**form, "number": reader.number, "level": "2"}, timeout=30
        )
        home.raise_for_status()
        return {"Cookie": "; ".join(f"{each.name}={each.value}" for each in browser.cookies)}


def _figures(name: str, times: Times, most: float | None) -> tuple[Figure, ...]:
    p50, p99 = (percentile(times.ours, share) * 1000 for share in (0.5, 0.99))
    floor50, floor99 = (percentile(times.floor, share) * 1000 for share in (0.5, 0.99))
    return (
        cost(f"{name}: p50", p50, "ms", floor=floor50, most=most),
        cost(f"{name}: p99", p99, "ms", floor=floor99),
    )
