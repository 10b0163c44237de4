"""A service whose settings name another way of asking the registry: what proves there, and what does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from ehr_sync import bootstrap
from ehr_sync.core.errors import Misconfigured
from ehr_sync.sandbox.dossiers.generator import dossier
from tests.usecases.service import Running, with_settings

WAYS: Final[dict[str, dict[str, Any]]] = {
    "json": {"registry_flavour": "json", "registry_sign_in": "bearer"},
    "yes, loosely": {"registry_flavour": "soap_003"},
    "yes, exactly": {"registry_flavour": "soap_003", "registry_compares": "exactly"},
}


@pytest.mark.parametrize(
    ("way", "index", "state", "reason", "name"),
    [
        ("json", 601, "proven", "registry.exact", "equal"),
        ("json", 900_009, "review", "registry.name_only_loosely", "equal_without_diacritics"),
        ("json", 900_001, "not_proven", "registry.no_match", "unknown"),
        ("json", 900_007, "due", "registry.unreadable", None),
        ("yes, loosely", 601, "review", "registry.not_shown", "unknown"),
        ("yes, loosely", 900_001, "not_proven", "registry.no_match", "unknown"),
        ("yes, exactly", 601, "proven", "registry.exact_but_sex", "equal"),
        ("yes, exactly", 900_002, "proven", "registry.exact_but_sex", "equal_after_tone_placement"),
        ("yes, exactly", 900_007, "due", "registry.unreadable", None),
    ],
)
def test_p4_p5_each_way_of_asking_proves_only_what_it_shows(
    running: Running, way: str, index: int, state: str, reason: str, name: str | None
) -> None:
    if way == "json":
        WAYS[way] |= {
            "registry_url": running.world.registry_json_url,
            "registry_token_url": running.world.registry_token_url,
        }
    asking = with_settings(running, **WAYS[way])

    asking.post(dossier(602, person_index=index, rows=1))
    asking.verify()

    kept = asking.rows("SELECT state, reason, name_found FROM claim")
    assert kept == [(state, reason, name)]


@pytest.mark.parametrize(
    ("mode", "certificate", "said"),
    [
        (0o600, "our.pem", "Set EHR_SYNC_REGISTRY_CERTIFICATE, _CERTIFICATE_KEY and _AUTHORITY to PEM files that"),
        (0o600, "no file", "Set EHR_SYNC_REGISTRY_CERTIFICATE, _CERTIFICATE_KEY and _AUTHORITY to PEM files that"),
        (0o640, "our.pem", "Run chmod 600 on the file of EHR_SYNC_REGISTRY_CERTIFICATE_KEY: others can read it."),
    ],
)
def test_a_certificate_that_cannot_be_used_is_told_at_the_start(
    running: Running, tmp_path: Path, mode: int, certificate: str, said: str
) -> None:
    for name in ("our.pem", "our.key"):
        (tmp_path / name).write_text("no certificate")
    (tmp_path / "our.key").chmod(mode)
    files = {"registry_certificate": tmp_path / certificate, "registry_certificate_key": tmp_path / "our.key"}
    settings = {name: str(path) for name, path in files.items()}

    with pytest.raises(Misconfigured) as refused:
        bootstrap.registry_of(with_settings(running, **settings).service)
    assert refused.value.code.startswith(said)
