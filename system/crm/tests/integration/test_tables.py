"""What the database itself promises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_parameters

from system.conftest import Infrastructure
from system.crm.adapters import queries, tables
from system.crm.adapters.care_queries import Which, notes_statement, open_statement, reminders_statement
from system.crm.adapters.cases import cases_statement, listed_statement
from system.crm.adapters.customers import customers_statement, orders_of_statement
from system.crm.adapters.queries import (
    approvals_statement,
    chosen_statement,
    escalated_statement,
    noted_statement,
    orders_statement,
    words_statement,
)
from system.crm.domain.care import Subject
from system.crm.tests.harness import START
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.ids import new_id
from system.plumbing.tests.tables import assert_migrated_as_coded, assert_nobody_edits

pytestmark = pytest.mark.integration
AFTER = (START + timedelta(days=100), new_id())
SOMEBODY = new_id()


async def test_the_migration_makes_the_tables_that_the_code_names(crm: PostgresCrm) -> None:
    await assert_migrated_as_coded(crm.engine, tables.metadata)


@pytest.mark.parametrize("table", tables.APPEND_ONLY)
async def test_the_application_cannot_edit_what_is_append_only(crm: PostgresCrm, table: str) -> None:
    await assert_nobody_edits(crm.engine, tables.metadata, table)


REMINDERS: tuple[tuple[Which, str], ...] = (
    ("due", "reminder_open"),
    ("later", "reminder_open"),
    ("done", "reminder_done"),
)
QUESTIONS = [
    (approvals_statement(due_before=None, after=AFTER, limit=50), "sales_order_approvals"),
    (approvals_statement(due_before=AFTER[0] + timedelta(days=9), after=None, limit=50), "sales_order_approvals"),
    (orders_statement(query="a-777", status=None, after=None, limit=50), "sales_order_number"),
    (orders_statement(query="C777@Example.ORG", status=None, after=None, limit=50), "sales_order_email"),
    (orders_statement(query="po-775", status=None, after=None, limit=50), "sales_order_reference"),
    (orders_statement(query="+7 (900) 000-07-77", status=None, after=None, limit=50), "sales_order_phone"),
    (orders_statement(query="tr 777", status=None, after=None, limit=50), "shipment_tracking"),
    (words_statement(words=["unikat777"], status=None, after=None, limit=50), "sales_order_words"),
    (orders_statement(query=None, status=None, after=AFTER, limit=50), "sales_order_newest"),
    (orders_statement(query=None, status="SHIPPED", after=AFTER, limit=50), "sales_order_status"),
    (noted_statement(words=["unikat777"]), "note_words"),
    (chosen_statement(order_ids=[SOMEBODY], status=None, after=AFTER, limit=50), "sales_order_pkey"),
    (escalated_statement(after=AFTER, limit=50), "sales_order_escalated"),
    (orders_of_statement(SOMEBODY, after=AFTER, limit=50), "sales_order_customer"),
    (customers_statement(query=None, as_words=False, after=AFTER, limit=50), "sales_order_customer"),
    (customers_statement(query="c777@example.org", as_words=False, after=None, limit=50), "sales_order_email"),
    (customers_statement(query="8 900 0000777", as_words=False, after=None, limit=50), "sales_order_phone"),
    (customers_statement(query="unikat777", as_words=True, after=None, limit=50), "sales_order_words"),
    (notes_statement(Subject(order_id=SOMEBODY), limit=50), "note_order"),
    (notes_statement(Subject(customer_id=SOMEBODY), limit=50), "note_customer"),
    (open_statement(Subject(customer_id=SOMEBODY), limit=50), "reminder_customer"),
    (cases_statement(SOMEBODY), "care_case_order"),
    (listed_statement("open", after=AFTER, limit=50), "care_case_open"),
    (listed_statement("refused", after=AFTER, limit=50), "care_case_state"),
    *(
        (
            reminders_statement(which, who=SOMEBODY, administers=False, now=AFTER[0], after=AFTER, limit=50),
            index,
        )
        for which, index in REMINDERS
    ),
]


@pytest.mark.parametrize(("statement", "index"), QUESTIONS)
async def test_a_question_reads_what_it_shows(
    crm: PostgresCrm, infrastructure: Infrastructure, statement: Select[Any], index: str
) -> None:
    """With 20,000 orders, no list and no search reads more than a few rows beyond its page."""
    await _fill(crm)
    infrastructure.analyze("crm", "sales_order")
    for table in ("shipment", "note", "reminder", "care_case"):
        infrastructure.analyze("crm", table)

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
    crm: PostgresCrm, infrastructure: Infrastructure, statement: Select[Any], index: str
) -> None:
    """After a few executions a plan without values serves every page: a partial index must not depend on a value."""
    await _fill(crm)
    infrastructure.analyze("crm", "sales_order")
    for table in ("shipment", "note", "reminder", "care_case"):
        infrastructure.analyze("crm", table)

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
                    CASE WHEN n % 20 = 0 THEN 'PRICE_CALCULATED' WHEN n % 40 = 1 THEN 'SHIPPED' ELSE 'CLOSED' END,
                    at, at, at, :now, 'shop',
                    jsonb_build_object('id', gen_random_uuid(), 'name', 'C', 'email', 'c' || n || '@example.org',
                        'phone', '8 900 ' || lpad(n::text, 7, '0')),
                    'c' || n || '@example.org', '{}',
                    jsonb_build_array(jsonb_build_object('kind', 'ready_made', 'title', 'Ring unikat' || n)), 1, 'RUB',
                    CASE WHEN n % 5 = 0 THEN 'PO-' || n END, at
                FROM (SELECT n, CAST(:start AS timestamptz) + n * interval '20 minutes' AS at
                      FROM generate_series(1, 20000) AS n) AS made
                """
            ),
            {"start": START, "now": datetime.now(UTC)},
        )
        await connection.execute(
            text(
                """
                INSERT INTO shipment (carrier_key, tracking_key, work_order_id, order_id, carrier, tracking_number)
                SELECT 'swiftpost', 'tr' || row_number() OVER (), gen_random_uuid(), order_id, 'SwiftPost', 'TR'
                FROM sales_order
                """
            )
        )
        await connection.execute(
            text(
                """
                INSERT INTO note (note_id, order_id, customer_id, author_id, author_name, text, at)
                SELECT gen_random_uuid(), order_id, NULL, gen_random_uuid(), 'Sofia', 'unikat' || substr(number, 3), opened_at
                FROM sales_order
                UNION ALL
                SELECT gen_random_uuid(), NULL, (customer ->> 'id')::uuid, gen_random_uuid(), 'Sofia', 'likes rings', opened_at
                FROM sales_order WHERE customer IS NOT NULL
                """
            )
        )
        await connection.execute(
            text(
                """
                INSERT INTO reminder (reminder_id, order_id, customer_id, text, due_at, for_id, for_name, made_by, made_by_name,
                    made_at, version, done_by, done_by_name, done_at, changed_at)
                SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN gen_random_uuid() END,
                    CASE WHEN n % 2 = 1 THEN gen_random_uuid() END, 'call', at, who, 'S', who, 'S', at, 1,
                    CASE WHEN n % 3 > 0 THEN who END, 'S', CASE WHEN n % 3 > 0 THEN at END, at
                FROM (SELECT n, gen_random_uuid() AS who, CAST(:start AS timestamptz) + n * interval '20 minutes' AS at
                      FROM generate_series(1, 20000) AS n) AS made
                """
            ),
            {"start": START},
        )
        await connection.execute(
            text(
                """
                INSERT INTO care_case (case_id, order_id, kind, reason, line_ids, state, opened_at, due_at, version, changed_at)
                SELECT gen_random_uuid(), gen_random_uuid(), 'return', 'other', '[]',
                    CASE WHEN n % 10 = 0 THEN 'open' WHEN n % 2 = 0 THEN 'refused' ELSE 'closed' END, at,
                    CASE WHEN n % 10 = 0 THEN at + interval '10 years' END, 1, at
                FROM (SELECT n, CAST(:start AS timestamptz) + n * interval '1 minute' AS at
                      FROM generate_series(1, 20000) AS n) AS made
                """
            ),
            {"start": START},
        )
        await connection.commit()


