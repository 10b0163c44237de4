"""Who a health book knows under a number: FHIR search by POST, as a number belongs into no address.

https://hl7.org/fhir/R4/http.html#search
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import orjson

from ehr_sync.adapters.client_credentials import ClientCredentials
from ehr_sync.adapters.client_sign_in import SignIn
from ehr_sync.adapters.timed_http import Caller, NoAnswer
from ehr_sync.core.errors import Unavailable

_LARGEST_ANSWER: Final = 1_000_000


class BookSearch:
    """Searches one book for Patients."""

    def __init__(self, *, url: str, token_url: str, sign_in: SignIn, scope: str, deadline_seconds: float) -> None:
        self._url = f"{url.rstrip('/')}/Patient/_search"
        self._caller = Caller(seconds=deadline_seconds, largest_answer=_LARGEST_ANSWER)
        self._credentials = ClientCredentials(self._caller, url=token_url, sign_in=sign_in, scope=scope)

    def living_patients(self, system: str, number: str) -> frozenset[str]:
        """The ids of the Patients with this identifier that are neither inactive nor replaced by another one.

        Raises Unavailable where the book does not say.
        """
        form = urlencode({"identifier": f"{system}|{number}"}).encode()
        try:
            with self._caller.deadline():
                headers = {
                    "Authorization": f"Bearer {self._credentials.token()}",
                    "Accept": "application/fhir+json",
                    "Content-Type": "application/x-www-form-urlencoded",
                }
                answer = self._caller.send("POST", self._url, headers=headers, body=form)
        except NoAnswer:
            raise Unavailable("book.no_answer") from None
        if answer.status != 200:
            raise Unavailable(f"book.status_{answer.status}", answer.retry_after)
        return _living(answer.body)

    def close(self) -> None:
        """Close the kept connections."""
        self._caller.close()


def _living(body: bytes) -> frozenset[str]:
    try:
        bundle = orjson.loads(body)
        if bundle["resourceType"] != "Bundle":
            raise Unavailable("book.unreadable")
        resources = [entry.get("resource", {}) for entry in bundle.get("entry", [])]
        return frozenset(str(each["id"]) for each in resources if _is_living(each))
    except (orjson.JSONDecodeError, TypeError, KeyError, AttributeError):
        raise Unavailable("book.unreadable") from None


def _is_living(resource: dict[str, Any]) -> bool:
    replaced = any(link.get("type") == "replaced-by" for link in resource.get("link", []))
    return resource.get("resourceType") == "Patient" and resource.get("active") is not False and not replaced
