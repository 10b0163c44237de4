"""A key file with one foreign key starts nothing: each database keeps a check value of each key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from joserfc.jwk import ECKey, RSAKey

from ehr_sync import bootstrap
from ehr_sync.adapters import key_file
from ehr_sync.commands.operate import keys as command
from ehr_sync.core.errors import Misconfigured
from ehr_sync.settings import Settings, settings_of
from ehr_sync.store.database import Database
from tests import given
from tests.databases import Dsns

SECRET = ["root", "index", "id", "content", "audit"]
REPLACEABLE: Mapping[str, Callable[[], ECKey | RSAKey]] = {
    "signing": lambda: ECKey.generate_key("P-256"),
    "id_tokens": lambda: RSAKey.generate_key(2048),
}

Open = Callable[[], None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return given.key_file_in(tmp_path)


@pytest.fixture
def settings(dsns: Dsns, path: Path) -> Settings:
    ours = given.settings(dsn=dsns.main, key_dsn=dsns.keys, key_file=str(path), spool_folder=str(path.parent))
    return settings_of(ours)


def set_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = {name: str(getattr(settings, name)) for name in ("dsn", "key_dsn", "key_file", "spool_folder")}
    for name, value in given.variables(**kept).items():
        monkeypatch.setenv(name, value)


def start(settings: Settings) -> None:
    bootstrap.open_service(settings).close()


def with_foreign(path: Path, *names: str) -> None:
    document: dict[str, Any] = json.loads(path.read_text())
    for name in names:
        if name in REPLACEABLE:
            document[name] = REPLACEABLE[name]().as_dict(private=True)
        else:
            document[name] = base64.b64encode(b"f" * 32).decode()
    path.write_text(json.dumps(document))


def run_sql(dsn: str, statement: str) -> list[Any]:
    database = Database(dsn, connections=1)
    with database.begin() as connection:
        result = connection.exec_driver_sql(statement)
        rows = list(result) if result.returns_rows else []
    database.close()
    return rows


@pytest.mark.parametrize("name", SECRET)
def test_one_foreign_key_is_named_and_nothing_starts(settings: Settings, path: Path, name: str) -> None:
    start(settings)
    with_foreign(path, name)
    with pytest.raises(Misconfigured, match=f"its {name} key does not fit the main database"):
        start(settings)


def test_two_foreign_keys_are_both_named(settings: Settings, path: Path) -> None:
    start(settings)
    with_foreign(path, "index", "audit")
    with pytest.raises(Misconfigured, match="its audit and index keys do not fit"):
        start(settings)


@pytest.mark.parametrize("forgets", ["main", "keys"])
def test_either_database_knows_its_own_keys(settings: Settings, path: Path, dsns: Dsns, forgets: str) -> None:
    start(settings)
    run_sql(getattr(dsns, forgets), "DELETE FROM key_check")
    with_foreign(path, "id")
    place = "key store" if forgets == "main" else "main database"
    with pytest.raises(Misconfigured, match=f"its id key does not fit the {place}"):
        start(settings)


def test_an_installation_of_before_check_values_keeps_them_at_its_next_start(
    settings: Settings, path: Path, dsns: Dsns
) -> None:
    start(settings)
    for dsn in (dsns.main, dsns.keys):
        run_sql(dsn, "DELETE FROM key_check")
    start(settings)
    with_foreign(path, "content")
    with pytest.raises(Misconfigured, match="its content key does not fit"):
        start(settings)


def test_a_key_file_whose_root_does_not_open_the_key_store_leaves_no_check_value(
    settings: Settings, path: Path, dsns: Dsns
) -> None:
    start(settings)
    for dsn in (dsns.main, dsns.keys):
        run_sql(dsn, "DELETE FROM key_check")
    own = path.read_text()
    with_foreign(path, "root")
    with pytest.raises(Misconfigured, match="the key file that this key store was made with"):
        start(settings)
    path.write_text(own)
    start(settings)


def test_a_check_value_tells_no_key(settings: Settings, path: Path, dsns: Dsns) -> None:
    start(settings)
    kept = b"".join(bytes(row.value) for row in run_sql(dsns.main, "SELECT value FROM key_check"))
    keys = key_file.load(path)
    assert len(kept) == 8 * 16
    assert not any(key[n : n + 8] in kept for key in (keys.root, keys.index, keys.audit) for n in range(24))


@pytest.mark.parametrize("names", [["signing"], ["id_tokens"], ["signing", "id_tokens"]])
def test_a_signing_key_that_was_replaced_is_accepted_at_an_operators_word(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    start(settings)
    with_foreign(path, *names)
    with pytest.raises(Misconfigured, match="Run ehr-sync keys accept-signing"):
        start(settings)
    set_environment(settings, monkeypatch)
    assert CliRunner().invoke(command, ["accept-signing", "--yes"]).exit_code == 0
    start(settings)


def test_no_other_key_is_accepted_with_the_signing_key(
    settings: Settings, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(settings)
    with_foreign(path, "signing", "index")
    set_environment(settings, monkeypatch)
    CliRunner().invoke(command, ["accept-signing", "--yes"])
    with pytest.raises(Misconfigured, match="its index key does not fit"):
        start(settings)


def test_a_break_glass_key_that_was_replaced_is_named(settings: Settings, path: Path) -> None:
    start(settings)
    document = json.loads(path.read_text())
    document["restricted"] = ECKey.generate_key("P-256").as_dict(private=False)
    path.write_text(json.dumps(document))
    with pytest.raises(Misconfigured, match="its restricted key does not fit"):
        start(settings)


def test_a_key_file_of_before_xml6_had_a_key_gets_its_public_half_alone(path: Path) -> None:
    document = json.loads(path.read_text())
    assert document.pop("restricted").keys() == {"kty", "crv", "x", "y", "kid"}
    path.write_text(json.dumps(document))
    key_file.break_glass_of(path).unlink()
    with pytest.raises(Misconfigured, match="Run ehr-sync keys complete"):
        key_file.load(path)
    told = CliRunner().invoke(command, ["complete", str(path)]).output
    private = key_file.load_break_glass(key_file.break_glass_of(path))
    public = json.loads(path.read_text())["restricted"]
    assert ("Carry" in told, public) == (True, {name: private[name] for name in public})
    assert (key_file.break_glass_of(path).stat().st_mode & 0o777, "d" in private) == (0o600, True)


def test_a_key_file_without_a_key_for_id_tokens_gets_one_and_keeps_the_others(settings: Settings, path: Path) -> None:
    start(settings)
    document = json.loads(path.read_text())
    del document["id_tokens"]
    path.write_text(json.dumps(document))
    with pytest.raises(Misconfigured, match="Run ehr-sync keys complete"):
        start(settings)
    assert CliRunner().invoke(command, ["complete", str(path)]).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    completed = json.loads(path.read_text())
    assert completed.pop("id_tokens")["kty"] == "RSA"
    assert completed == document


def test_a_whole_key_file_is_left_as_it_is(path: Path) -> None:
    before = path.read_text()
    assert CliRunner().invoke(command, ["complete", str(path)]).exit_code == 0
    assert path.read_text() == before


@pytest.mark.parametrize("there", ["keys.json", "keys.json.break-glass"])
def test_a_key_file_and_its_break_glass_key_are_made_both_or_neither(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("mine")
    with pytest.raises(Misconfigured, match="it is there already"):
        key_file.create(tmp_path / "keys.json")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {there: "mine"}


def test_a_break_glass_key_that_is_there_is_never_written_over(path: Path) -> None:
    document = json.loads(path.read_text())
    del document["restricted"]
    path.write_text(json.dumps(document))
    kept = key_file.break_glass_of(path).read_text()
    with pytest.raises(Misconfigured, match="it is there already"):
        key_file.complete(path)
    assert (json.loads(path.read_text()), key_file.break_glass_of(path).read_text()) == (document, kept)
    assert not path.with_name("keys.json.new").exists()


def test_keys_are_written_into_no_file_that_stood_there_before(path: Path) -> None:
    document = json.loads(path.read_text())
    del document["id_tokens"]
    path.write_text(json.dumps(document))
    left = path.with_name(f"{path.name}.new")
    left.touch(0o644)
    with pytest.raises(Misconfigured, match="it is there already"):
        key_file.complete(path)
    assert (json.loads(path.read_text()), left.read_text()) == (document, "")
