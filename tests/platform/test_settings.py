"""Settings that cannot be meant are refused at the start, in one sentence that names the variable."""

from __future__ import annotations

from dataclasses import MISSING, fields

import pytest

from ehr_sync.core.errors import Misconfigured
from ehr_sync.settings import Settings, settings_of
from tests import given

GIVEN = given.settings(dsn="postgresql:///main", key_dsn="postgresql:///keys", key_file="/nowhere/keys.json")
ADDRESSES = ("public_url", "registry_url", "book_url", "book_token_url", "issuer_url")
MAY_BE_ZERO = {"spool_bytes", "registry_calls_per_minute", "registry_calls_per_day"}
NUMBERS = {f.name: f for f in fields(Settings) if f.type in {"int", "float"}}


def refusal(**changed: str) -> str:
    with pytest.raises(Misconfigured) as refused:
        settings_of({**GIVEN, **changed})
    return refused.value.code


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("lease_seconds", "40", "Set EHR_SYNC_BOOK_DEADLINE_SECONDS below half of EHR_SYNC_LEASE_SECONDS."),
        ("retry_first_seconds", "3601", "Set EHR_SYNC_RETRY_FIRST_SECONDS to at most EHR_SYNC_RETRY_LONGEST_SECONDS."),
        ("book_calls", "many", "Set EHR_SYNC_BOOK_CALLS to a number: most calls of the health book"),
        ("book_calls", "1.5", "Set EHR_SYNC_BOOK_CALLS to a number: most calls of the health book"),
        ("book_calls", "0", "Set EHR_SYNC_BOOK_CALLS to a number from 1 to 1000: most calls of the health book"),
        ("sweep_seconds", "nan", "Set EHR_SYNC_SWEEP_SECONDS to a number from 0.01 to 3600: pause between"),
        ("log_level", "loud", "Set EHR_SYNC_LOG_LEVEL to debug, info, warning or error."),
        ("book_sign_in", "none", "Set EHR_SYNC_BOOK_SIGN_IN to client_secret_basic, client_secret_post or private_"),
        ("book_sign_in", "private_key_jwt", "Set EHR_SYNC_BOOK_CLIENT_KEY: file with our private JWK"),
        ("book_client_secret", "", "Set EHR_SYNC_BOOK_CLIENT_SECRET: our client secret at the health book"),
        ("registry_flavour", "rest", "Set EHR_SYNC_REGISTRY_FLAVOUR to soap_037, soap_003 or json."),
        ("registry_secret", "", "Set EHR_SYNC_REGISTRY_SECRET: secret there, unless certificate"),
        ("registry_sign_in", "certificate", "Set EHR_SYNC_REGISTRY_CERTIFICATE: PEM file with our certificate"),
        ("registry_certificate", "our.pem", "Set EHR_SYNC_REGISTRY_CERTIFICATE_KEY: PEM file with its private key"),
        ("registry_token_url", "http://gateway.example/token", "Set EHR_SYNC_REGISTRY_TOKEN_URL to an https address"),
        ("registry_calls_per_day", "2", "Set EHR_SYNC_REGISTRY_CALLS_PER_DAY to 3 or more, or to 0"),
        ("registry_headers", "ApiKey", "Set EHR_SYNC_REGISTRY_HEADERS to Name: value, with ; between several."),
        ("registry_headers", "A: 1; Api Key: 2", "Set EHR_SYNC_REGISTRY_HEADERS to Name: value"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    assert refusal(**{name: value}).startswith(said)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1", "1e18"])
def test_a_number_that_no_setting_can_mean_is_refused_by_its_name(name: str, value: str) -> None:
    assert refusal(**{name: value}).startswith(f"Set EHR_SYNC_{name.upper()} to a number")


@pytest.mark.parametrize("name", sorted(NUMBERS.keys() - MAY_BE_ZERO))
def test_no_number_may_be_zero_where_zero_means_nothing(name: str) -> None:
    assert refusal(**{name: "0"}).startswith(f"Set EHR_SYNC_{name.upper()} to a number from ")


def test_every_body_may_be_spooled() -> None:
    assert settings_of({**GIVEN, "spool_bytes": "0"}).spool_bytes == 0


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    "value",
    [
        "https://book.example/fhir",
        "https://book.example:8443/fhir/",
        "https://sổ.example/fhir",
        "http://127.0.0.1:8092/fhir",
        "http://127.9.9.9",
        "http://[::1]:8092/fhir",
        "http://localhost:8092/fhir",
        "HTTP://LOCALHOST/fhir",
    ],
)
def test_an_address_over_tls_or_on_this_machine_is_taken(name: str, value: str) -> None:
    assert getattr(settings_of({**GIVEN, name: value}), name) == value


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("ftp://book.example/fhir", "Set {} to an http or https address."),
        ("book.example/fhir", "Set {} to an http or https address."),
        ("https:///fhir", "Set {} to an http or https address."),
        ("https://book.example:99999", "Set {} to an http or https address."),
        ("https://book.example:0", "Set {} to an http or https address."),
        ("https://book.example/f hir", "Set {} to an http or https address."),
        ("https://book.exam\nple/fhir", "Set {} to an http or https address."),
        ("http://127.0.0.1\\@book.example/", "Set {} to an http or https address."),
        ('https://book.example/"', "Set {} to an http or https address."),
        ("https://book.example/a|b", "Set {} to an http or https address."),
        ("https://[::1/fhir", "Set {} to an http or https address."),
        ("https://a:b@book.example/fhir", "Take user and password out of {}."),
        ("https://a@book.example", "Take user and password out of {}."),
        ("http://127.0.0.1@book.example", "Take user and password out of {}."),
        ("https://book.example/fhir?key=1", "Take everything from ? or # on out of {}."),
        ("https://book.example/fhir#", "Take everything from ? or # on out of {}."),
        ("http://book.example/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://10.0.0.5/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://0.0.0.0/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://[::]/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://[::ffff:10.0.0.5]/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://128.0.0.1/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://127.1/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://2130706433/fhir", "Set {} to an https address: http is for this machine alone."),
        ("http://localhost.book.example/", "Set {} to an https address: http is for this machine alone."),
        ("http://127.0.0.1.book.example/", "Set {} to an https address: http is for this machine alone."),
    ],
)
def test_an_address_that_is_none_or_without_tls_is_refused_by_its_name(name: str, value: str, said: str) -> None:
    assert refusal(**{name: value}) == said.format(f"EHR_SYNC_{name.upper()}")