@pytest.mark.parametrize(("next_per_line", "near"), [(1, 1), (1, 50), (1, 700), (8, 700), (8, 25_000), (800, 50)])
async def test_where_words_are_looked_for_first_does_not_change_what_is_found(
    crm: PostgresCrm, monkeypatch: pytest.MonkeyPatch, next_per_line: int, near: int
) -> None:
    """`ring` is a word of every order, `unikat19...` of a few, far from each other: page after page, newest first, each once."""
    await _fill(crm)
    monkeypatch.setattr(queries, "NEXT_ORDERS_PER_LINE", next_per_line)
    monkeypatch.setattr(queries, "NEAR_ORDERS", near)
    asked = queries.CrmQueries(crm.engine, at_risk_margin_s=60)
    ring = await asked.orders(query="ring", status=None, cursor=None, limit=40)
    further = await asked.orders(query="ring", status=None, cursor=ring["next"], limit=40)
    numbers = [item["number"] for page in (ring, further) for item in page["items"] if item["number"].startswith("A-")]
    assert numbers == [f"A-{20_000 - place}" for place in range(len(numbers))] and len(numbers) == 80

    found: list[str] = []
    cursor = None
    while True:
        page = await asked.orders(query="unikat199", status=None, cursor=cursor, limit=30)
        found += [item["number"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    wanted = sorted((n for n in range(1, 20_001) if str(n).startswith("199")), reverse=True)
    assert found == [f"A-{n}" for n in wanted]
