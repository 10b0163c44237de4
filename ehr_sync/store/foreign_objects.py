"""What stands in a database beside our own tables and acts on their rows: it could undo what was committed, or hide
it.

Triggers are only one way. A rule rewrites a statement; a policy hides rows; a view or a table of the same name stands
in for ours; a child table is read with its parent; and whatever PostgreSQL evaluates by itself when a row is written
(a check, a default, an index over an expression, a domain, a foreign key that deletes) can run any statement.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, text

# What PostgreSQL prints for the checks, defaults and partial indexes that our own tables have: words, operators and
# literals, and of functions these alone.  https://www.postgresql.org/docs/current/functions-info.html (pg_get_expr)
_OWN_CALLS: Final = re.compile(r"(clock_timestamp|now)\(\)|nextval\('[\w.]+'::regclass\)")
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'")
_CALL: Final = re.compile(r"[\w\"]\(")
_LONGEST_NAME: Final = 63


def foreign_objects(connection: Connection, tables: Collection[str], unlogged: Collection[str] = ()) -> tuple[str, ...]:
    """Each of them, as "kind name on table", in the order of their names; none where only our own tables stand there.

    `tables` are the names of ours, and `unlogged` those of them that are meant to be emptied by a crash. One statement
    over the catalogues: some milliseconds.
    """
    rows = connection.execute(_FOREIGN, {"ours": sorted(tables), "unlogged": sorted(unlogged)})
    return tuple(sorted({_said(r.kind, r.name, r.on_table) for r in rows if r.source is None or _acts(r.source)}))


def _said(kind: str, name: str, on_table: str) -> str:
    # Names are the intruder's choice: no line breaks, no control characters.
    shown = ascii(name[:_LONGEST_NAME])[1:-1]
    return f"{kind} {shown} on {on_table}" if on_table else f"{kind} {shown}"


def _acts(source: str) -> bool:
    """Whether an expression calls a function; PostgreSQL prints a blank between a keyword and its parenthesis."""
    return _CALL.search(_LITERAL.sub("''", _OWN_CALLS.sub("", source))) is not None


# Each row is an object to name. Where `source` is not NULL, it is one only if that expression calls a function.
_FOREIGN: Final = text("""
WITH ours AS (
    SELECT c.* FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
    WHERE c.relname = ANY(:ours) AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
      AND s.nspname NOT IN ('pg_catalog', 'information_schema') AND NOT pg_is_other_temp_schema(s.oid)
)
SELECT 'trigger' AS kind, t.tgname::text AS name, c.relname::text AS on_table, NULL AS source
  FROM pg_trigger t JOIN ours c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE NOT t.tgisinternal OR p.pronamespace <> 'pg_catalog'::regnamespace
UNION ALL
SELECT 'rule', r.rulename, c.relname, NULL
  FROM pg_rewrite r JOIN ours c ON c.oid = r.ev_class WHERE c.relkind IN ('r', 'p')
UNION ALL
SELECT 'event trigger', evtname, '', NULL FROM pg_event_trigger
UNION ALL
SELECT 'policy', p.polname, c.relname, NULL FROM pg_policy p JOIN ours c ON c.oid = p.polrelid
UNION ALL
SELECT 'row security', c.relname, '', NULL FROM ours c WHERE c.relrowsecurity OR c.relforcerowsecurity
UNION ALL
SELECT 'not an ordinary table:', c.relname, '', NULL FROM ours c
  WHERE c.relkind <> 'r' OR (c.relpersistence = 'u') <> (c.relname = ANY(:unlogged)) OR c.relpersistence = 't'
UNION ALL
SELECT 'more than one', c.relname, '', NULL FROM ours c GROUP BY c.relname HAVING count(*) > 1
UNION ALL
SELECT 'child', i.inhrelid::regclass::text, c.relname, NULL FROM pg_inherits i JOIN ours c ON c.oid = i.inhparent
UNION ALL
SELECT 'parent', i.inhparent::regclass::text, c.relname, NULL FROM pg_inherits i JOIN ours c ON c.oid = i.inhrelid
UNION ALL
SELECT 'generated column', a.attname, c.relname, NULL
  FROM pg_attribute a JOIN ours c ON c.oid = a.attrelid WHERE a.attgenerated <> ''
UNION ALL
SELECT 'default of', a.attname, c.relname, pg_get_expr(d.adbin, d.adrelid)
  FROM pg_attrdef d JOIN ours c ON c.oid = d.adrelid
  JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
UNION ALL
SELECT 'foreign type of', a.attname, c.relname, NULL
  FROM pg_attribute a JOIN ours c ON c.oid = a.attrelid JOIN pg_type t ON t.oid = a.atttypid
  WHERE a.attnum > 0 AND NOT a.attisdropped AND t.typnamespace <> 'pg_catalog'::regnamespace
UNION ALL
SELECT 'check', k.conname, c.relname, pg_get_expr(k.conbin, k.conrelid)
  FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid WHERE k.contype = 'c'
UNION ALL
SELECT 'foreign key that changes rows', k.conname, c.relname, NULL
  FROM pg_constraint k JOIN ours c ON c.oid = k.conrelid
  WHERE k.contype = 'f' AND (k.confdeltype NOT IN ('a', 'r') OR k.confupdtype NOT IN ('a', 'r'))
UNION ALL
SELECT 'index over an expression', x.relname, c.relname, NULL
  FROM pg_index i JOIN ours c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE i.indexprs IS NOT NULL
UNION ALL
SELECT 'index', x.relname, c.relname, pg_get_expr(i.indpred, i.indrelid)
  FROM pg_index i JOIN ours c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  WHERE i.indpred IS NOT NULL
UNION ALL
SELECT 'operator class of index', x.relname, c.relname, NULL
  FROM pg_index i JOIN ours c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_opclass o ON o.oid = ANY(i.indclass) WHERE o.opcnamespace <> 'pg_catalog'::regnamespace
UNION ALL
SELECT 'statistics over an expression', e.stxname, c.relname, NULL
  FROM pg_statistic_ext e JOIN ours c ON c.oid = e.stxrelid WHERE e.stxexprs IS NOT NULL
UNION ALL
SELECT 'search path that begins elsewhere:', current_setting('search_path'), '', NULL
  WHERE current_setting('search_path') ~ 'pg_catalog'
""")
