"""What a source table says of itself. Each is a folder under its source, registered in one line: nothing else names it.

A source's visit, or whatever else its rows belong to, is `Context`: the thing that every mapping of a row is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from mappings.model import Issue, Resource, Row, Tables
from mappings.sources.columns import TableSchema
from mappings.sources.row_checks import RowProblem

Context = TypeVar("Context")
Rows = tuple[Row, ...]


def nothing_is_wrong(_: Tables) -> Iterable[Issue]:
    """No rule ties this table to others."""
    return ()


def is_removed(_: Tables) -> bool:
    """A table that a new version lacks was taken back."""
    return False


def always_stays(_: Tables) -> bool:
    """A table that a new version lacks stands as it was: it is made once and is not sent again with corrections."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTable(Generic[Context]):
    """Everything that is to be known of one table.

    Without a `schema` the table is read, kept and told to its sender as kept, and nothing of it is mapped. Rows are
    mapped in three steps, each over all tables before the next: `announce` leaves in the context what other tables
    must know before they are mapped; `resources` need nothing of other tables but that; `documents` speak of what
    `resources` have made (a visit, a report, a paper).

    `names` are the fields that say what a row is. Where one of them is restricted (P9) the row is withheld, for a row
    without its name would be a sign; of every other field the field alone. `one_text` are fields that are shown as one
    text: "TDF/3TC" and a strength of "NVP 200mg" say together what neither says alone.

    `told_apart_by` are the fields that tell its rows apart, whatever their order (rules: natural-keys): of each group
    the first that is filled. A table of one row has none.

    `stays` says, of the tables of a new version, whether this one, absent from it, stands as it was before. `example`
    is a row as an exporter writes it, of invented people: the sandbox sends one like it.
    """

    name: str  # as LOAIHOSO names it
    root: str  # the root element
    item: str = ""  # the element of one row; "" where the root is the one row
    package: str = ""  # the table's folder, as a package: fates.json stands in it
    schema: type[TableSchema] | None = None
    within: Callable[[Row], Iterable[RowProblem]] | None = None  # what must agree among the fields of one row
    between: Callable[[Tables], Iterable[Issue]] = nothing_is_wrong  # what must agree with other tables
    stays: Callable[[Tables], bool] = is_removed
    names: frozenset[str] = frozenset()
    one_text: tuple[tuple[str, ...], ...] = ()
    told_apart_by: tuple[tuple[str, ...], ...] = ()
    orders: bool = False  # whether its rows are orders (NGAY_YL): the last one ends a visit that has no other end
    announce: Callable[[Rows, Context], None] | None = None
    resources: Callable[[Rows, Context], Iterable[Resource]] | None = None
    documents: Callable[[Rows, Context], Iterable[Resource]] | None = None
    example: Mapping[str, str] = field(default_factory=dict)
