"""Two hospitals with somebody at each desk, and what they send."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from flask import Flask
from flask.testing import FlaskClient

from ehr_sync.bootstrap_web import web_application
from ehr_sync.sandbox.dossiers.generator import dossier, with_values
from ehr_sync.store import clients, staff
from ehr_sync.store.people import number_mark_of
from ehr_sync.store.staff import Post
from mappings.dates import VIETNAM
from tests.api import hospital
from tests.api.web import calling
from tests.usecases.service import FACILITY, HOSPITAL, Running, number_of
from tests.web.browsing import Visitor

OTHER: Final = "01005"
CLERK, CLERK_OF_OTHER, CLERK_OF_BOTH = number_of(50), number_of(51), number_of(52)
OURS: Final = dossier(401, person_index=401, shape="outpatient", rows=6)
THEIRS: Final = dossier(402, person_index=402, shape="outpatient", rows=6, facility=OTHER)
REFUSED: Final = with_values(dossier(420, person_index=420, shape="outpatient", rows=4), "XML1", HO_TEN="")


@dataclass
class Town:
    """The service with its two hospitals; `ours` and `theirs` are what each has sent, by maGiaoDich."""

    running: Running
    app: Flask = field(repr=False)
    ours: str = ""
    theirs: str = ""

    @property
    def today(self) -> date:
        """The day that the pages call so."""
        return self.running.stores.database.now().astimezone(VIETNAM).date()

    def somebody(self, number: str) -> Visitor:
        """Somebody signed in at the facility's pages, on their first page."""
        visitor = Visitor(calling(self.app))
        visitor.sign_in(number, "facility")
        return visitor

    def system(self, client_id: str = HOSPITAL, **scopes: str) -> tuple[FlaskClient, dict[str, str]]:
        """A hospital's system with a token."""
        client = calling(self.app)
        url = self.running.service.settings.public_url
        now = int(self.running.stores.database.now().timestamp())
        signed = hospital.assertion(iss=client_id, sub=client_id, aud=f"{url}/oauth2/token", exp=now + 200)
        answer = client.post("/oauth2/token", data=hospital.form(signed, **scopes))
        assert answer.status_code == 200, answer.text
        return client, {"Authorization": f"Bearer {answer.get_json()['access_token']}"}


def town_of(running: Running) -> Town:
    """Two hospitals, three clerks, a dossier of each hospital."""
    stores = running.stores
    scopes = ["submissions.write", "transactions.read"]
    with stores.database.begin() as connection:
        clients.set_jwks(connection, stores.keys, HOSPITAL, hospital.jwks())
        clients.add_client(connection, stores.keys, "khac", name="Khác", jwks=hospital.jwks(), scopes=scopes)
        clients.add_facility(connection, stores.keys, OTHER, name="Bệnh viện khác")
        clients.grant(connection, stores.keys, "khac", OTHER)
        for number, code in (
            (CLERK, FACILITY),
            (CLERK_OF_OTHER, OTHER),
            (CLERK_OF_BOTH, FACILITY),
            (CLERK_OF_BOTH, OTHER),
        ):
            mark = number_mark_of(stores.keys.index, number)
            staff.grant(
                connection,
                stores.keys,
                mark,
                Post("facility", code),
                valid_from=date(2020, 1, 1),
                valid_to=date(2099, 1, 1),
            )
    running.run("UPDATE client SET scopes = :scopes WHERE client_id = :who", scopes=scopes, who=HOSPITAL)
    running.seal()
    town = Town(running, web_application(running.service))
    town.ours = running.post(OURS).transaction_code
    town.theirs = _sent_by_other(running)
    return town


def _sent_by_other(running: Running) -> str:
    from ehr_sync.sandbox.dossiers.generator import envelope
    from tests.usecases.service import DAY

    answer = running.post_bytes(envelope([THEIRS], made_on=DAY), client="khac")
    return answer.files[0].dossiers[0].transaction_code


def text_of(page: Any) -> str:
    """What a page says, without its marks-up."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.text.partition("<main")[2]))
