"""What the database itself refuses, whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.orchestrator.adapters.tables import metadata
from system.orchestrator.domain.status import EDGES, Status
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration

ORDER = """
    INSERT INTO orders (order_id, number, channel, customer_id, status, status_since, version, promise_at, step_is_stuck,
                        deliveries, changed_at)
    VALUES (%(id)s, %(number)s, 'shop', %(id)s, %(status)s, now(), 1, now(), false, '[]', now())
"""
STEP = """
    INSERT INTO order_history (order_id, seq, version, from_status, to_status, at, actor)
    VALUES (%(id)s, %(seq)s, %(seq)s, %(start)s, %(end)s, now(), 'test')
"""


class Desk:
    """A superuser's connection: no grant protects from it, only the triggers do."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.order_id = new_id()

    def order(self, status: Status = Status.INITIATED) -> None:
        values = {"id": self.order_id, "number": f"G-{self.order_id.hex[-12:]}", "status": status.value}
        self.connection.execute(ORDER, values)

    def step(self, seq: int, start: Status | None, end: Status) -> None:
        values = {"id": self.order_id, "seq": seq, "start": start, "end": end}
        self.connection.execute(STEP, values)


@pytest.fixture
def desk(infrastructure: Any, database: None) -> Iterator[Desk]:
    connection = infrastructure.server.connect("orchestrator")
    connection.autocommit = False
    yield Desk(connection)
    connection.rollback()
    connection.close()


def _refusal(refused: pytest.ExceptionInfo[psycopg.errors.CheckViolation]) -> str | None:
    return refused.value.diag.constraint_name


def test_the_database_knows_exactly_the_domain_s_edges(desk: Desk) -> None:
    stored = desk.connection.execute("SELECT from_status, to_status FROM legal_edge").fetchall()
    assert sorted(stored, key=str) == sorted(((edge.start, edge.end) for edge in EDGES), key=str)


def test_a_legal_history_is_taken(desk: Desk) -> None:
    desk.order(Status.SUBMITTED)
    desk.step(1, None, Status.INITIATED)
    desk.step(2, Status.INITIATED, Status.SUBMITTED)
    desk.connection.commit()


@pytest.mark.parametrize("seq", [1, 3])
def test_a_history_without_its_predecessor_is_refused(desk: Desk, seq: int) -> None:
    desk.order()
    desk.step(1, None, Status.INITIATED)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        desk.step(seq, Status.INITIATED, Status.SUBMITTED)
    assert _refusal(refused) == "order_history_gapless"


def test_a_step_that_begins_elsewhere_is_refused(desk: Desk) -> None:
    desk.order()
    desk.step(1, None, Status.INITIATED)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        desk.step(2, Status.SUBMITTED, Status.PRICE_CALCULATED)
    assert _refusal(refused) == "order_history_continues"


@pytest.mark.parametrize("end", [Status.PRICE_CALCULATED, Status.CLOSED, Status.INITIATED])
def test_a_step_that_skips_is_refused(desk: Desk, end: Status) -> None:
    desk.order()
    desk.step(1, None, Status.INITIATED)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        desk.step(2, Status.INITIATED, end)
    assert _refusal(refused) == "order_history_legal"


def test_an_order_is_born_initiated(desk: Desk) -> None:
    desk.order(Status.SUBMITTED)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        desk.step(1, None, Status.SUBMITTED)
    assert _refusal(refused) == "order_history_legal"


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE order_history SET actor = 'somebody else'",
        "DELETE FROM order_history",
        "TRUNCATE order_history",
        "UPDATE legal_edge SET to_status = 'CLOSED'",
        "INSERT INTO legal_edge VALUES ('INITIATED', 'CLOSED')",
    ],
)
def test_nobody_edits_what_was_written(desk: Desk, edit: str) -> None:
    desk.order()
    desk.step(1, None, Status.INITIATED)
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        desk.connection.execute(edit)
    assert _refusal(refused) == "append_only"


def test_a_status_without_its_history_is_refused_at_commit(desk: Desk) -> None:
    desk.order()
    desk.step(1, None, Status.INITIATED)
    desk.connection.execute("UPDATE orders SET status = 'CANCELLED' WHERE order_id = %s", [desk.order_id])
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        desk.connection.commit()
    assert _refusal(refused) == "order_status_is_history"


def test_an_order_without_any_history_is_refused_at_commit(desk: Desk) -> None:
    desk.order()
    with pytest.raises(psycopg.errors.CheckViolation):
        desk.connection.commit()


@pytest.mark.parametrize("table", ["order_history", "order_note", "legal_edge", "audit_log"])
async def test_the_application_may_not_even_try(built: Service, table: str) -> None:
    async with built.engine.connect() as connection:
        rights = await connection.execute(
            text("SELECT has_table_privilege(:table, 'UPDATE') OR has_table_privilege(:table, 'DELETE')"),
            {"table": table},
        )
        assert rights.scalar_one() is False


async def test_the_tables_in_code_are_the_tables_in_the_database(built: Service) -> None:
    async with built.engine.connect() as connection:
        for table in metadata.tables.values():
            stored = await connection.execute(
                text(
                    "SELECT column_name, is_nullable = 'YES' FROM information_schema.columns"
                    " WHERE table_schema = 'public' AND table_name = :table"
                ),
                {"table": table.name},
            )
            coded = {(column.name, bool(column.nullable)) for column in table.columns}
            assert {tuple(row) for row in stored} == coded, table.name


async def test_two_writers_of_one_order_cannot_both_win(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated())
    async with post.service.make_uow() as first:
        mine = await first.orders.get(facts.order_id)
        async with post.service.make_uow() as second:
            theirs = await second.orders.get(facts.order_id)
            theirs.move(Status.FILE_UPLOADED, actor="customer", now=datetime.now(UTC))
            await second.orders.save(theirs)
            await second.commit()
        mine.move(Status.CANCELLED, actor="customer", now=datetime.now(UTC))
        with pytest.raises(Unavailable):
            await first.orders.save(mine)
    assert await _status(post.service, facts.order_id) == Status.FILE_UPLOADED


async def _status(built: Service, order_id: UUID) -> str:
    order = await built.app.state.desks.queries.one(str(order_id))
    return str(order["status"])
