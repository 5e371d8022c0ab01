"""Is a restored server what the running one was? Figures of every table on both sides, and what they must say.

The running server goes on meanwhile. But every row knows when it was written (`track_commit_timestamp`), so of the running server
only those rows are counted that are no younger than the newest commit of the restored one: each must be there. Where both sides
have equally many, nothing of the table was touched since, and its content must be the same to the last byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.backups.server import Server


@dataclass(frozen=True, slots=True)
class Figures:
    """One table: how many rows, and a sum over the digests of all of them."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Compared:
    """One database: rows found, tables that are the same, tables that moved on since, and what is wrong."""

    rows: int
    same: int
    moved_on: int
    wrong: tuple[str, ...]


TABLES = """
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1
"""


def figures_query(tables: list[str], *, until: str | None) -> str:
    """One row per table; `until` counts only what was written by then. Frozen rows, which know no time any more, are old."""
    older = ""
    if until is not None:
        older = f" WHERE coalesce(pg_xact_commit_timestamp(t.xmin) <= '{until}', true)"
    return " UNION ALL ".join(
        f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(CAST(t AS text), 0)::numeric), 0) FROM {table} AS t{older}"  # noqa: S608
        for table in tables
    )


def figures_of(server: Server, database: str, *, until: str | None = None) -> dict[str, Figures]:
    """Every table of a database by its name. Raises CommandFailed."""
    tables = [row[0] for row in server.ask(database, TABLES)]
    if not tables:
        return {}
    found = server.ask(database, figures_query(tables, until=until))
    return {table: Figures(int(rows), digest) for table, rows, digest in found}


def compare(restored: Mapping[str, Figures], live: Mapping[str, Figures]) -> Compared:
    """What the two say of each other. `live` counts no row younger than the restored side."""
    wrong: list[str] = []
    same = moved_on = 0
    for table, had in sorted(live.items()):
        found = restored.get(table)
        if found is None:
            if had.rows:
                wrong.append(f"{table} is missing with {had.rows} rows")
        elif found.rows < had.rows:
            wrong.append(f"{table}: {had.rows - found.rows} rows are missing")
        elif found.rows == had.rows and found.digest != had.digest:
            wrong.append(f"{table}: the same number of rows, and other content")
        elif found.rows == had.rows:
            same += 1
        else:
            moved_on += 1
    return Compared(sum(each.rows for each in restored.values()), same, moved_on, tuple(wrong))


# Every order's history counts 1, 2, 3, each step goes on where the one before ended, and the last one is the order's status.
BROKEN_HISTORIES = """
    WITH step AS (
        SELECT order_id, seq, from_status, to_status,
            lag(seq) OVER w AS seq_before, lag(to_status) OVER w AS status_before, lead(seq) OVER w IS NULL AS is_last
        FROM order_history WINDOW w AS (PARTITION BY order_id ORDER BY seq)
    ), broken AS (
        SELECT order_id FROM step
        WHERE seq <> coalesce(seq_before, 0) + 1 OR from_status IS DISTINCT FROM status_before
        UNION
        SELECT o.order_id FROM orders o LEFT JOIN step s ON s.order_id = o.order_id AND s.is_last
        WHERE s.to_status IS DISTINCT FROM o.status
    )
    SELECT count(*), (SELECT count(*) FROM orders) FROM broken
"""


def broken_histories(server: Server) -> tuple[int, int]:
    """How many orders have a history with a gap, a jump or another end than their status; and how many there are."""
    broken, orders = server.ask("orchestrator", BROKEN_HISTORIES)[0]
    return int(broken), int(orders)