@pytest.mark.parametrize(
    "value", ["127.0.0.1:8080", "0.0.0.0:80", "[::1]:8080", "sync-1.internal:65535", "unix:/run/w"]
)
def test_where_it_listens_is_a_setting_of_its_own(value: str) -> None:
    assert settings_of({**GIVEN, "bind": value}).bind == value


@pytest.mark.parametrize(
    "value", ["8080", ":8080", "127.0.0.1", "127.0.0.1:0", "a:65536", "http://a:80", "a:8o", "unix:"]
)
def test_a_place_to_listen_that_is_none_is_refused(value: str) -> None:
    assert refusal(bind=value).startswith("Set EHR_SYNC_BIND to HOST:PORT, such as 127.0.0.1:8080")


@pytest.mark.parametrize(
    "value", ["https://ehr.city.example/fhir", "http://ehr.city.example", "https://a.example:1/b/c"]
)
def test_our_own_uris_may_begin_with_an_address_that_nobody_calls(value: str) -> None:
    assert settings_of({**GIVEN, "uri_base": value}).uri_base == value


@pytest.mark.parametrize(
    "value",
    [
        *("/fhir", "urn:oid:1.2", "https://", "https://a b.example", "https://a.example:99999", "https://x@a.example"),
        *("https://a.example/", "https://a.example/fhir?x", "https://a.example//fhir", "https://a.example/fhir#"),
        *('https://a.example/"', "https://a.example/a|b", "https://sổ.example/fhir", "https://a.example/fhir\n"),
    ],
)
def test_what_no_uri_may_begin_with_is_refused(value: str) -> None:
    assert refusal(uri_base=value).startswith("Set EHR_SYNC_URI_BASE to an address such as https://")


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if f.default is MISSING])
def test_a_setting_that_is_missing_is_asked_for_by_its_name(name: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        settings_of({key: value for key, value in GIVEN.items() if key != name})
    assert refused.value.code.startswith(f"Set EHR_SYNC_{name.upper()}: ")


def test_nothing_that_says_where_or_who_or_how_we_prove_it_has_a_default() -> None:
    assert {f.name for f in fields(Settings) if f.default is MISSING} == {
        *("dsn", "key_dsn", "key_file", "public_url", "uri_base"),
        *("registry_url", "registry_user", "registry_purpose", "registry_officer"),
        *("book_url", "book_token_url", "book_client_id", "issuer_url"),
    }
    defaults = [str(f.default) for f in fields(Settings)]
    assert not [text for text in defaults if "http" in text or "sandbox" in text or "/tmp" in text]


def test_no_secret_is_shown() -> None:
    shown = repr(settings_of({**GIVEN, "registry_secret": "first-secret", "book_client_secret": "second-secret"}))
    assert "secret='" not in shown
    assert "postgresql:" not in shown
