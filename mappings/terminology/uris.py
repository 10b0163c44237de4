"""Every canonical URI that leaves the service, from one table.

VN Core publishes no list of systems for the ministry's code lists: those, and our own, stand under an address of the
city's. They begin with a slash in uris.json; changing another is one line there.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from mappings.model import Uris


@cache
def load_uris(base: str) -> Uris:
    """The table as shipped with this version; `base` is what our own URIs begin with, without a slash at its end."""
    shipped: dict[str, str] = json.loads(files(__package__).joinpath("uris.json").read_text("utf-8"))
    return Uris(MappingProxyType({name: base + uri if uri.startswith("/") else uri for name, uri in shipped.items()}))
