"""Statements that are built and compiled once: building one anew costs more than sending it and reading its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from psycopg import Cursor
from psycopg.rows import namedtuple_row
from sqlalchemy import ColumnElement, Connection, Executable, any_, bindparam, column, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql.base import ReadOnlyColumnCollection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import KeyedColumnElement
from sqlalchemy.types import TypeEngine

_DIALECT: Final = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_CURSOR: Final = "cursor of statements"


class Statement:
    """A statement of SQLAlchemy Core, sent by the driver itself; values are given by the names of its parameters.

    For what runs at every dossier, push or page. `columns` are those that an INSERT is given. Lists are given whole
    (`among`, `rows_of`), not as `in_`. Errors are psycopg's, which `Database` translates as it does SQLAlchemy's.

    `planned_anew` is for joins with lists: a plan that PostgreSQL kept from when the tables were small is then hundreds
    of times too slow, until they are next analysed.
    """

    def __init__(self, core: Executable, columns: Sequence[str] | None = None, *, planned_anew: bool = False) -> None:
        compiled = core.compile(dialect=_DIALECT, column_keys=list(columns) if columns else None)  # type: ignore[attr-defined]
        assert isinstance(compiled, SQLCompiler) and not compiled.post_compile_params
        self._sql = str(compiled).encode()
        self._prepare = False if planned_anew else None  # None: once it has run twice on a connection
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}

    def run(self, connection: Connection, **values: Any) -> None:
        """Run it for what it does."""
        self._sent(connection, values)

    def rows(self, connection: Connection, **values: Any) -> list[Any]:
        """Its rows, as named tuples."""
        return self._sent(connection, values).fetchall()

    def row(self, connection: Connection, **values: Any) -> Any:
        """Its only row, or None."""
        return self._sent(connection, values).fetchone()

    def count(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it once for each of `rows`, in their order and in one round trip; how many rows it changed in all."""
        if len(rows) == 1:
            return self._sent(connection, rows[0]).rowcount
        cursor = _cursor(connection)
        if rows:
            cursor.executemany(self._sql, [{**self._constants, **row} for row in rows])
        return cursor.rowcount if rows else 0

    def _sent(self, connection: Connection, values: Mapping[str, Any]) -> Cursor[Any]:
        return _cursor(connection).execute(self._sql, {**self._constants, **values}, prepare=self._prepare)


def among(column_: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether the column is one of the list given as parameter `name`."""
    return column_ == any_(bindparam(name, type_=ARRAY(column_.type)))


def rows_of(**lists: TypeEngine[Any]) -> ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]:
    """The rows of which these lists, parameters of a statement, are the columns."""
    given = [bindparam(name, type_=ARRAY(type_)) for name, type_ in lists.items()]
    named = [column(name, type_) for name, type_ in lists.items()]
    return func.unnest(*given).table_valued(*named, name="given").render_derived().c


def _cursor(connection: Connection) -> Cursor[Any]:
    # One a connection: a new one costs as much as a short statement. Its rows are all read before its next use.
    cursor = connection.info.get(_CURSOR)
    if cursor is None or cursor.closed:
        driver: Any = connection.connection.driver_connection
        cursor = connection.info[_CURSOR] = driver.cursor(row_factory=namedtuple_row, binary=True)
    return cursor  # type: ignore[no-any-return]
