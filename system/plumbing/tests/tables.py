"""Promises that every service's migration keeps, stated once: the tables are those of the code, and what is written stays."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Connection, MetaData, delete, inspect, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine


async def assert_migrated_as_coded(engine: AsyncEngine, metadata: MetaData) -> None:
    """The database has exactly the columns, indexes and checks that `metadata` names, table by table."""

    def shape(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            name: (
                {(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)},
                {index["name"] for index in inspector.get_indexes(name)},
                {check["name"] for check in inspector.get_check_constraints(name)},
            )
            for name in metadata.tables
        }

    async with engine.connect() as connection:
        real = await connection.run_sync(shape)
        dialect = connection.dialect
    named = {
        name: (
            {(column.name, column.type.compile(dialect), column.nullable) for column in table.columns},
            {index.name for index in table.indexes},
            {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint) and each.name},
        )
        for name, table in metadata.tables.items()
    }
    assert _comparable(real) == _comparable(named)


def _comparable(shapes: dict[str, Any]) -> dict[str, Any]:
    def plain(kind: str) -> str:
        return kind.replace(" WITH TIME ZONE", "").replace("ARRAY", "VARCHAR(40)[]")

    return {
        name: ({(column, plain(kind), nullable) for column, kind, nullable in columns}, indexes, checks)
        for name, (columns, indexes, checks) in shapes.items()
    }


async def assert_nobody_edits(engine: AsyncEngine, metadata: MetaData, table: str) -> None:
    """The application's own role may neither delete, change nor truncate this table."""
    target = metadata.tables[table]
    column = list(target.columns)[-1].name
    for statement in (delete(target), update(target).values({column: target.c[column]}), text(f"TRUNCATE {table}")):
        async with engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(statement)
