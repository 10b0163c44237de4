"""Which addresses may be set: those of others, our own, and those of databases."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

Networks = tuple[IPv4Network | IPv6Network, ...]
_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
_IN_NO_ADDRESS: Final = re.compile(r'[\x00-\x20\x7f\\"<>^`{|}]|\s')  # RFC 3986, section 2
_URI_BASE: Final = re.compile(r"https?://[A-Za-z0-9.:-]+(/[A-Za-z0-9._~-]+)*")
_PLACE: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})|unix:/.+")


def wrong_with(address: str) -> str:
    """What to do about an address that is called, as a sentence with a place for the setting's {name}; "" for a good
    one. Without TLS only this machine is called (127.0.0.0/8, ::1, localhost): tokens and data would be read underway.
    """
    parts = _parts_of(address)
    if parts is None or parts.scheme not in {"http", "https"}:
        return "Set {name} to an http or https address."
    if parts.username is not None:  # addresses end in Bundles and logs, and we sign in by other means
        return "Take user and password out of {name}."
    if parts.query or parts.fragment or address[-1] in "?#":
        return "Take everything from ? or # on out of {name}."
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "Set {name} to an https address: http is for this machine alone."
    return ""


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name: 127.0.0.0/8, ::1 or localhost. No name is looked up."""
    try:
        found = ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return found == IPv6Address("::1") or (found.version == 4 and found in _LOOPBACK)


def is_uri_base(text: str) -> bool:
    """Whether our own URIs may begin with it. It is a name, which nobody calls: http is as good as https."""
    return _URI_BASE.fullmatch(text) is not None and _parts_of(text) is not None


def is_place_to_listen(text: str) -> bool:
    """Whether it is HOST:PORT or unix:PATH."""
    found = _PLACE.fullmatch(text)
    return found is not None and (found[2] is None or 0 < int(found[2]) <= 65_535)


def are_networks(text: str) -> bool:
    """Whether it is none, one or more addresses or networks, with commas between."""
    try:
        networks(text)
    except ValueError:
        return False
    return True


@lru_cache
def networks(text: str) -> Networks:
    """The networks of a setting, "10.0.0.1, 10.1.0.0/16". Raises ValueError."""
    return tuple(ip_network(name.strip(), strict=False) for name in text.split(",") if name.strip())


def _parts_of(address: str) -> SplitResult | None:
    # urlsplit takes line ends out of an address, and finds a wrong port only when it is asked for.
    if _IN_NO_ADDRESS.search(address):
        return None
    try:
        parts = urlsplit(address)
        return parts if parts.hostname and (parts.port is None or parts.port > 0) else None
    except ValueError:
        return None
