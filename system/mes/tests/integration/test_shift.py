"""What the shift lead is told, on PostgreSQL: the figures, what they cost to read, and the page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import func, select, text

from system.conftest import Infrastructure
from system.kernel.clock import SystemClock
from system.kernel.ids import new_id
from system.mes.adapters import tables
from system.mes.adapters.flow_queries import (
    FlowQueries,
    moves_statement,
    operators_moves_statement,
    released_statement,
    standing_statement,
)
from system.mes.application import handlers
from system.mes.application.commands import CompleteWorkOrder, ReportProgress, StartPacking, StartRework
from system.mes.domain.flow import passed
from system.mes.domain.work_order import Operator
from system.mes.entrypoints.shift_api import FlowView, LateRiskView
from system.mes.settings import MesSettings
from system.mes.tests.harness import TERMS, claim, released, spec
from system.mes.tests.integration.conftest import PostgresMes, caller_of, process
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
ZONE = ZoneInfo("Europe/Moscow")
ENGLISH = {"Accept-Language": "en"}
# Long before any other test's work.
PAST = datetime(2025, 1, 10, tzinfo=ZONE)
DAYS = 40
A_DAY = 200


def newcomer() -> Operator:
    """An operator whom no other test has."""
    return Operator(new_id(), f"Nina {new_id().hex[-6:]}")


@pytest.fixture
def maria(people: People) -> dict[str, str]:
    return people.headers("Maria", "seller")


@pytest.fixture
async def http(settings: MesSettings) -> AsyncIterator[httpx.AsyncClient]:
    """MES's own figures, whatever a reading of a moment ago said."""
    async with process(settings.model_copy(update={"shift_refreshed_s": 0.001})) as app, caller_of(app) as caller:
        yield caller


async def worked_on(mes: PostgresMes) -> tuple[Operator, list[UUID]]:
    """Four pieces of one operator today: on the bench, made, packed, and made but reworked; one on which nobody began."""
    nina = newcomer()
    mes.clock = SystemClock()  # type: ignore[assignment]
    _, ids = await released(mes, *(spec() for _ in range(5)))
    for work_order_id in ids[:4]:
        await claim(mes, work_order_id, nina)
    for work_order_id in ids[1:4]:
        await handlers.complete_work_order(CompleteWorkOrder(work_order_id, nina), mes.make_uow(), terms=TERMS)
    await handlers.start_packing(StartPacking(ids[2], nina), mes.make_uow(), terms=TERMS)
    await handlers.start_rework(StartRework(ids[3], nina, "a scratch"), mes.make_uow(), terms=TERMS)
    await handlers.report_progress(ReportProgress(ids[0], nina), mes.make_uow(), terms=TERMS)
    return nina, ids


async def test_what_an_operator_made_today_is_counted_once_and_rework_is_taken_off(mes: PostgresMes) -> None:
    nina, _ = await worked_on(mes)
    now = datetime.now(UTC)
    moves = await FlowQueries(mes.engine).operators_moves(begins=now - timedelta(minutes=5), ends=now)
    assert passed(moves[nina.id, nina.name]) == {"RELEASED": 4, "CLAIMED": 2, "COMPLETED": 1}


async def test_what_moved_is_told_by_day_and_hour_of_the_workshop(mes: PostgresMes) -> None:
    begins = datetime.now(UTC)
    await worked_on(mes)
    ends = datetime.now(UTC)
    found = await FlowQueries(mes.engine).moves(begins=begins, ends=ends, zone=ZONE.key)
    moves = [move for day in found.values() for move in day]
    assert sum(move.number for move in moves if move.before is None) == 5
    assert passed(moves) == {"RELEASED": 4, "CLAIMED": 2, "COMPLETED": 1}
    here = {begins.astimezone(ZONE).hour, ends.astimezone(ZONE).hour}
    assert {move.hour for move in moves} <= here and set(found) <= {
        begins.astimezone(ZONE).date(),
        ends.astimezone(ZONE).date(),
    }


async def test_what_stands_is_told_in_the_order_of_its_queue(mes: PostgresMes) -> None:
    nina, ids = await worked_on(mes)
    standing = await FlowQueries(mes.engine).standing()
    own = {piece.work_order_id: piece for piece in standing if piece.work_order_id in ids}
    assert [own[each].state for each in ids] == ["CLAIMED", "COMPLETED", "PACKING", "CLAIMED", "RELEASED"]
    # To say that it goes on makes a claim no younger.
    assert own[ids[0]].since < own[ids[0]].happened_at
    assert (own[ids[0]].held_by, own[ids[4]].held_by) == (nina.id, None)
    for state in {piece.state for piece in standing}:
        approved = [piece.approved_at for piece in standing if piece.state == state]
        assert approved == sorted(approved)


