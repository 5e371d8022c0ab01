"""One order over a real database and a real broker: what its trace holds, and what neither errors nor slow statements give away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import ReleaseStock
from system.plumbing import telemetry
from system.plumbing.database import create_engine
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import said_by
from system.plumbing.telemetry.redaction import redact_text
from system.plumbing.tests.canaries import plant
from system.plumbing.tests.integration.conftest import Running, refuse, until
from system.plumbing.tests.spans import Ended, ids_of, linked_to, recording

pytestmark = pytest.mark.integration


@pytest.fixture
def ended() -> Iterator[Ended]:
    with recording() as spans:
        yield spans


async def done(ended: Ended, name: str) -> Any:
    """The span of this name, once it ended."""

    async def found() -> Any:
        return next((span for span in ended.all if span.name == name), None)

    return await until(found)


async def send(running: Running, order_id: UUID) -> None:
    async with running.uow() as uow:
        uow.publish(ReleaseStock(order_id=order_id))
        await uow.commit()


async def test_from_the_deed_to_the_effect_it_is_one_trace(running: Running, ended: Ended) -> None:
    order_id = new_id()
    with telemetry.in_order(order_id, "deed"):
        await send(running, order_id)
    consumed = await done(ended, f"consume {ReleaseStock.TYPE}")
    deed, published = ended.one("deed"), await done(ended, f"publish {ReleaseStock.TYPE}")
    for span in (deed, published, consumed):
        assert ids_of(span)[0] == order_id.int
        assert (span.attributes or {})["order.id"] == str(order_id)
    # The outbox row ties cause and effect: both are under the deed, and the effect is linked to what brought it.
    assert published.parent.span_id == consumed.parent.span_id == ids_of(deed)[1]
    assert linked_to(consumed) == {ids_of(published)}
    assert (published.kind, consumed.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)


async def test_a_message_of_work_in_another_trace_is_in_the_orders(running: Running, ended: Ended) -> None:
    order_id = new_id()
    with telemetry.span("tidy up"):
        await send(running, order_id)
    consumed = await done(ended, f"consume {ReleaseStock.TYPE}")
    work, moment = ended.one("tidy up"), ended.one(f"write {ReleaseStock.TYPE}")
    assert ids_of(work)[0] != order_id.int
    assert ids_of(moment)[0] == ids_of(consumed)[0] == order_id.int
    assert linked_to(moment) == {ids_of(work)}
    assert consumed.parent.span_id == ids_of(moment)[1]


async def test_a_message_that_fails_is_marked_by_the_kind_of_its_error(running: Running, ended: Ended) -> None:
    order_id, planted = new_id(), plant()

    def fail() -> None:
        raise RuntimeError(f"no room for {planted.email}")

    running.behaviour[str(order_id)] = fail
    await send(running, order_id)
    await until(lambda: _is(running, order_id, "parked"))
    failed = [span for span in ended.all if span.name.startswith("consume")]
    assert {(span.status.status_code, span.status.description) for span in failed} == {
        (StatusCode.ERROR, "RuntimeError")
    }
    (row,) = await running.rows("SELECT last_error FROM inbox WHERE subject = :o", o=str(order_id))
    assert row.last_error == "RuntimeError: no room for [redacted]"


async def test_a_refused_message_is_no_failure(running: Running, ended: Ended) -> None:
    order_id = new_id()
    running.behaviour[str(order_id)] = refuse
    await send(running, order_id)
    await until(lambda: _is(running, order_id, "refused"))
    assert ended.all[-1].status.status_code is not StatusCode.ERROR


async def _is(running: Running, order_id: UUID, state: str) -> bool:
    return await running.inbox_states(order_id) == [state]


async def _run(engine: AsyncEngine, statement: str, **values: Any) -> None:
    async with engine.begin() as connection:
        await connection.execute(text(statement), values)


async def test_statements_are_counted_and_those_that_take_long_are_shown(
    settings: ServiceSettings, ended: Ended
) -> None:
    engine = create_engine(settings)
    with telemetry.in_order(new_id(), "work"):
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            await connection.execute(text("SELECT pg_sleep(:s), :canary"), {"s": 0.02, "canary": "aunt"})
    await engine.dispose()
    work, shown = ended.one("work"), [span for span in ended.all if "pg_sleep" in str(span.attributes or {})]
    assert work.attributes is not None and work.attributes["db.statements"] == 2
    assert float(str(work.attributes["db.time_ms"])) > 20
    (slept,) = shown
    assert slept.parent is not None and slept.parent.span_id == ids_of(work)[1]
    assert slept.attributes is not None and slept.attributes["db.response.returned_rows"] == 1
    assert "aunt" not in slept.to_json()


async def test_a_slow_statement_is_kept_where_nothing_else_is(settings: ServiceSettings) -> None:
    with recording(reads_ratio=0.0) as ended:
        engine = create_engine(settings)
        with telemetry.request_trace("GET", traceparent=None) as request:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT 1"))
                await connection.execute(text("SELECT pg_sleep(0.15)"))
            request.answered(method="GET", route="/slow", status=200, error=None)
        await engine.dispose()
        (kept,) = ended.all
        assert kept.attributes is not None and kept.attributes["db.query.text"] == "SELECT pg_sleep(0.15)"
        assert ids_of(kept)[0] == request.span.get_span_context().trace_id


async def test_errors_of_the_database_quote_nobody(settings: ServiceSettings, ended: Ended) -> None:
    engine, planted = create_engine(settings), plant()
    await _run(engine, "CREATE TABLE person (name text PRIMARY KEY, age int NOT NULL CHECK (age > 0))")
    statements = [
        "INSERT INTO person VALUES (:name, 3), (:name, 3)",
        "INSERT INTO person VALUES (:name, NULL)",
        "INSERT INTO person VALUES (:name, -1)",
        "SELECT CAST(CAST(:name AS text) AS int)",
        "SELECT CAST(CAST(:name AS text) AS uuid)",
        "SELECT CAST(CAST(:name AS text) AS json)",
    ]
    for statement in statements:
        with telemetry.span("work"):
            with pytest.raises(DBAPIError) as raised:
                await _run(engine, statement, name=planted.name)
            assert planted.mark not in said_by(raised.value)
            assert planted.mark not in redact_text(str(raised.value))
    failed = [span for span in ended.all if span.name.startswith(("INSERT", "SELECT"))]
    assert len(failed) == len(statements)
    assert all(span.status.status_code is StatusCode.ERROR for span in failed)
    assert not any(planted.mark in span.to_json() for span in ended.all)
    assert any("23505" in span.to_json() for span in failed)
    await engine.dispose()


async def test_an_error_keeps_no_values_of_its_statement(settings: ServiceSettings) -> None:
    engine, planted = create_engine(settings), plant()
    await _run(engine, "CREATE TABLE person (name text PRIMARY KEY)")
    await _run(engine, "INSERT INTO person VALUES (:name)", name=planted.name)
    with pytest.raises(IntegrityError) as raised:
        await _run(engine, "INSERT INTO person VALUES (:name)", name=planted.name)
    assert "[parameters" not in str(raised.value)
    assert isinstance(raised.value.orig, psycopg.errors.UniqueViolation)
    assert said_by(raised.value) == "23505 UniqueViolation: constraint person_pkey, table person"
    await engine.dispose()
