"""Settings that cannot be meant are refused at the start, in one sentence that names the variable."""

from __future__ import annotations

import pytest

from ehr_sync.core.errors import Misconfigured
from ehr_sync.settings import settings_of

GIVEN = {"dsn": "postgresql:///main", "key_dsn": "postgresql:///keys", "key_file": "/nowhere/keys.json"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("book_url", "ftp://book.example/fhir", "Set EHR_SYNC_BOOK_URL to an http or https address."),
        ("book_url", "https://a:b@book.example/fhir", "Take user and password out of EHR_SYNC_BOOK_URL."),
        ("registry_url", "https://a@registry.example", "Take user and password out of EHR_SYNC_REGISTRY_URL."),
        ("lease_seconds", "40", "Set EHR_SYNC_BOOK_DEADLINE_SECONDS below half of EHR_SYNC_LEASE_SECONDS."),
        ("book_calls", "many", "Set EHR_SYNC_BOOK_CALLS to a number: most calls of the health book"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        settings_of({**GIVEN, name: value})
    assert refused.value.code.startswith(said)


def test_a_setting_that_is_missing_is_asked_for_by_its_name() -> None:
    with pytest.raises(Misconfigured) as refused:
        settings_of({"dsn": "postgresql:///main"})
    assert refused.value.code.startswith("Set EHR_SYNC_KEY_DSN: ")
