"""Organizations and Practitioners reach a destination before those who refer to them, by the register's own lane."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from functools import lru_cache

import orjson

from ehr_sync.store import clients, register
from ehr_sync.store.lanes import Lane
from ehr_sync.store.register import Player
from ehr_sync.store.sealing import mark
from ehr_sync.usecases.stores import Stores
from mappings.fhir.bundle import Put, put
from mappings.fhir.people import organization, practitioner
from mappings.gate import findings
from mappings.model import Resource, Uris


def told_players(cast: Iterable[Resource], *, stores: Stores) -> Set[str]:
    """Which of these Organizations and Practitioners the destination holds, by "Type/id". Those that it does not, or
    not as they are today, are wanted of the register's lane from here on.
    """
    players = [_player(each, stores) for each in cast if is_sound(each.json)]
    if not players:
        return frozenset()
    with stores.database.reading() as connection:
        known = register.standing(connection, stores.destination, [each.address for each in players])
    told = {each.player for each in known.values() if each.told}
    _want({each for each in players if each not in told}, stores)
    return {each.address for each in told.intersection(players)}


def players_beyond(lane: Lane, limit: int, *, stores: Stores, uris: Uris) -> tuple[list[Put], int]:
    """What the register's lane tells next, and the seq that the destination will then hold."""
    with stores.database.reading() as connection:
        found = register.beyond(connection, lane, limit + 1)
        names = clients.names(connection, [each.player.code for each in found])
    target = lane.want if len(found) <= limit else found[limit - 1].seq
    return [put(_as_today(each.player, names, stores, uris).json) for each in found[:limit]], target


def follow_renames(*, stores: Stores, uris: Uris) -> None:
    """Facilities that a destination knows under what they were called before are told anew."""
    with stores.database.reading() as connection:
        places = clients.register(connection).values()
        today = [_player(organization(each.code, each.name, stores.keys.id, uris), stores) for each in places]
        known = register.standing(connection, stores.destination, [each.address for each in today])
    _want({each for each in today if each.address in known and each != known[each.address].player}, stores)


@lru_cache(maxsize=4096)
def is_sound(player: bytes) -> bool:
    """Whether our own gate lets this one out."""
    return not findings(player)


def address_of(player: Resource) -> str:
    """Its "Type/id"."""
    return f"{player.type}/{player.id}"


def _as_today(player: Player, names: Mapping[str, str], stores: Stores, uris: Uris) -> Resource:
    if player.address.startswith("Organization/"):
        return organization(player.code, names.get(player.code, ""), stores.keys.id, uris)
    return practitioner(player.code, uris)


def _player(resource: Resource, stores: Stores) -> Player:
    return _player_of(address_of(resource), resource.json, stores.keys.content)


@lru_cache(maxsize=4096)
def _player_of(address: str, player: bytes, key: bytes) -> Player:
    # Of an Organization the identifier is the facility's code, of a Practitioner its own opaque id.
    code = orjson.loads(player)["identifier"][0]["value"]
    return Player(address, code, mark(key, b"player", player))


def _want(players: Collection[Player], stores: Stores) -> None:
    if players:
        with stores.database.begin() as connection:
            register.announce(connection, stores.destination, players)
