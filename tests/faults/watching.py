"""What tests of single faults ask again and again: one patient's visit in versions, and what its book shows."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

import requests

from ehr_sync.sandbox.city.staff import OPERATOR
from ehr_sync.sandbox.dossiers.generator import corrected, dossier
from ehr_sync.sandbox.serving.asking import post_json
from tests.faults.city import City, eventually
from tests.faults.expected import Expected, expected
from tests.faults.judge import Push, faults_of, missing, pushes
from tests.faults.senders import Ledger, Post, Sender, Visit

_DAY: Final = date(2025, 3, 3)
PUSH: Final = {"method": "POST", "path": "/fhir"}


class Watch:
    """One sender, its ledger, and the book's journal since the test began."""

    def __init__(self, place: City) -> None:
        self.place, self.ledger = place, Ledger()
        self._after = max((entry["seq"] for entry in place.world.journal("book")), default=0)
        self.sender = Sender(place.url, place.world.folder, self.ledger)

    def journal(self) -> list[dict[str, Any]]:
        """The book's journal since then, with what it received."""
        return self.place.world.journal("book", after=self._after, bodies=True)

    def stored(self) -> list[Push]:
        """The pushes that it has stored since then."""
        return pushes(self.journal())

    def wanted(self) -> Expected:
        """What follows from the ledger."""
        return expected(self.ledger.acknowledged)

    def arrives(self, seconds: float = 45.0) -> bool:
        """Whether every book comes to show what it must."""
        wanted = self.wanted()
        return eventually(lambda: not missing(self.stored(), wanted), seconds, every=0.2)

    def faults(self, *, resynced: bool = False) -> list[str]:
        """All that is wrong now."""
        return faults_of(self.ledger, self.stored(), self.wanted(), resynced=resynced)

    def declined(self) -> list[int]:
        """The statuses of pushes that the book declined. A probe of its fence is declined on purpose: its scratch
        resource names it, and the Bundle of a lane is named by a hash.
        """
        declined = [entry for entry in self.journal() if entry.get("outcome") == "declined"]
        return [entry["status"] for entry in declined if "-" not in entry["idempotency_key"]]


def version(n: int, *, patient: int = 0) -> Post:
    """The n-th version of the one visit of an ordinary patient."""
    hoso = dossier(patient, person_index=patient * 50, facility="01001", shape="outpatient", rows=6, visit_day=_DAY)
    sent = hoso if n == 1 else corrected(hoso, n - 1)
    return Post((Visit(sent, n),), _DAY + timedelta(days=7 + n))


def ops(place: City) -> dict[str, str]:
    """An operator's headers."""
    token = post_json(f"{place.world.issuer_url}/token", {"role": "ops", "number": OPERATOR.number})["access_token"]
    return {"Authorization": f"Bearer {token}"}


def order_resync(place: City) -> str:
    """Order a resync of all lanes; returns where its progress is told."""
    answer = requests.post(
        f"{place.url}/api/v1/ops/resyncs", json={"all": True, "reason": "test"}, headers=ops(place), timeout=10
    )
    answer.raise_for_status()
    return f"{place.url}/api/v1/ops/resyncs/{answer.json()['id']}"


def state_of(place: City, resync: str) -> str:
    """How a resync stands."""
    return str(requests.get(resync, headers=ops(place), timeout=10).json()["state"])
