"""Every canonical URI that leaves the service, from one table.

VN Core publishes no list of systems for the ministry's code lists; those, and our own, stand under a reserved
name (RFC 2606) until the city names its own: changing one is one line of uris.json.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from mappings.model import Uris


@cache
def load_uris() -> Uris:
    """The table as shipped with this version."""
    text = files(__package__).joinpath("uris.json").read_text("utf-8")
    return Uris(MappingProxyType(json.loads(text)))