async def test_the_figures_have_the_shape_of_the_contract(
    http: httpx.AsyncClient, maria: dict[str, str], mes: PostgresMes
) -> None:
    nina, ids = await worked_on(mes)
    flow = FlowView.model_validate((await http.get("/api/mes/v1/flow", headers=maria)).json())
    [bench] = [each for each in flow.in_hand if each.operator_id == nina.id]
    assert (bench.claimed, bench.claims_max) == (2, TERMS.claims_max)
    assert {piece.work_order_id for piece in bench.pieces} == {ids[0], ids[3]}
    assert [each.completed for each in flow.operators_today if each.operator_id == nina.id] == [2]
    assert flow.days[-1].in_progress == flow.in_progress
    risky = LateRiskView.model_validate((await http.get("/api/mes/v1/late-risk?limit=500", headers=maria)).json())
    assert sum(risky.counts.model_dump().values()) == sum(flow.in_progress.model_dump().values())


async def test_pricing_that_is_away_is_said_and_the_rest_is_shown(
    http: httpx.AsyncClient, maria: dict[str, str], mes: PostgresMes
) -> None:
    _, ids = await worked_on(mes)
    page = await http.get("/mes/shift", headers=maria | ENGLISH)
    assert page.status_code == 200
    assert "Pricing does not answer just now" in page.text and "data-away" in page.text
    assert f"/mes/work-orders/{ids[0]}" in page.text and 'data-kind="layers"' in page.text
    assert (await http.get("/api/mes/v1/calculations", headers=maria)).status_code == 503


async def test_the_queue_of_pricing_is_shown_where_it_answers(
    settings: MesSettings, maria: dict[str, str], monkeypatch: pytest.MonkeyPatch, http: httpx.AsyncClient
) -> None:
    item: dict[str, Any] = {
        "quote_id": str(new_id()), "state": "waiting", "position": 3, "status": "QUEUED", "size": "large",
        "file_bytes": 50_000_000, "triangles": None, "asked_by": "partner", "order_waits": True,
        "since": datetime.now(UTC).isoformat(), "attempt": 2, "worker": None, "tried_again_at": None, "eta_s": 40.0,
    }  # fmt: skip

    async def queue(_: Any) -> dict[str, Any]:
        return {"items": [item], "running": 0, "waiting": 3, "workers": 0, "typical_s": {"large": 20.0}}

    monkeypatch.setattr("system.mes.adapters.pricing.HttpCalculations.queue", queue)
    page = (await http.get("/mes/shift", headers=maria | ENGLISH)).text
    assert 'data-position="3"' in page and "large, 50 MB" in page and "attempt 2" in page
    assert "No worker calculates prices now" in page and "an order waits for it" in page
    assert (await http.get("/api/mes/v1/calculations", headers=maria)).json()["items"] == [item]


async def test_charts_are_sent_again_only_when_they_changed(
    http: httpx.AsyncClient, maria: dict[str, str], mes: PostgresMes
) -> None:
    page = (await http.get("/mes/shift", headers=maria)).text
    address = page.split('hx-get="/mes/shift/charts')[1].split('"')[0]
    piece = {"HX-Request": "true"}
    assert (await http.get(f"/mes/shift/charts{address}", headers=maria | piece)).status_code == 204
    await worked_on(mes)
    changed = await http.get(f"/mes/shift/charts{address}", headers=maria | piece)
    assert changed.status_code == 200 and "<main" not in changed.text
    now = await http.get("/mes/shift/now?risk=late", headers=maria | piece)
    assert now.status_code == 200 and "<main" not in now.text and 'hx-get="/mes/shift/now?risk=late"' in now.text


@pytest.mark.parametrize(
    "path",
    [
        "/mes/shift",
        "/mes/shift/now",
        "/mes/shift/charts",
        "/api/mes/v1/flow",
        "/api/mes/v1/late-risk",
        "/api/mes/v1/calculations",
    ],
)
async def test_only_who_leads_the_shift_sees_it(http: httpx.AsyncClient, oleg: dict[str, str], path: str) -> None:
    assert (await http.get(path, headers=oleg)).status_code == 403
    assert (await http.get("/mes/shift?risk=nonsense", headers=oleg)).status_code in (403, 422)


