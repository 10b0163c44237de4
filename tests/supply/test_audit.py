"""The audit ends 0 only where a source that knows its trade has answered for every locked package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest

HASH: Final = "--hash=sha256:" + 64 * "a"
LOCK: Final = f"flask==3.0 {HASH}\nlxml==6.1 {HASH}\nrich==15.0 {HASH}\n"
BAD_JINJA: Final = {"vulns": [{"id": "GHSA-462w-v97r-4m45"}]}

Answer = Callable[[list[Any]], Any]


@contextmanager
def source(answer: Answer, status: int = 200) -> Iterator[str]:
    """An advisory source on loopback: its address. `answer` makes the body from the queries, bytes as they are."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            queries = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
            told = answer(queries)
            body = told if isinstance(told, bytes) else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/querybatch"
        finally:
            server.shutdown()
            thread.join()


def audited(folder: Path, *address: str, lock: str = LOCK) -> tuple[int, list[str]]:
    (folder / "lock.txt").write_text(lock)
    command = [sys.executable, "-m", "tests.supply.audit", str(folder / "lock.txt"), *address]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def knows(**bad: list[str]) -> Answer:
    """A source that knows of old Jinja, and of these packages by their ids."""

    def answer(queries: list[Any]) -> Any:
        names = [query["package"]["name"] for query in queries]
        ids = {"jinja2": ["GHSA-462w-v97r-4m45"], **bad}
        return {"results": [{"vulns": [{"id": one} for one in ids[n]]} if n in ids else {} for n in names]}

    return answer


def test_where_no_advisory_names_a_package_it_ends_0(tmp_path: Path) -> None:
    with source(knows()) as address:
        assert audited(tmp_path, address) == (0, ["No advisory names a locked package. Looked up 3 of 3."])


def test_what_is_found_is_named_and_it_ends_1(tmp_path: Path) -> None:
    with source(knows(lxml=["PYSEC-1", "GHSA-2"])) as address:
        status, words = audited(tmp_path, address)
    assert status == 1
    assert words == ["Advisories name 1 of the locked packages: Looked up 3 of 3.", "  lxml 6.1: PYSEC-1, GHSA-2"]


def test_each_package_is_asked_by_name_version_and_ecosystem(tmp_path: Path) -> None:
    asked: list[Any] = []

    def noting(queries: list[Any]) -> Any:
        asked.extend(queries)
        return knows()(queries)

    with source(noting) as address:
        audited(tmp_path, address)
    assert asked[1:] == [
        {"package": {"name": "flask", "ecosystem": "PyPI"}, "version": "3.0"},
        {"package": {"name": "lxml", "ecosystem": "PyPI"}, "version": "6.1"},
        {"package": {"name": "rich", "ecosystem": "PyPI"}, "version": "15.0"},
    ]


SILENT: Final[dict[str, tuple[Answer, int]]] = {
    "it knows nothing at all": (lambda queries: {"results": [{} for _ in queries]}, 200),
    "it answers for nobody": (lambda queries: {"results": []}, 200),
    "it gives no results": (lambda queries: {}, 200),
    "it gives a list": (lambda queries: [], 200),
    "it gives advisories without ids": (lambda queries: {"results": [{"vulns": ["x"]} for _ in queries]}, 200),
    "it gives advisories that are no list": (lambda queries: {"results": [{"vulns": 7} for _ in queries]}, 200),
    "it gives a page of words": (lambda queries: b"<html>Blocked by your network</html>", 200),
    "it gives nothing": (lambda queries: b"", 200),
    "it fails": (lambda queries: {"results": []}, 500),
    "it refuses": (knows(), 403),
}


@pytest.mark.parametrize("silence", SILENT)
def test_a_source_that_could_not_be_asked_is_no_good_news(tmp_path: Path, silence: str) -> None:
    answer, status = SILENT[silence]
    with source(answer, status) as address:
        ended, words = audited(tmp_path, address)
    assert ended == 2
    assert words[0] == "Whether an advisory names a locked package is not known. Looked up 0 of 3."


def test_a_package_without_an_answer_is_counted(tmp_path: Path) -> None:
    with source(lambda queries: {"results": [BAD_JINJA, {}, None, {}]}) as address:
        ended, words = audited(tmp_path, address)
    assert (ended, words) == (2, ["Whether an advisory names a locked package is not known. Looked up 2 of 3."])


def test_an_answer_that_breaks_off_is_counted(tmp_path: Path) -> None:
    with source(lambda queries: {"results": [BAD_JINJA, {}]}) as address:
        ended, words = audited(tmp_path, address)
    assert (ended, words) == (2, ["Whether an advisory names a locked package is not known. Looked up 1 of 3."])


def test_what_is_found_is_told_though_others_were_not_looked_up(tmp_path: Path) -> None:
    with source(lambda queries: {"results": [BAD_JINJA, {"vulns": [{"id": "GHSA-9"}]}]}) as address:
        ended, words = audited(tmp_path, address)
    assert ended == 1
    assert words == ["Advisories name 1 of the locked packages: Looked up 1 of 3.", "  flask 3.0: GHSA-9"]


def test_an_advisory_on_the_second_page_is_found(tmp_path: Path) -> None:
    def paged(queries: list[Any]) -> Any:
        if queries[0].get("page_token") == "more":
            return {"results": [{"vulns": [{"id": "GHSA-second"}]}]}
        return {"results": [BAD_JINJA, {"next_page_token": "more"}, {}, {}]}

    with source(paged) as address:
        assert audited(tmp_path, address)[1][1:] == ["  flask 3.0: GHSA-second"]


def test_pages_without_end_are_not_looked_up(tmp_path: Path) -> None:
    def endless(queries: list[Any]) -> Any:
        return {
            "results": [BAD_JINJA if q["package"]["name"] == "jinja2" else {"next_page_token": "x"} for q in queries]
        }

    with source(endless) as address:
        ended, words = audited(tmp_path, address)
    assert (ended, words[0]) == (2, "Whether an advisory names a locked package is not known. Looked up 0 of 3.")


def test_where_nobody_listens_it_ends_2(tmp_path: Path) -> None:
    with source(knows()) as address:
        pass
    ended, words = audited(tmp_path, address)
    assert (ended, words[1]) == (2, "The source could not be asked: ConnectionError.")


def test_without_a_source_it_ends_2(tmp_path: Path) -> None:
    ended, words = audited(tmp_path)
    assert (ended, words[1].partition(":")[0]) == (2, "No source is named")


def test_an_empty_lock_is_not_clean(tmp_path: Path) -> None:
    with source(knows()) as address:
        assert audited(tmp_path, address, lock="") == (
            2,
            ["Whether an advisory names a locked package is not known. Looked up 0 of 0."],
        )


@pytest.mark.parametrize("lock", ["flask\n", "flask>=3\n", "<<<<<<< HEAD\n"])
def test_a_lock_that_cannot_be_read_ends_2(tmp_path: Path, lock: str) -> None:
    with source(knows()) as address:
        ended, words = audited(tmp_path, address, lock=lock)
    assert (ended, words[0].partition(":")[0]) == (2, "The lock cannot be read")
