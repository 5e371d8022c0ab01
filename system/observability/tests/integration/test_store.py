"""Days, duplicates, indexes: spans and lines over a real database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from system.observability.adapters.days import SqlDays
from system.observability.adapters.queries import TraceQueries
from system.observability.adapters.store import SqlStore
from system.observability.adapters.tables import metadata
from system.observability.application.receiving import Room
from system.observability.application.tidying import Bounds, tidy
from system.observability.tests.telling import a_line, a_span
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC)
TODAY = NOW.date()


async def rows(built: Service, query: str, **values: Any) -> list[Any]:
    async with built.engine.connect() as connection:
        return list((await connection.execute(text(query), values)).all())


async def partition_of(built: Service, trace: UUID) -> str:
    [[name]] = await rows(built, "SELECT tableoid::regclass::text FROM span WHERE trace_id = :t", t=trace)
    return str(name)


@pytest.fixture
def days(built: Service) -> SqlDays:
    return SqlDays(built.engine)


async def test_what_is_sent_twice_is_kept_once(built: Service, store: SqlStore) -> None:
    trace = uuid4()
    first = [a_span(trace, at=NOW, attributes={"a": 1}), a_span(trace, at=NOW)]
    assert await store.keep_spans(first) == 2
    assert await store.keep_spans(first) == 0
    fresh = a_span(trace, at=NOW)
    assert await store.keep_spans([*first, fresh, fresh]) == 1
    [[count]] = await rows(built, "SELECT count(*) FROM span WHERE trace_id = :t", t=trace)
    assert count == 3
    line = a_line(at=NOW, trace_id=trace)
    assert [await store.keep_lines([line]), await store.keep_lines([line, a_line(at=NOW)])] == [1, 1]


async def test_a_span_comes_back_as_it_was_kept(built: Service, store: SqlStore) -> None:
    trace, other = uuid4(), uuid4()
    root = a_span(
        trace, "ж 'quoted' \\ \t\n", at=NOW, attributes={"order.id": str(trace), "n": [1, None, "x"], "é": True}
    )
    about = a_span(other, "GET", at=NOW + timedelta(seconds=1), attributes={"order.id": str(trace)})
    line = a_line("told \\N", at=NOW, trace_id=trace, attributes={"order.id": str(trace)})
    loose = a_line("without a trace", at=NOW, attributes={"order.id": str(trace)})
    await store.keep_spans([root, about])
    await store.keep_lines([line, loose])
    queries = TraceQueries(built.engine, spans_max=10)
    found = await queries.of_order(trace)
    assert (
        found.spans == (root, about)
        and sorted(found.lines, key=lambda each: each.body) == [line, loose]
        and found.is_whole
    )
    assert (await queries.of_trace(trace)).spans == (root,)
    assert not (await TraceQueries(built.engine, spans_max=1).of_order(trace)).is_whole


async def test_each_day_has_a_place_and_what_has_none_waits_for_it(
    built: Service, store: SqlStore, days: SqlDays
) -> None:
    long_ago = TODAY - timedelta(days=5)
    trace, today = uuid4(), uuid4()
    await days.drop(TODAY - timedelta(days=1))
    await store.keep_spans([a_span(trace, at=NOW - timedelta(days=5)), a_span(today, at=NOW)])
    assert await partition_of(built, trace) == "span_odd"
    assert await partition_of(built, today) == f"span_{TODAY:%Y%m%d}"
    assert await days.make(long_ago, long_ago) == 2
    assert await partition_of(built, trace) == f"span_{long_ago:%Y%m%d}"
    assert await days.make(long_ago, long_ago) == 0, "a day is made once"


async def test_days_that_are_over_go_as_a_whole(built: Service, store: SqlStore, days: SqlDays) -> None:
    old, odd, kept = uuid4(), uuid4(), uuid4()
    day = TODAY - timedelta(days=20)
    await days.make(day, day)
    await store.keep_spans(
        [a_span(old, at=NOW - timedelta(days=20)), a_span(odd, at=NOW - timedelta(days=21)), a_span(kept, at=NOW)]
    )
    await tidy(days, Room(), Bounds(7, 90, 10**12), now=NOW)
    left = await rows(built, "SELECT trace_id FROM span WHERE trace_id IN (:a, :b, :c)", a=old, b=odd, c=kept)
    assert [row.trace_id for row in left] == [kept]
    sizes = await days.sizes()
    assert day not in sizes and {TODAY, TODAY + timedelta(days=3)} <= set(sizes) and sizes[TODAY] > 0


async def test_the_application_cannot_drop_anything_else(built: Service) -> None:
    for statement in (
        "DROP TABLE span_odd",
        "TRUNCATE span",
        f"DROP TABLE span_{TODAY:%Y%m%d}",
        "CREATE TABLE x (a int)",
    ):
        with pytest.raises(Exception, match=r"permission denied|must be owner"):
            await rows(built, statement)


@pytest.fixture
def busy_day(built: Service) -> date:
    return TODAY - timedelta(days=2)


async def test_what_is_asked_is_found_by_an_index(
    built: Service, store: SqlStore, days: SqlDays, infrastructure: Any, busy_day: date
) -> None:
    await days.make(busy_day, busy_day)
    begins = datetime.combine(busy_day, datetime.min.time(), UTC)
    for batch in range(10):
        orders = [uuid4() for _ in range(100)]
        await store.keep_spans(
            [
                a_span(
                    orders[n % 100],
                    at=begins + timedelta(seconds=batch * 2000 + n),
                    parent=None if n % 10 == 0 else "00000000000000aa",
                    attributes={"order.id": str(orders[n % 100])} if n % 3 else {},
                )
                for n in range(2000)
            ]
        )
        await store.keep_lines(
            [a_line(at=begins + timedelta(seconds=batch * 2000 + n), trace_id=orders[n % 100]) for n in range(1000)]
        )
    for table in ("span", "log_line"):
        infrastructure.analyze("observability", f"{table}_{busy_day:%Y%m%d}")
    day = f"{busy_day:%Y%m%d}"
    for table, moment in (("span", "started_at"), ("log_line", "at")):
        query = f"EXPLAIN SELECT * FROM {table} WHERE trace_id = :i OR order_id = :i ORDER BY {moment} LIMIT 1000"  # noqa: S608
        plan = "\n".join(row[0] for row in await rows(built, query, i=uuid4()))
        assert f"Seq Scan on {table}_{day}" not in plan, plan
        assert f"on {table}_{day}_order_id" in plan, plan
        assert f"on {table}_{day}_pkey" in plan or f"on {table}_{day}_trace_id" in plan, plan


async def test_the_tables_in_code_are_those_of_the_migration(built: Service) -> None:
    for name, table in metadata.tables.items():
        found = await rows(
            built,
            "SELECT column_name, is_nullable FROM information_schema.columns WHERE table_name = :t ORDER BY ordinal_position",
            t=name,
        )
        assert [(row[0], row[1] == "YES") for row in found] == [(c.name, c.nullable) for c in table.columns], name
