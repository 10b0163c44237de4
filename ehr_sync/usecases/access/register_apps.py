"""Apps of others: an operator registers them, with the addresses that their people may be sent back to.

RFC 9700 section 2.1 (exact match), RFC 8252 sections 7 and 8 (apps on a phone or a desk).
"""

from __future__ import annotations

import re
from typing import Final

from ehr_sync.core.codes import CLIENT_ID
from ehr_sync.core.errors import EhrSyncError
from ehr_sync.store import apps, audit
from ehr_sync.store.apps import App
from ehr_sync.store.audit import AuditEntry
from ehr_sync.usecases.stores import Stores

_HOST: Final = r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?"
_LOOPBACK: Final = r"(?:127\.0\.0\.1|\[::1\]|localhost)"
_PORT: Final = r"(?::[1-9][0-9]{0,4})?"
_ORIGIN: Final = re.compile(rf"https://{_HOST}{_PORT}|http://{_LOOPBACK}{_PORT}")
# What a redirect may hold behind its host: no fragment, no blank, nothing that a browser reads in two ways.
_BEHIND: Final = r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*"
_REDIRECT: Final = re.compile(
    rf"(?:https://{_HOST}{_PORT}|http://{_LOOPBACK}{_PORT})/{_BEHIND}"
    # A scheme of the app's own is its domain turned round, so that it has a dot: never javascript: or data:.
    rf"|[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/{_BEHIND}"
)
_NAME: Final = re.compile(r"[^\x00-\x1f\x7f<>]{1,80}")


class BadApp(EhrSyncError):
    """The app cannot be registered so. `code` is one sentence that says what to do."""


def add_app(new: App, *, by: str, stores: Stores) -> None:
    """Register an app. Raises BadApp; Conflict where the id was ever used. One audit entry."""
    _check(new)
    with stores.database.begin() as connection:
        apps.add(connection, stores.keys, new)
        audit.write(
            connection, stores.keys.audit, [AuditEntry(f"ops:{stores.alias_of(by)}", "add app", None, new.client_id)]
        )


def remove_app(client_id: str, *, by: str, stores: Stores) -> int:
    """Take an app out and end all that people let it do, at once; returns how many grants ended. Raises NotFound,
    and Unfit. One audit entry.
    """
    now = stores.database.now()
    with stores.database.begin() as connection:
        ended = apps.remove(connection, stores.keys, client_id, now)
        entry = AuditEntry(f"ops:{stores.alias_of(by)}", "remove app", None, f"{client_id} grants={ended}")
        audit.write(connection, stores.keys.audit, [entry])
    return ended


def list_apps(*, stores: Stores) -> list[App]:
    """Every registered app, by id."""
    with stores.database.begin() as connection:
        return apps.registered(connection)


def may_ask_from(origin: str, *, stores: Stores) -> bool:
    """Whether pages of a registered app are of this origin. Raises Unfit."""
    if not _ORIGIN.fullmatch(origin):
        return False
    with stores.database.reading() as connection:
        return apps.is_origin(connection, stores.keys.edges, origin)


def _check(new: App) -> None:
    if not re.fullmatch(CLIENT_ID, new.client_id):
        raise BadApp("Choose an id of 1 to 64 letters, digits, dots, dashes and underlines.")
    if not (_NAME.fullmatch(new.name_vi) and _NAME.fullmatch(new.name_en)):
        raise BadApp("Give a name of 1 to 80 signs in Vietnamese and in English.")
    if not new.redirects or not all(_REDIRECT.fullmatch(each) for each in new.redirects):
        raise BadApp(
            "Give redirect addresses in full, without a fragment: https://…/…, http://127.0.0.1/… for an app on the "
            "same machine, or a scheme that is the app's own domain turned round (vn.example.app:/…)."
        )
    if not all(_ORIGIN.fullmatch(each) for each in new.origins):
        raise BadApp("Give origins as https://host, or http://127.0.0.1:port, without a slash at the end.")
