"""Many rows in one statement whose text does not grow with them: they go over as one JSON value, read in the order given.

Such a statement is built once, at import, and the server keeps its plan. Measured beside a statement per row, and beside an array per
column, it is the cheapest for both processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Column, Table, TextClause, text
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def given(*columns: Column[Any], **named: Column[Any]) -> str:
    """What follows FROM: the rows of the parameter `rows`, named `given`. Columns have their own names, or those of the keywords;
    `place` counts the rows from 1."""
    all_named = {column.name: column for column in columns} | named
    typed = ", ".join(f"{name} {column.type.compile(_DIALECT)}" for name, column in all_named.items())
    names = ", ".join((*all_named, "place"))
    recordset = f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS ({typed})"
    return f"ROWS FROM ({recordset}) WITH ORDINALITY AS given ({names})"


def inserting(table: Table, *names: str, shared: Mapping[str, str] | None = None, more: str = "") -> TextClause:
    """INSERT of these columns, in the order of the rows given; `more` follows it, e.g. ON CONFLICT or RETURNING.

    `shared` are columns with an expression of SQL that all rows have in common.
    """
    shared = shared or {}
    columns = ", ".join((*names, *shared))
    values = ", ".join((*names, *shared.values()))
    rows = given(*(table.columns[name] for name in names))
    # Names of tables and columns are our own; values are in the parameter.
    return text(f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM {rows} ORDER BY place {more}")  # noqa: S608


def saving(table: Table, *names: str, key: tuple[str, ...]) -> TextClause:
    """INSERT of these columns; where the key is there already, the others are replaced. A key may be given once only."""
    replaced = ", ".join(f"{name} = excluded.{name}" for name in names if name not in key)
    return inserting(table, *names, more=f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {replaced}")


def as_rows(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The parameter that such a statement takes."""
    return {"rows": orjson.dumps(list(rows), default=_plain).decode()}


def _plain(value: Any) -> str:
    # Moments, ids and enumerations are known to it; a number with decimals is text, so that it stays exact.
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is nothing that a row is made of")
