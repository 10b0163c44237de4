"""What facilities asked at their desks of people who need have no record here: by keyed hashes alone, of each facility
and claim the last answer. Never what the registry holds.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, Text, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from ehr_sync.core.identity import State
from ehr_sync.core.verdict import RULES_VERSION, Verdict
from ehr_sync.store.statement import Statement, among
from ehr_sync.store.tables import verification

_KEPT_FOR: Final = timedelta(days=30)
"""What is not proven is remembered so long; a proof stays, so that nobody asks again (rules: proof-stays)."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The last answer to a facility; `state` is `asked` while the registry has not answered."""

    claim_id: bytes
    family: str
    check_id: UUID
    number_mark: bytes = field(repr=False)
    state: str
    reason: str
    grade: str | None
    asked_at: datetime
    decided_at: datetime | None


def kept(connection: Connection, claim_ids: Collection[bytes]) -> list[Kept]:
    """What any facility was answered of these claims."""
    return [_kept(row) for row in _OF_CLAIMS.rows(connection, ids=list(claim_ids))]


def find(connection: Connection, check_id: UUID, families: Collection[str]) -> Kept | None:
    """One answer by the id under which it was asked, as far as it is of these facilities."""
    row = _BY_ID.row(connection, id=check_id, families=list(families))
    return _kept(row) if row is not None else None


def _kept(row: Any) -> Kept:
    return Kept(
        row.claim_id,
        row.family,
        row.check_id,
        row.number_mark,
        row.state,
        row.reason,
        row.grade,
        row.asked_at,
        row.decided_at,
    )


_V: Final = verification.c
_SHOWN: Final = (
    _V.claim_id, _V.family, _V.check_id, _V.number_mark, _V.state, _V.reason, _V.grade, _V.asked_at, _V.decided_at
)  # fmt: skip
_OF_CLAIMS: Final = Statement(select(*_SHOWN).where(among(_V.claim_id, "ids")))
_BY_ID: Final = Statement(
    select(*_SHOWN).where(_V.check_id == bindparam("id", type_=_V.check_id.type), among(_V.family, "families"))
)


def begin(
    connection: Connection, *, claim_id: bytes, family: str, check_id: UUID, number_mark: bytes, state: str, reason: str
) -> None:
    """Note that a facility asks now (`asked`), or may not (`held_back`), in place of what it was answered before."""
    _BEGIN.run(
        connection,
        claim_id=claim_id,
        family=family,
        check_id=check_id,
        number_mark=number_mark,
        state=state,
        reason=reason,
    )


def _beginning() -> Statement:
    named = {
        name: bindparam(name, type_=_V[name].type)
        for name in ("claim_id", "family", "check_id", "number_mark", "state", "reason")
    }
    new = insert(verification).values(asked_at=func.statement_timestamp(), **named)
    again = {name: new.excluded[name] for name in ("check_id", "state", "reason", "asked_at")}
    nothing = dict.fromkeys(("grade", "rules_version", "decided_at"))
    return Statement(
        new.on_conflict_do_update(index_elements=[_V.claim_id, _V.family], set_={**again, **nothing, "calls": 0})
    )


_BEGIN: Final = _beginning()


def settle(connection: Connection, check_id: UUID, verdict: Verdict, calls: int) -> datetime | None:
    """Write what the registry said; where nothing was learned (DUE), why. Returns when it was decided; None where
    somebody has asked again meanwhile, or the person was erased.
    """
    answered = verdict.state is not State.DUE
    row = connection.execute(
        update(verification)
        .where(_V.check_id == check_id)
        .values(
            state=verdict.state.value if answered else "not_answered",
            reason=verdict.reason,
            grade=verdict.grade.value if verdict.grade else None,
            rules_version=RULES_VERSION if verdict.grade else None,
            calls=calls,
            decided_at=func.statement_timestamp(),
        )
        .returning(_V.decided_at)
    ).one_or_none()
    return row.decided_at if row else None


def forget_old(connection: Connection) -> None:
    """Take out what was not proven and is a month old."""
    old = _V.asked_at < func.clock_timestamp() - bindparam("kept", _KEPT_FOR)
    connection.execute(delete(verification).where(_V.state != "proven", old))


def forget_numbers(connection: Connection, number_marks: Collection[bytes]) -> None:
    """Take out all that is of these numbers: their person is erased."""
    connection.execute(delete(verification).where(_V.number_mark.in_(number_marks)))


def forget_tries(connection: Connection, family: str, number_marks: Collection[bytes]) -> None:
    """Take out what a facility tried on these numbers in vain, and what was held back of it."""
    mine = _V.family == bindparam("family", family, Text()), _V.number_mark.in_(number_marks)
    connection.execute(delete(verification).where(*mine, _V.state != "proven"))
