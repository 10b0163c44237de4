"""The sandbox's personal health book: python -m ehr_sync.sandbox.book --port N --folder F [--null].

A small FHIR R4 server: transactions of PUT and DELETE, versions, ETags, history, $everything, behind OAuth 2.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click

from ehr_sync.sandbox.book import null_book
from ehr_sync.sandbox.book import push as book_push
from ehr_sync.sandbox.book import versions as book_versions
from ehr_sync.sandbox.book.fhir_answers import bundle_of, one_of, outcome, said
from ehr_sync.sandbox.serving import oauth, server
from ehr_sync.sandbox.serving.accounts import SECRET, USER
from ehr_sync.sandbox.serving.exchange import Answer, Request
from ehr_sync.sandbox.serving.storage import Storage, note

_RESOURCE: Final = re.compile(r"/fhir/([A-Z][A-Za-z]+)/([A-Za-z0-9.\-]{1,64})(/_history|/\$everything)?(?:/(\d+))?")
_CAPABILITIES: Final = {
    "resourceType": "CapabilityStatement",
    "status": "active",
    "date": "2026-01-01",
    "kind": "instance",
    "fhirVersion": "4.0.1",
    "format": ["json"],
    "implementation": {"description": "ehr-sync sandbox: invented people only"},
    "rest": [{"mode": "server", "interaction": [{"code": "transaction"}]}],
}


class Book:
    """Routes; everything but the capabilities and the tokens needs a token."""

    def __init__(self, storage: Storage, desk: oauth.TokenDesk) -> None:
        self._storage, self._desk = storage, desk

    def handle(self, request: Request) -> Answer:
        """One request."""
        match (request.method, request.path):
            case ("POST", "/oauth2/token"):
                return self._desk.issue(request)
            case ("DELETE", "/_tokens"):
                return self._desk.revoke_all()
            case ("GET", "/fhir/metadata"):
                return said(_CAPABILITIES)
        if not self._desk.knows(request):
            return outcome(401, "login", headers={"WWW-Authenticate": "Bearer"})
        return self._signed_in(request)

    def _signed_in(self, request: Request) -> Answer:
        match (request.method, request.path.rstrip("/")):
            case ("POST", "/fhir"):
                return book_push.take(request, self._storage)
            case ("GET", "/fhir/Patient"):
                return self._search(request.query.get("identifier", ""))
            case ("POST", "/fhir/Patient/_search"):
                return self._search(request.form.get("identifier", ""))
            case ("PUT" | "DELETE", path) if found := _RESOURCE.fullmatch(path):
                return book_push.take_alone(request, self._storage, found[1], found[2])
            case ("GET", path) if found := _RESOURCE.fullmatch(path):
                return self._read(request, *found.groups())
        return outcome(404, "not-found")

    def _search(self, identifier: str) -> Answer:
        with self._storage.reading() as connection:
            found = book_versions.patients_with(connection, identifier.rpartition("|")[2])
        return bundle_of(found, "searchset")

    def _read(self, request: Request, kind: str, resource_id: str, part: str | None, number: str | None) -> Answer:
        with self._storage.transaction() as connection:
            versions = book_versions.history(connection, kind, resource_id)
            answer = one_of(versions, number)
            if versions and part == "/$everything":
                answer = bundle_of(book_versions.everything(connection, resource_id), "searchset")
            elif versions and part and number is None:
                answer = bundle_of(versions, "history")
            entry = {"kind": "read", "path": request.path, "status": answer.status, "fate": request.fate}
            note(connection, entry)
        return answer


@click.command(help="The sandbox's health book.")
@server.arguments
@click.option("--null", "does_nothing", is_flag=True, help="Keep nothing and answer at once, for benchmarks.")
@click.option("--client-id", default=USER)
@click.option("--client-secret", default=SECRET)
@click.option("--token-seconds", default=300.0)
def main(
    *,
    port: int,
    folder: Path,
    tied: bool,
    does_nothing: bool,
    client_id: str,
    client_secret: str,
    token_seconds: float,
) -> None:
    """Serve until killed."""
    server.end_with_parent(tied)
    if does_nothing:
        null_book.serve(port)
        return
    storage = Storage(folder / "book.sqlite", oauth.SCHEMA + book_versions.SCHEMA + book_push.SCHEMA)
    desk = oauth.TokenDesk(storage, client_id, client_secret, token_seconds)
    server.serve(Book(storage, desk).handle, port=port, storage=storage)


if __name__ == "__main__":
    main()
