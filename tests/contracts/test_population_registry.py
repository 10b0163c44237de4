"""The port PopulationRegistry, sentence by sentence, in each flavour, on the adapters and the sandbox's registry."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ehr_sync.adapters.registries.signing import CertificateAlone
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion
from ehr_sync.sandbox.city import people
from ehr_sync.sandbox.city.people import Person
from ehr_sync.sandbox.registry.__main__ import PATH, SCHEMA, lenient
from ehr_sync.sandbox.registry.__main__ import Registry as SandboxRegistry
from ehr_sync.sandbox.serving.server import SandboxServer
from ehr_sync.sandbox.serving.storage import Storage
from ehr_sync.sandbox.world import World
from tests.contracts.canned import canned_server
from tests.contracts.conftest import mutual_tls
from tests.contracts.elapsed import DEADLINE, GRACE, ends_within
from tests.contracts.registries import FLAVOURS, SHOWING, Registry, registry_at, registry_of, shown


@pytest.fixture(params=FLAVOURS)
def flavour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def registry(outside: World, flavour: str) -> Iterator[Registry]:
    made = registry_of(outside, flavour)
    yield made
    made.close()


def question_about(person: Person) -> RegistryQuestion:
    born = person.birth_date.strftime("%Y%m%d")
    return RegistryQuestion("YC-1", person.number, "cccd", person.name, born)


def ask(registry: Registry, index: int) -> RegistryPerson | None:
    return registry.look_up(question_about(people.person(index)))


def questions(outside: World, before: int) -> list[dict[str, str]]:
    return [entry for entry in outside.journal("registry", after=before) if entry["kind"] == "question"]


def journalled(outside: World) -> int:
    return max((entry["seq"] for entry in outside.journal("registry")), default=0)


@pytest.mark.parametrize("index", [20, 21])  # one has the whole name in Ten, the other in three parts
def test_the_person_is_told_as_the_registry_holds_them(registry: Registry, flavour: str, index: int) -> None:
    person = people.person(index)

    found = registry.look_up(question_about(person))

    born = person.birth_date.strftime("%Y%m%d")
    assert found == shown(flavour, RegistryPerson(person.number, person.name, born, person.sex))


def test_a_yes_shows_what_was_asked_where_it_is_known_to_compare_exactly(outside: World) -> None:
    registry = registry_of(outside, "soap_003", exactly=True)
    asked = question_about(people.person(20))

    assert registry.look_up(asked) == RegistryPerson(asked.number, asked.name, asked.birth_date, "unknown")
    registry.close()


def test_a_number_that_the_registry_does_not_know_is_none(registry: Registry) -> None:
    assert ask(registry, 900_001) is None


def test_another_name_is_none(registry: Registry) -> None:
    assert ask(registry, 900_003) is None


def test_another_birth_date_is_none(registry: Registry) -> None:
    asked = replace(question_about(people.person(20)), birth_date="19010101")

    assert registry.look_up(asked) is None


def test_number_name_and_birth_date_are_asked_together_in_whose_name(
    registry: Registry, outside: World, flavour: str
) -> None:
    before = journalled(outside)
    asked = question_about(people.person(21))

    registry.look_up(asked)

    [entry] = questions(outside, before)
    named = ("operation", "request_number", "number_kind", "number", "name", "birth_date", "purpose", "officer")
    operation = {"soap_037": "037", "soap_003": "003", "json": "json"}[flavour]
    told = [operation, "YC-1", "cccd", asked.number, asked.name, asked.birth_date, "DVC-MAU", "canbo.mau"]
    assert [entry[name] for name in named] == told


def test_an_old_number_is_asked_as_socmnd(registry: Registry, outside: World) -> None:
    before = journalled(outside)

    registry.look_up(RegistryQuestion("YC-2", "012345678", "cmnd", "NGUYỄN VĂN MẪU", "1990"))

    [entry] = questions(outside, before)
    assert (entry["number_kind"], entry["number"], entry["birth_date"]) == ("cmnd", "012345678", "1990")


def test_only_the_other_tone_placement_finds_the_person(registry: Registry, flavour: str) -> None:
    person = people.person(900_002)
    as_sent = question_about(person)
    other = replace(as_sent, name=person.name.replace("HÒA", "HOÀ"))

    assert registry.look_up(as_sent) is None
    found = registry.look_up(other)
    assert found is not None
    assert found.name == (other.name if flavour in SHOWING else "")


def test_a_person_held_by_year_is_found_by_year_only(registry: Registry, flavour: str) -> None:
    asked = question_about(people.person(900_004))

    assert registry.look_up(asked) is None
    found = registry.look_up(replace(asked, birth_date=asked.birth_date[:4]))
    assert found is not None
    assert found.birth_date == (asked.birth_date[:4] if flavour in SHOWING else "")


def test_a_name_held_without_marks_comes_back_without_marks_or_not_at_all(registry: Registry, flavour: str) -> None:
    found = ask(registry, 900_009)

    assert found is not None
    assert found.name == ("PHAM VAN HUNG" if flavour in SHOWING else "")


def test_another_number_comes_back_as_it_is_where_it_is_shown(registry: Registry, flavour: str) -> None:
    found = ask(registry, 900_008)

    assert found is not None
    assert (found.number != people.person(900_008).number) == (flavour in SHOWING)


def test_a_time_out_is_unavailable(registry: Registry) -> None:
    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable):
        ask(registry, 900_005)


def test_a_server_error_is_unavailable(registry: Registry) -> None:
    with pytest.raises(Unavailable, match=r"registry\.status_500"):
        ask(registry, 900_006)


def test_an_answer_that_is_not_the_expected_one_is_unavailable(registry: Registry) -> None:
    with pytest.raises(Unavailable, match=r"registry\.unreadable"):
        ask(registry, 900_007)


@pytest.mark.parametrize("status", [302, 400, 403, 404, 429, 500, 502, 503, 504])
def test_any_status_but_200_is_unavailable(registry: Registry, outside: World, status: int) -> None:
    ask(registry, 20)  # a token, where one is needed, is there
    outside.order("registry", "status", status=status, times=1)

    with pytest.raises(Unavailable, match=f"registry.status_{status}"):
        ask(registry, 20)


def test_a_throttling_registry_says_how_long_to_wait(registry: Registry, outside: World) -> None:
    outside.order("registry", "status", status=429, retry_after="7", times=1)

    with pytest.raises(Unavailable) as caught:
        ask(registry, 20)
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_broken_connection_is_unavailable(registry: Registry, outside: World, kind: str) -> None:
    outside.order("registry", kind, times=1)

    with pytest.raises(Unavailable, match=r"\.no_answer"):
        ask(registry, 20)


def test_a_refused_connection_is_unavailable(free_port: int, flavour: str) -> None:
    registry = registry_at(f"http://127.0.0.1:{free_port}/registry", flavour)

    with pytest.raises(Unavailable, match=r"registry\.no_answer"):
        ask(registry, 20)


def test_a_failed_sign_in_is_unavailable(outside: World, flavour: str) -> None:
    registry = registry_of(outside, flavour, secret="not the secret")

    with pytest.raises(Unavailable, match=r"registry\.(sign_in\.)?status_401"):
        ask(registry, 20)
    registry.close()


def test_a_call_ends_within_its_deadline_however_slowly_the_other_side_drips(
    registry: Registry, outside: World
) -> None:
    outside.order("registry", "drip", seconds=0.3, times=1)

    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable, match=r"\.no_answer"):
        ask(registry, 20)


def test_no_error_holds_a_personal_value(registry: Registry) -> None:
    person = people.person(900_006)

    with pytest.raises(Unavailable) as caught:
        registry.look_up(question_about(person))
    shown = repr((caught.value, caught.value.__cause__, question_about(person)))
    assert person.number not in shown
    assert person.name not in shown


# --- signing in


def test_a_token_is_used_again_and_one_that_was_revoked_is_replaced_at_once(outside: World) -> None:
    registry, before = registry_of(outside, "json"), journalled(outside)
    assert ask(registry, 20) == ask(registry, 20) is not None

    outside.revoke_tokens("registry")
    assert ask(registry, 20) is not None

    kinds = [(e["kind"], e["outcome"]) for e in outside.journal("registry", after=before)]
    found, token = ("question", "found"), ("token", "issued")
    assert kinds == [token, found, found, ("token", "revoked"), ("question", "bad_signature"), token, found]
    registry.close()


def test_a_token_that_is_the_secret_itself_is_not_asked_for_again(outside: World) -> None:
    registry = registry_at(outside.registry_json_url, "json", secret="nobody's token")

    with pytest.raises(Unavailable, match=r"registry\.status_401"):
        ask(registry, 20)
    registry.close()


def test_where_our_certificate_alone_signs_nothing_else_is_sent(authority: Path) -> None:
    """Mutual TLS, with the header that the agreement names."""
    ours, key = str(authority), str(authority.with_suffix(".key"))
    with canned_server(mutual_tls(authority)) as server:
        server.answers = [server.http(200, (Path(__file__).parent / "registry_answers" / "person.xml").read_bytes())]
        registry = registry_at(
            server.url, "soap_037", signing=CertificateAlone(), ca_file=ours, certificate=ours, key=key
        )

        assert ask(registry, 20) is not None
        assert b"x-road-client: vn-test" in server.requests[0].lower()
        assert b"authorization" not in server.requests[0].lower()
        registry.close()


# --- the mode that is lenient


@pytest.fixture(scope="module")
def lenient_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that compares names without their marks, in this process."""
    storage = Storage(tmp_path_factory.mktemp("lenient") / "registry.sqlite", SCHEMA)
    server = SandboxServer(0, SandboxRegistry(storage, matches=lenient, user="ehr-sync", secret="sandbox").handle)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("flavour", ["soap_037", "soap_003"])
def test_p5_a_registry_that_forgives_marks_shows_the_name_that_it_holds_or_none(lenient_url: str, flavour: str) -> None:
    held = people.person(20)
    asked = replace(question_about(held), name=held.name.translate(str.maketrans("ÀẠĂÂỄẬ", "AAAAEA")) + " ")
    registry = registry_at(lenient_url, flavour)

    found = registry.look_up(asked)

    assert found is not None
    assert found.name == (held.name if flavour in SHOWING else "")
    registry.close()
