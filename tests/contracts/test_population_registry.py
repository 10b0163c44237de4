"""The port PopulationRegistry, sentence by sentence, on the SOAP adapter and the sandbox's registry."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ehr_sync.adapters.soap_registry import GatewayAccount, SoapRegistry
from ehr_sync.core.errors import Unavailable
from ehr_sync.core.ports import RegistryPerson, RegistryQuestion
from ehr_sync.sandbox.city import people
from ehr_sync.sandbox.city.people import Person
from ehr_sync.sandbox.world import World
from tests.contracts.elapsed import DEADLINE, GRACE, ends_within


def question_about(person: Person) -> RegistryQuestion:
    born = person.birth_date.strftime("%Y%m%d")
    return RegistryQuestion("YC-1", person.number, "cccd", person.name, born)


def ask(registry: SoapRegistry, index: int) -> RegistryPerson | None:
    return registry.look_up(question_about(people.person(index)))


@pytest.mark.parametrize("index", range(20, 30))
def test_the_person_is_told_as_the_registry_holds_them(registry: SoapRegistry, index: int) -> None:
    person = people.person(index)

    found = registry.look_up(question_about(person))

    born = person.birth_date.strftime("%Y%m%d")
    assert found == RegistryPerson(person.number, person.name, born, person.sex)


def test_a_number_that_the_registry_does_not_know_is_none(registry: SoapRegistry) -> None:
    assert ask(registry, 900_001) is None


def test_another_name_is_none(registry: SoapRegistry) -> None:
    assert ask(registry, 900_003) is None


def test_another_birth_date_is_none(registry: SoapRegistry) -> None:
    asked = replace(question_about(people.person(20)), birth_date="19010101")

    assert registry.look_up(asked) is None


def test_number_name_and_birth_date_are_asked_together(registry: SoapRegistry, outside: World) -> None:
    before = len(outside.journal("registry"))
    asked = question_about(people.person(21))

    registry.look_up(asked)

    [entry] = outside.journal("registry")[before:]
    named = ("request_number", "number_kind", "number", "name", "birth_date", "purpose", "officer")
    assert [entry[name] for name in named] == [
        "YC-1",
        "cccd",
        asked.number,
        asked.name,
        asked.birth_date,
        "DVC-MAU",
        "canbo.mau",
    ]


def test_an_old_number_is_asked_as_socmnd(registry: SoapRegistry, outside: World) -> None:
    before = len(outside.journal("registry"))

    registry.look_up(RegistryQuestion("YC-2", "012345678", "cmnd", "NGUYỄN VĂN MẪU", "1990"))

    [entry] = outside.journal("registry")[before:]
    assert (entry["number_kind"], entry["number"], entry["birth_date"]) == ("cmnd", "012345678", "1990")


def test_only_the_other_tone_placement_finds_the_person(registry: SoapRegistry) -> None:
    person = people.person(900_002)
    as_sent = question_about(person)
    other = replace(as_sent, name=person.name.replace("HÒA", "HOÀ"))

    assert registry.look_up(as_sent) is None
    found = registry.look_up(other)
    assert found is not None
    assert found.name == other.name


def test_a_person_held_by_year_is_found_by_year_only(registry: SoapRegistry) -> None:
    asked = question_about(people.person(900_004))

    assert registry.look_up(asked) is None
    found = registry.look_up(replace(asked, birth_date=asked.birth_date[:4]))
    assert found is not None
    assert found.birth_date == asked.birth_date[:4]


def test_a_name_held_without_marks_comes_back_without_marks(registry: SoapRegistry) -> None:
    found = ask(registry, 900_009)

    assert found is not None
    assert found.name == "PHAM VAN HUNG"


def test_another_number_comes_back_as_it_is(registry: SoapRegistry) -> None:
    found = ask(registry, 900_008)

    assert found is not None
    assert found.number != people.person(900_008).number


def test_a_time_out_is_unavailable(registry: SoapRegistry) -> None:
    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable):
        ask(registry, 900_005)


def test_a_server_error_is_unavailable(registry: SoapRegistry) -> None:
    with pytest.raises(Unavailable, match=r"registry\.status_500"):
        ask(registry, 900_006)


def test_an_answer_that_is_not_the_expected_xml_is_unavailable(registry: SoapRegistry) -> None:
    with pytest.raises(Unavailable, match=r"registry\.unreadable"):
        ask(registry, 900_007)


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 429, 500, 502, 503, 504])
def test_any_status_but_200_is_unavailable(registry: SoapRegistry, outside: World, status: int) -> None:
    outside.order("registry", "status", status=status, times=1)

    with pytest.raises(Unavailable, match=f"registry.status_{status}"):
        ask(registry, 20)


def test_a_throttling_registry_says_how_long_to_wait(registry: SoapRegistry, outside: World) -> None:
    outside.order("registry", "status", status=429, retry_after="7", times=1)

    with pytest.raises(Unavailable) as caught:
        ask(registry, 20)
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_broken_connection_is_unavailable(registry: SoapRegistry, outside: World, kind: str) -> None:
    outside.order("registry", kind, times=1)

    with pytest.raises(Unavailable, match=r"registry\.no_answer"):
        ask(registry, 20)


def test_a_refused_connection_is_unavailable(free_port: int) -> None:
    registry = registry_at(f"http://127.0.0.1:{free_port}/registry")

    with pytest.raises(Unavailable, match=r"registry\.no_answer"):
        ask(registry, 20)


def test_a_failed_sign_in_is_unavailable(outside: World) -> None:
    registry = registry_at(outside.registry_url, secret="not the secret")

    with pytest.raises(Unavailable, match=r"registry\.status_401"):
        ask(registry, 20)
    registry.close()


@pytest.mark.parametrize("seconds", [0.02, 0.3])
def test_a_call_ends_within_its_deadline_however_slowly_the_other_side_drips(
    registry: SoapRegistry, outside: World, seconds: float
) -> None:
    outside.order("registry", "drip", seconds=seconds, times=1)

    with ends_within(DEADLINE + GRACE), pytest.raises(Unavailable, match=r"registry\.no_answer"):
        ask(registry, 20)


def test_no_error_holds_a_personal_value(registry: SoapRegistry) -> None:
    person = people.person(900_006)

    with pytest.raises(Unavailable) as caught:
        registry.look_up(question_about(person))
    shown = repr((caught.value, caught.value.__cause__, question_about(person)))
    assert person.number not in shown
    assert person.name not in shown


def registry_at(url: str, *, secret: str = "sandbox") -> SoapRegistry:  # noqa: S107 - the sandbox's
    account = GatewayAccount(user="ehr-sync", secret=secret, purpose="DVC-MAU", officer="canbo.mau")
    return SoapRegistry(url=url, account=account, deadline_seconds=DEADLINE, clock=lambda: datetime.now(UTC))
