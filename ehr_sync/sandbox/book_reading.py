"""What the sandbox's health book holds for a person, asked as any client of it would."""

from __future__ import annotations

from typing import Any

from ehr_sync.sandbox.asking import get_json, post_form


def everything_of(number: str, *, book_url: str, token_url: str, client_id: str, secret: str) -> dict[str, Any]:
    """A FHIR Bundle: the person's Patient, everything in their compartment and what it refers to; else empty.

    Raises Misconfigured where the book does not answer.
    """
    fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    headers = {"Authorization": f"Bearer {post_form(token_url, fields)['access_token']}"}
    # By POST: a number does not belong into an address.
    found: dict[str, Any] = post_form(f"{book_url}/Patient/_search", {"identifier": number}, headers)
    if not found["entry"]:
        return found
    patient = found["entry"][0]["resource"]["id"]
    bundle: dict[str, Any] = get_json(f"{book_url}/Patient/{patient}/$everything", headers)
    return bundle
