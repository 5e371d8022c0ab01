"""The timer of lapses: in one process, over all that is due, whatever fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from system.kernel.ids import new_id
from system.mes.domain.work_order import WorkOrderState
from system.mes.entrypoints.timers import lapses
from system.mes.tests.harness import TERMS, claim, released, spec
from system.mes.tests.in_memory import InMemoryMes

A_MOMENT = replace(TERMS, idle_s=60)


@pytest.fixture
def mes() -> InMemoryMes:
    made = InMemoryMes()
    made.clock.at = datetime.now(UTC) - timedelta(seconds=61)
    return made


def counted() -> float:
    return REGISTRY.get_sample_value("alexandrite_mes_claims_lapsed_total") or 0.0


async def test_the_process_with_the_first_bucket_ends_them_and_counts(mes: InMemoryMes) -> None:
    _, ids = await released(mes, spec(), spec())
    for work_order_id in ids:
        await claim(mes, work_order_id)
    mes.clock.at = datetime.now(UTC)
    timer = lapses(lambda: mes, A_MOMENT, every_s=1)
    before = counted()

    assert await timer.tick(mes.make_uow, frozenset(range(1, 64))) == 0
    assert await timer.tick(mes.make_uow, frozenset({0, 7})) == 2
    assert await timer.tick(mes.make_uow, frozenset({0})) == 0

    assert {(await mes.work_order(each)).state for each in ids} == {WorkOrderState.RELEASED}
    assert counted() - before == 2


async def test_one_that_fails_stops_no_other(mes: InMemoryMes) -> None:
    _, [work_order_id] = await released(mes)
    await claim(mes, work_order_id)
    mes.clock.at = datetime.now(UTC)

    class WithAStranger:
        async def claimed_since_before(self, moment: datetime, *, limit: int) -> list[UUID]:
            return [new_id(), *await mes.claimed_since_before(moment, limit=limit)]

    assert await lapses(WithAStranger, A_MOMENT, every_s=1).tick(mes.make_uow, frozenset({0})) == 1
    assert (await mes.work_order(work_order_id)).state is WorkOrderState.RELEASED
