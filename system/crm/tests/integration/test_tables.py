"""What the database itself promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import CheckConstraint, Connection, Select, delete, inspect, text, update
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_parameters
from sqlalchemy.exc import DBAPIError

from system.crm.adapters import tables
from system.crm.adapters.queries import approvals_statement, orders_statement
from system.crm.tests.harness import START
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.ids import new_id

pytestmark = pytest.mark.integration
AFTER = (START + timedelta(days=100), new_id())


async def test_the_migration_makes_the_tables_that_the_code_names(crm: PostgresCrm) -> None:
    def shape(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            name: (
                {(column["name"], str(column["type"]), column["nullable"]) for column in inspector.get_columns(name)},
                {index["name"] for index in inspector.get_indexes(name)},
                {check["name"] for check in inspector.get_check_constraints(name)},
            )
            for name in tables.metadata.tables
        }

    async with crm.engine.connect() as connection:
        real = await connection.run_sync(shape)
        dialect = connection.dialect
    named = {
        name: (
            {(column.name, column.type.compile(dialect), column.nullable) for column in table.columns},
            {index.name for index in table.indexes},
            {str(each.name) for each in table.constraints if isinstance(each, CheckConstraint) and each.name},
        )
        for name, table in tables.metadata.tables.items()
    }
    assert _comparable(real) == _comparable(named)


def _comparable(shapes: dict[str, Any]) -> dict[str, Any]:
    def plain(kind: str) -> str:
        return kind.replace(" WITH TIME ZONE", "").replace("ARRAY", "VARCHAR(40)[]")

    return {
        name: ({(column, plain(kind), nullable) for column, kind, nullable in columns}, indexes, checks)
        for name, (columns, indexes, checks) in shapes.items()
    }


@pytest.mark.parametrize("table", tables.APPEND_ONLY)
async def test_the_application_cannot_edit_what_is_append_only(crm: PostgresCrm, table: str) -> None:
    target = tables.metadata.tables[table]
    column = list(target.columns)[-1].name
    for statement in (delete(target), update(target).values({column: target.c[column]}), text(f"TRUNCATE {table}")):
        async with crm.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="permission denied"):
                await connection.execute(statement)


QUESTIONS = [
    (approvals_statement(due_before=None, after=AFTER, limit=50), "sales_order_approvals"),
    (approvals_statement(due_before=AFTER[0] + timedelta(days=9), after=None, limit=50), "sales_order_approvals"),
    (orders_statement(query="a-777", status=None, after=None, limit=50), "sales_order_number"),
    (orders_statement(query="C777@Example.ORG", status=None, after=None, limit=50), "sales_order_email"),
    (orders_statement(query="po-775", status=None, after=None, limit=50), "sales_order_reference"),
    (orders_statement(query=None, status=None, after=AFTER, limit=50), "sales_order_newest"),
    (orders_statement(query=None, status="SHIPPED", after=AFTER, limit=50), "sales_order_status"),
]


@pytest.mark.parametrize(("statement", "index"), QUESTIONS)
async def test_a_question_reads_what_it_shows(crm: PostgresCrm, statement: Select[Any], index: str) -> None:
    """With 20,000 orders, no list and no search reads more than a few rows beyond its page."""
    await _fill(crm)

    async with crm.engine.connect() as connection:
        compiled = statement.compile(dialect=connection.dialect)
        plan = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", dict(compiled.params))
        nodes = list(_nodes(plan.scalar_one()[0]["Plan"]))

    assert index in {node["Index Name"] for node in nodes if "Index Name" in node}
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]
    assert (
        sum(node["Actual Rows"] + node.get("Rows Removed by Filter", 0) for node in nodes if "Index Name" in node)
        <= 200
    )


@pytest.mark.parametrize(("statement", "index"), QUESTIONS)
async def test_a_plan_prepared_for_any_values_uses_the_same_index(
    crm: PostgresCrm, statement: Select[Any], index: str
) -> None:
    """After a few executions a plan without values serves every page: a partial index must not depend on a value."""
    await _fill(crm)

    async with crm.engine.connect() as connection:
        compiled = statement.compile(dialect=numbered_parameters())  # type: ignore[no-untyped-call]
        plan = await connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {compiled}")
        nodes = list(_nodes(plan.scalar_one()[0]["Plan"]))

    assert index in {node["Index Name"] for node in nodes if "Index Name" in node}
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def _fill(crm: PostgresCrm) -> None:
    async with crm.engine.connect() as connection:
        if (await connection.execute(text("SELECT count(*) FROM sales_order"))).scalar_one() > 19_000:
            return
        await connection.execute(
            text(
                """
                INSERT INTO sales_order (order_id, number, opened_at, version, status, status_since, promise_at, due_at,
                    heard_at, channel, customer, customer_email, delivery, lines, agreed_total, agreed_currency,
                    partner_reference, submitted_at)
                SELECT gen_random_uuid(), 'A-' || n, at, 4,
                    CASE WHEN n % 20 = 0 THEN 'PRICE_CALCULATED' WHEN n % 3 = 0 THEN 'SHIPPED' ELSE 'CLOSED' END,
                    at, at, at, :now, 'shop',
                    jsonb_build_object('id', gen_random_uuid(), 'name', 'C', 'email', 'c' || n || '@example.org'),
                    'c' || n || '@example.org', '{}', '[]', 1, 'RUB',
                    CASE WHEN n % 5 = 0 THEN 'PO-' || n END, at
                FROM (SELECT n, CAST(:start AS timestamptz) + n * interval '20 minutes' AS at
                      FROM generate_series(1, 20000) AS n) AS made
                """
            ),
            {"start": START, "now": datetime.now(UTC)},
        )
        await connection.commit()
    async with crm.engine.connect() as connection:
        await (await connection.execution_options(isolation_level="AUTOCOMMIT")).execute(text("ANALYZE sales_order"))
