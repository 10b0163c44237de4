"""Who is at the other end, behind proxies that the settings name: the address that is counted.  RFC 7239"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final

from ehr_sync.core.addresses import Networks

_FOR: Final = re.compile(r'(?:^|;)\s*for\s*=\s*"?([^";]+)"?', re.IGNORECASE)


def is_trusted(address: str, trusted: Networks) -> bool:
    """Whether the settings name this address as a proxy of ours. Whoever calls by a file of this machine is one."""
    if not address:
        return True
    found = _address(address)
    return found is not None and any(found in network for network in trusted)


def peer_of(environ: Mapping[str, Any], trusted: Networks) -> str:
    """The address that a request is counted under: the last one on its way that is no proxy of ours.

    Without trusted proxies the direct peer, whatever headers say. Where both headers are there and disagree, one was
    not written by our proxy: the direct peer again. Of IPv6 the /64, which one household or hospital has to itself.
    """
    direct = str(environ.get("REMOTE_ADDR", ""))
    if not is_trusted(direct, trusted):
        return _counted(direct)
    ways = [way for way in (_forwarded_for(environ), _forwarded(environ)) if way]
    last = {_last_untrusted(way, direct, trusted) for way in ways}
    return _counted(last.pop() if len(last) == 1 else direct)


def _forwarded_for(environ: Mapping[str, Any]) -> Sequence[str]:
    return [hop for hop in str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",") if hop.strip()]


def _forwarded(environ: Mapping[str, Any]) -> Sequence[str]:
    hops = [hop for hop in str(environ.get("HTTP_FORWARDED", "")).split(",") if hop.strip()]
    return [named[1] if (named := _FOR.search(hop)) else "unknown" for hop in hops]


def _last_untrusted(way: Sequence[str], direct: str, trusted: Networks) -> str:
    last = direct
    for hop in reversed(way):
        address = _address(hop)
        if address is None:
            return last  # what stands before it is anybody's word
        last = str(address)
        if not is_trusted(last, trusted):
            return last
    return last


def _counted(address: str) -> str:
    found = _address(address)
    if isinstance(found, IPv6Address):
        return str(ip_network((found, 64), strict=False))
    return str(found) if found else ""


def _address(text: str) -> IPv4Address | IPv6Address | None:
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found
