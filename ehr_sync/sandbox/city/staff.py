"""Who works in the invented city: somebody for each facility, and an operator. They sign in with their own numbers."""

from __future__ import annotations

from typing import Final

from ehr_sync.sandbox.city.facilities import DEMO
from ehr_sync.sandbox.city.people import Person, person

_FIRST: Final = 40_000
"""From here on people work; the stories of the demo are of others."""

OPERATOR: Final = person(_FIRST)
WORKERS: Final[dict[str, Person]] = {code: person(_FIRST + n) for n, code in enumerate(DEMO, 1)}
"""By the code of the facility that they work for."""