# -- what it costs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_operator", [False, True], ids=["by hour", "by operator"])
async def test_a_day_of_history_reads_a_day(
    mes: PostgresMes, infrastructure: Infrastructure, by_operator: bool
) -> None:
    """Of 8,000 entries on 40 days, a day's figures read that day's 200 (and what other tests left there) and the entry before each."""
    await _fill(mes, infrastructure)
    begins, ends = PAST + timedelta(days=7), PAST + timedelta(days=8)
    async with mes.engine.connect() as connection:
        history = tables.work_order_history
        of_day = select(func.count()).select_from(history).where(history.c.at >= begins, history.c.at < ends)
        entries = (await connection.execute(of_day)).scalar_one()
    assert A_DAY <= entries < 2 * A_DAY
    statement: Any = (
        operators_moves_statement(begins=begins, ends=ends)
        if by_operator
        else moves_statement(begins=begins, ends=ends, zone=ZONE.key)
    )

    nodes = await _explained(mes, statement)

    assert {node["Index Name"] for node in nodes if node.get("Relation Name") == "work_order_history"} == {
        "work_order_history_at",
        "work_order_history_work_order",
    }
    assert 0 < _rows_read(nodes, "work_order_history") <= 2 * entries


@pytest.mark.parametrize(
    "statement", [standing_statement(limit=50_000), released_statement()], ids=["standing", "board"]
)
async def test_what_is_finished_is_never_read(mes: PostgresMes, infrastructure: Infrastructure, statement: Any) -> None:
    await _fill(mes, infrastructure)
    async with mes.engine.connect() as connection:
        unfinished = "SELECT count(*) FROM work_order WHERE state NOT IN ('SHIPPED', 'WITHDRAWN')"
        number = (await connection.execute(text(unfinished))).scalar_one()

    nodes = await _explained(mes, statement)

    assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] == "work_order"]
    assert _rows_read(nodes, "work_order") <= number


def _rows_read(nodes: list[dict[str, Any]], table: str) -> int:
    scans = [node for node in nodes if node.get("Relation Name") == table]
    return sum(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) for node in scans)


async def _explained(mes: PostgresMes, statement: Any) -> list[dict[str, Any]]:
    def walked(plan: dict[str, Any]) -> list[dict[str, Any]]:
        return [plan, *(node for inner in plan.get("Plans", ()) for node in walked(inner))]

    async with mes.engine.connect() as connection:
        compiled = statement.compile(dialect=connection.dialect)
        plan = await connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {compiled}", compiled.params)
        return walked(plan.scalar_one()[0]["Plan"])


async def _fill(mes: PostgresMes, infrastructure: Infrastructure) -> None:
    """Work of 40 days long ago, all of it shipped: 50 pieces a day with four entries each."""
    async with mes.engine.connect() as connection:
        known = text("SELECT count(*) FROM work_order WHERE order_number LIKE 'H-%'")
        if (await connection.execute(known)).scalar_one():
            return
        await connection.execute(text(_FILLING), {"past": PAST, "pieces": DAYS * A_DAY // 4, "a_day": A_DAY // 4})
        await connection.commit()
    for table in ("work_order", "work_order_history", "pay_ledger"):
        infrastructure.analyze("mes", table)


_FILLING = """
WITH made AS (
    INSERT INTO work_order (id, order_id, line_id, order_number, channel, title, kind, material, quantity, approved_at,
        promise_at, released_at, state, state_since, claim_no, claimed_by, claimed_by_name, claimed_at)
    SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'H-' || n, 'shop', 'Ring', 'custom', 'gold_585', 1, at,
        at + interval '21 days', at, 'SHIPPED', at + interval '3 minutes', 1, gen_random_uuid(), 'Oleg', at
    FROM (SELECT n, CAST(:past AS timestamptz) + (n - 1) / :a_day * interval '1 day' + interval '12 hours' AS at
          FROM generate_series(1, CAST(:pieces AS integer)) AS n) AS known
    RETURNING id, order_id, order_number, claimed_by, approved_at
), paid AS (
    INSERT INTO pay_ledger
        (work_order_id, claim_no, kind, operator_id, operator_name, order_id, order_number, title, amount, currency, at)
    SELECT id, 1, 'earn', claimed_by, 'Oleg', order_id, order_number, 'Ring', 450, 'RUB', approved_at FROM made
)
INSERT INTO work_order_history (work_order_id, at, state, claim_no, actor)
SELECT id, approved_at + step.minute * interval '1 minute', step.state, 1, 'Oleg'
FROM (VALUES (0, 'RELEASED'), (1, 'CLAIMED'), (2, 'COMPLETED'), (3, 'SHIPPED')) AS step (minute, state) CROSS JOIN made
ORDER BY approved_at, step.minute
"""
