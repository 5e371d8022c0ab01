"""What the database itself promises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import ClauseElement, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_parameters
from sqlalchemy.exc import IntegrityError

from system.conftest import Infrastructure
from system.kernel.ids import new_id
from system.mes.adapters import tables
from system.mes.adapters.queries import (
    MATERIALS_ON_BOARD,
    BoardFilter,
    board_statement,
    claimed_before_statement,
    in_work_count_statement,
    released_count_statement,
)
from system.mes.domain.pay import PayKind
from system.mes.tests.harness import OLEG, START, claim, released
from system.mes.tests.integration.conftest import PostgresMes
from system.plumbing.tests.tables import assert_migrated_as_coded, assert_nobody_edits

pytestmark = pytest.mark.integration

NOW = START + timedelta(days=400)
AFTER = (START + timedelta(days=260), new_id())
# On the board, which begins after 139 days, little is promised before this; of all work orders, more than half.
LATE = START + timedelta(days=160)


async def test_the_migration_makes_the_tables_that_the_code_names(mes: PostgresMes) -> None:
    await assert_migrated_as_coded(mes.engine, tables.metadata)


@pytest.mark.parametrize("table", tables.APPEND_ONLY)
async def test_the_application_cannot_edit_what_is_append_only(mes: PostgresMes, table: str) -> None:
    await assert_nobody_edits(mes.engine, tables.metadata, table)


async def test_the_ledger_refuses_a_second_earning_for_one_claim(mes: PostgresMes) -> None:
    _, [work_order_id] = await released(mes)
    await claim(mes, work_order_id, OLEG)

    async with mes.make_uow() as uow:
        earned = await uow.pay_ledger.earning_of(work_order_id, 1)
        with pytest.raises(IntegrityError, match="pay_ledger_pkey"):
            await uow.pay_ledger.add(earned)

    assert [entry.kind for entry in await mes.ledger(work_order_id)] == [PayKind.EARN]


FILTERS = [
    (BoardFilter(), "work_order_unfinished"),
    (BoardFilter(material="silver_925"), "work_order_board_material"),
    (BoardFilter(channel="partner"), "work_order_board_channel"),
    (BoardFilter(escalated=True), "work_order_unfinished"),
    (BoardFilter(due_before=LATE), "work_order_unfinished"),
    (BoardFilter(state="CLAIMED"), "work_order_unfinished"),
    (BoardFilter(state="CLAIMED", material="silver_925"), "work_order_unfinished"),
    (BoardFilter(state="CLAIMED", channel="partner", due_before=LATE), "work_order_unfinished"),
    (BoardFilter(held_by=OLEG.id), "work_order_mine"),
]
BY_NUMBER = [
    (BoardFilter(number="A-12340"), 1),
    (BoardFilter(number="A-1234"), 1),
    (BoardFilter(number="A-123"), 10),
    (BoardFilter(number="A-123", state="CLAIMED"), 10),
    (BoardFilter(number="A-20000"), 1),
    (BoardFilter(number="A-1234_"), 0),
    (BoardFilter(number="A-1%"), 0),
    (BoardFilter(number="B"), 0),
]


@pytest.mark.parametrize(("wanted", "index"), FILTERS)
async def test_a_page_of_the_board_reads_a_page(
    mes: PostgresMes, infrastructure: Infrastructure, wanted: BoardFilter, index: str
) -> None:
    """With 20,000 work orders of which most are shipped, no filter reads more than a few rows beyond its page."""
    await _fill(mes, infrastructure)
    statement = board_statement(wanted, now=NOW, claim_budget_s=3600, after=AFTER, limit=50)

    nodes = await _explained(mes, statement)

    assert index in _indexes(nodes)
    assert not _scanned_whole(nodes)
    read = _rows_read(nodes)
    assert read <= 200
    # What fills no page may as well be sorted.
    assert read < 50 or not [node for node in nodes if node["Node Type"] == "Sort"]


@pytest.mark.parametrize(("wanted", "index"), FILTERS)
async def test_a_plan_prepared_for_any_values_uses_the_same_index(
    mes: PostgresMes, infrastructure: Infrastructure, wanted: BoardFilter, index: str
) -> None:
    """After a few executions a plan without values serves every page: a partial index must not depend on a value."""
    await _fill(mes, infrastructure)
    statement = board_statement(wanted, now=NOW, claim_budget_s=3600, after=AFTER, limit=50)

    nodes = await _prepared(mes, statement)

    assert index in _indexes(nodes)
    assert not _scanned_whole(nodes)


@pytest.mark.parametrize(("wanted", "found"), BY_NUMBER)
async def test_a_number_reads_what_begins_with_it(
    mes: PostgresMes, infrastructure: Infrastructure, wanted: BoardFilter, found: int
) -> None:
    await _fill(mes, infrastructure)
    statement = board_statement(wanted, now=NOW, claim_budget_s=3600, after=None, limit=50)

    async with mes.engine.connect() as connection:
        numbers = [row.order_number for row in await connection.execute(statement)]
    nodes = await _explained(mes, statement)

    assert len(numbers) == found
    assert all(number.startswith(str(wanted.number)) for number in numbers)
    assert "work_order_unfinished_number" in _indexes(nodes)
    # Those of every unfinished state lie in one range.
    assert _rows_read(nodes) <= 2 * found + 2


async def test_a_plan_prepared_for_any_number_uses_its_index(mes: PostgresMes, infrastructure: Infrastructure) -> None:
    await _fill(mes, infrastructure)
    statement = board_statement(BoardFilter(number="A-1234"), now=NOW, claim_budget_s=3600, after=None, limit=50)

    assert "work_order_unfinished_number" in _indexes(await _prepared(mes, statement))


@pytest.mark.parametrize(
    "statement",
    [released_count_statement(overdue_before=START), in_work_count_statement(), text(MATERIALS_ON_BOARD)],
    ids=["on the board", "in work", "materials"],
)
async def test_what_is_finished_is_never_counted(
    mes: PostgresMes, infrastructure: Infrastructure, statement: ClauseElement
) -> None:
    """The numbers on the tabs and the materials to choose from cost what is unfinished, a tenth of all here."""
    await _fill(mes, infrastructure)

    nodes = await _explained(mes, statement)

    assert not _scanned_whole(nodes)
    assert _rows_read(nodes) <= 2000


def _indexes(nodes: list[dict[str, Any]]) -> set[str]:
    return {node["Index Name"] for node in nodes if "Index Name" in node}


def _rows_read(nodes: list[dict[str, Any]]) -> int:
    """Work orders that were read, those that a filter then threw away among them."""
    scans = [node for node in nodes if node.get("Relation Name") == "work_order"]
    return sum(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in scans)


def _scanned_whole(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [node for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "work_order"]


async def _explained(mes: PostgresMes, statement: ClauseElement) -> list[dict[str, Any]]:
    """The nodes of the plan that the statement was executed with."""
    async with mes.engine.connect() as connection:
        compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": False})
        plan = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.params)
        return list(_nodes(plan.scalar_one()[0]["Plan"]))


async def _prepared(mes: PostgresMes, statement: ClauseElement) -> list[dict[str, Any]]:
    """The nodes of the plan that is made without values."""
    async with mes.engine.connect() as connection:
        compiled = statement.compile(dialect=numbered_parameters())  # type: ignore[no-untyped-call]
        plan = await connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {compiled}")
        return list(_nodes(plan.scalar_one()[0]["Plan"]))


async def test_what_is_looked_for_by_number_or_by_idleness_is_found_by_an_index(
    mes: PostgresMes, infrastructure: Infrastructure
) -> None:
    await _fill(mes, infrastructure)
    looked_for = {
        "work_order_number": "order_number = 'A-777'",
        "work_order_mine": f"claimed_by = '{OLEG.id}' AND {tables.CLAIMED} ORDER BY claimed_at LIMIT 5",
    }
    async with mes.engine.connect() as connection:
        for index, condition in looked_for.items():
            asked = f"EXPLAIN (FORMAT JSON) SELECT id FROM work_order WHERE {condition}"  # noqa: S608 - constants of ours
            plan = await connection.exec_driver_sql(asked)
            used = [node.get("Index Name") for node in _nodes(plan.scalar_one()[0]["Plan"])]
            assert index in used, f"{condition} is read by {used}"
    nodes = await _explained(mes, claimed_before_statement(NOW, limit=100))
    # Each of them holds what is unfinished, or only what is in work, and nothing else: which is the cheapest is the planner's to say.
    bounded = {"work_order_unfinished", "work_order_unfinished_number", "work_order_mine"}
    assert _indexes(nodes) <= bounded and _indexes(nodes)
    assert not _scanned_whole(nodes)


def _nodes(plan: dict[str, Any]) -> Any:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


async def _fill(mes: PostgresMes, infrastructure: Infrastructure) -> None:
    """20,000 work orders: of the newer half a tenth is on the board and a tenth in work, all others are shipped.

    Partners and silver are rare: what is common is found as quickly by the general index. Late work is rare on the board, and not the
    oldest there, while nearly all that is shipped is past its day.
    """
    async with mes.engine.connect() as connection:
        if (await connection.execute(text("SELECT count(*) FROM work_order"))).scalar_one() > 19_000:
            return
        await connection.execute(
            text(
                """
                INSERT INTO work_order (id, order_id, line_id, order_number, channel, title, kind, material, quantity,
                    approved_at, promise_at, released_at, state, state_since, claim_no, claimed_by, claimed_by_name, claimed_at)
                SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'A-' || n,
                    CASE WHEN n / 10 % 10 = 0 THEN 'partner' ELSE 'shop' END, 'Ring', 'custom',
                    CASE WHEN n / 10 % 10 = 1 THEN 'silver_925' ELSE 'gold_585' END, 1,
                    at, at + interval '21 days' - n / 10 % 37 * interval '1 day', at, state, at,
                    CASE WHEN state = 'RELEASED' THEN 0 ELSE 1 END,
                    CASE WHEN state = 'RELEASED' THEN NULL WHEN n % 7 = 0 THEN CAST(:oleg AS uuid) ELSE gen_random_uuid() END,
                    CASE WHEN state = 'RELEASED' THEN NULL ELSE 'Oleg' END,
                    CASE WHEN state = 'RELEASED' THEN NULL ELSE at END
                FROM (SELECT n, CAST(:start AS timestamptz) + n * interval '20 minutes' AS at,
                             CASE WHEN n <= 10000 THEN 'SHIPPED' WHEN n % 10 = 0 THEN 'RELEASED' WHEN n % 10 = 1 THEN 'CLAIMED'
                                  ELSE 'SHIPPED' END AS state
                      FROM generate_series(1, 20000) AS n) AS made
                """
            ),
            {"oleg": OLEG.id, "start": START},
        )
        await connection.commit()
    infrastructure.analyze("mes", "work_order")
