"""What a message costs when many wait. Prints its figures:

python -m pytest system/orchestrator/tests/integration/test_draining.py -q
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.integration.conftest import Post
from system.orchestrator.tests.integration.statements import watched
from system.plumbing.consumer import BATCH_MAX, LANES

pytestmark = [pytest.mark.integration, pytest.mark.long]

LANE = BATCH_MAX // LANES
ORDERS = 4 * LANE


async def test_a_message_of_a_crowd_costs_a_fraction_of_a_statement(
    post: Post, infrastructure: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    roads = [Facts().until_closed() for _ in range(ORDERS)]
    await _drain(post, [Facts().until_closed() for _ in range(LANE)])
    with infrastructure.server.connect("orchestrator") as watcher:
        watcher.execute("SELECT pg_stat_statements_reset()")
        with watched(post.service.engine) as sent:
            messages, process_ns = await _drain(post, roads)
        calls, database_ms = watcher.execute(
            "SELECT sum(calls), sum(total_exec_time + total_plan_time) FROM pg_stat_statements AS counted"
            " JOIN pg_database AS known ON known.oid = counted.dbid WHERE datname = 'orchestrator'"
        ).fetchone()
    with capsys.disabled():
        print(
            f"\ndraining: messages={messages} statements_per_message={len(sent) / messages:.2f}"
            f" database_statements_per_message={float(calls) / messages:.2f}"
            f" process_ms_per_message={process_ns / messages / 1e6:.2f} database_ms_per_message={database_ms / messages:.3f}"
        )
    assert messages == 10 * ORDERS
    assert len(sent) / messages < 0.5
    async with post.service.make_uow() as uow:
        ended = [(await uow.orders.get(road[0].order_id)).status for road in roads]
    assert set(ended) == {"CLOSED"}


async def _drain(post: Post, roads: list[list[Any]]) -> tuple[int, int]:
    """Every order's next message, a lane at a time, as far as the roads go; how many, and the processor's time for them."""
    messages = process_ns = 0
    for step in zip(*roads, strict=True):
        for at in range(0, len(step), LANE):
            bodies = [post.envelope(message) for message in step[at : at + LANE]]
            begun = time.process_time_ns()
            await post.consumer._take_lane(post.as_delivered(bodies))
            process_ns += time.process_time_ns() - begun
            messages += len(bodies)
    return messages, process_ns
