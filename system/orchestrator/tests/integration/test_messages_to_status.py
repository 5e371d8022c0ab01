"""From messages to statuses, over the real inbox, outbox and history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from system.kernel.ids import BUCKET_COUNT, new_id
from system.messages.pricing_v1 import OrderUnpriceable
from system.orchestrator.application.commands import CancelOrder
from system.orchestrator.application.handlers import cancel_order
from system.orchestrator.application.timers import ask_again
from system.orchestrator.domain.budgets import Attention
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.schema import inbox, outbox

pytestmark = pytest.mark.integration


async def _order(post: Post, facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = await post.service.app.state.desks.queries.one(str(facts.order_id))
    return found


async def _sent(post: Post, facts: Facts) -> list[tuple[str, dict[str, Any]]]:
    async with post.service.engine.connect() as connection:
        query = select(outbox.c.type, outbox.c.data).where(outbox.c.subject == str(facts.order_id))
        return [(row.type, row.data) for row in await connection.execute(query.order_by(outbox.c.sequence))]


async def _inbox_states(post: Post, facts: Facts) -> dict[str, str]:
    async with post.service.engine.connect() as connection:
        query = select(inbox.c.type, inbox.c.state).where(inbox.c.subject == str(facts.order_id))
        return {row.type: row.state for row in await connection.execute(query)}


async def test_the_whole_road_is_decided_stored_and_told(post: Post) -> None:
    facts = Facts()
    await post.delivers(*facts.until_closed())
    order = await _order(post, facts)
    assert order["status"] == "CLOSED"
    sent = await _sent(post, facts)
    told = [data for kind, data in sent if kind == "orchestrator.order_changed.v1"]
    assert [data["status"] for data in told] == [
        "INITIATED",
        "FILE_UPLOADED",
        "SUBMITTED",
        "PRICE_CALCULATED",
        "MANUFACTURING_APPROVED",
        "MANUFACTURING_STARTED",
        "MANUFACTURING_COMPLETED",
        "PACKAGING",
        "SHIPPED",
        "CLOSED",
    ]
    assert [data["version"] for data in told] == sorted({data["version"] for data in told})
    assert [step["to_status"] for step in told[-1]["history"]] == [data["status"] for data in told]
    assert told[-1]["shipments"][0]["work_order_id"] == str(facts.work_order_id)
    commands = [kind for kind, _ in sent if kind != "orchestrator.order_changed.v1"]
    assert commands == ["orchestrator.price_order.v1", "orchestrator.release_work_orders.v1"]


async def test_messages_that_overtook_their_predecessor_are_held_until_it_came(post: Post) -> None:
    facts = Facts()
    first, second, third = (
        post.envelope(message) for message in (facts.initiated(), facts.file_uploaded(), facts.submitted())
    )
    await post.delivers(third, second)
    assert await post.service.app.state.desks.queries.one(str(facts.order_id)) is None
    assert set((await _inbox_states(post, facts)).values()) == {"held"}
    await post.delivers(first)
    assert (await _order(post, facts))["status"] == "SUBMITTED"
    assert set((await _inbox_states(post, facts)).values()) == {"done"}


async def test_a_fact_about_an_unknown_order_is_refused_and_visible(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.approved())
    assert await _inbox_states(post, facts) == {"crm.order_approved.v1": "refused"}


async def test_an_approval_that_comes_after_the_cancellation_is_done_not_retried(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted(), facts.priced())
    desks = post.service.app.state.desks
    answer = await cancel_order(
        CancelOrder(facts.order_id, "Anna", "customer", "too slow"), post.service.make_uow(), desks.desk
    )
    assert answer.status == 200
    await post.delivers(facts.approved())
    assert (await _inbox_states(post, facts))["crm.order_approved.v1"] == "done"
    order = await _order(post, facts)
    assert (order["status"], order["reason"]) == ("CANCELLED", "too slow")
    _, notes = await desks.queries.story(facts.order_id)
    assert "late_fact" in [note.kind for note in notes]
    kinds = [kind for kind, _ in await _sent(post, facts)]
    assert "orchestrator.release_work_orders.v1" not in kinds
    assert kinds[-1] == "orchestrator.order_changed.v1"


async def test_why_there_is_no_price_is_told_with_its_code_also_later(post: Post) -> None:
    facts = Facts()
    failed = OrderUnpriceable(
        order_id=facts.order_id, line_id=new_id(), quote_id=new_id(), code="mesh-not-closed", detail="It has holes."
    )
    await post.delivers(facts.initiated(), facts.file_uploaded(), facts.submitted(), failed, facts.priced())
    changes = [data for kind, data in await _sent(post, facts) if kind == "orchestrator.order_changed.v1"]
    failures = [data for data in changes if data["status"] == "PRICE_FAILED"]
    assert len(failures) == 2, "the late price changes nothing, and everybody is told again"
    for data in failures:
        assert (data["reason"], data["reason_code"]) == ("It has holes.", "mesh-not-closed")
        assert data["history"][-1]["reason_code"] == "mesh-not-closed"


@pytest.mark.parametrize("accepted", [True, False])
async def test_a_cancellation_of_released_work_ends_as_mes_decides(post: Post, accepted: bool) -> None:
    facts = Facts(kind="ready_made")
    road = facts.until_approved()
    await post.delivers(road[0], road[2], facts.stock_reserved(), *road[3:])
    desks = post.service.app.state.desks
    command = CancelOrder(facts.order_id, "Anna", "customer", "found a better one")
    first = await cancel_order(command, post.service.make_uow(), desks.desk)
    again = await cancel_order(command, post.service.make_uow(), desks.desk)
    assert (first.status, again.status) == (202, 202)
    withdrawals = [data for kind, data in await _sent(post, facts) if kind == "orchestrator.withdraw_work_orders.v1"]
    assert len(withdrawals) == 1
    await post.delivers(facts.withdrawal_decided(withdrawals[0]["withdrawal_id"], accepted=accepted))
    order = await _order(post, facts)
    kinds = [kind for kind, _ in await _sent(post, facts)]
    if accepted:
        assert (order["status"], order["reason"]) == ("CANCELLED", "found a better one")
        assert kinds.count("orchestrator.release_stock.v1") == 1
    else:
        assert order["status"] == "MANUFACTURING_APPROVED"
        assert order["reason"] == "The cancellation was refused: Oleg is already making it."
        assert "orchestrator.release_stock.v1" not in kinds
    assert not order["cancellation_requested"]


async def test_a_step_nobody_answers_is_asked_again_and_then_shown(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    desks = post.service.app.state.desks

    async def a_day_later(days: int) -> None:
        later = datetime.now(UTC) + timedelta(days=days)

        class Tomorrow:
            """The unit of work of a process whose clock is ahead."""

            def now(self) -> datetime:
                return later

        def make_uow() -> Any:
            uow = post.service.make_uow()
            uow._clock = Tomorrow()
            return uow

        await ask_again(
            make_uow, desks.queries, desks.desk, buckets=frozenset(range(BUCKET_COUNT)), now=later, limit=1000
        )

    await a_day_later(1)
    asked = [data["attempt"] for kind, data in await _sent(post, facts) if kind == "orchestrator.price_order.v1"]
    assert asked == [1, 2]
    await a_day_later(2)
    order = await _order(post, facts)
    assert order["attention"] == "stuck"
    assert "resend the step" in order["stuck"]["what_to_do"]
    stuck = await desks.queries.needing_attention(Attention.STUCK, after=None, limit=1000)
    assert facts.order_id in [item["order_id"] for item in stuck]
    await post.delivers(facts.priced())
    assert (await _order(post, facts))["attention"] == "none"


async def test_another_process_s_buckets_are_left_alone(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    due = await post.service.app.state.desks.queries.due(
        buckets=frozenset(), now=datetime.now(UTC) + timedelta(days=1), limit=1000
    )
    assert due == []


async def test_a_broken_history_would_be_found(post: Post, infrastructure: Any) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    queries = post.service.app.state.desks.queries
    since = datetime.now(UTC) - timedelta(minutes=5)
    assert str(facts.order_id) not in [finding.order_id for finding in await queries.broken_histories(since=since)]
    with infrastructure.server.connect("orchestrator") as connection:
        # Only a superuser who switches the guards off can do this.
        connection.execute("SET session_replication_role = replica")
        forge = "UPDATE order_history SET to_status = %s WHERE order_id = %s AND seq = 2"
        connection.execute(forge, ["PACKAGING", facts.order_id])
        broken = await queries.broken_histories(since=since)
        connection.execute(forge, ["SUBMITTED", facts.order_id])
    assert str(facts.order_id) in [finding.order_id for finding in broken]


async def test_one_order_that_cannot_be_handled_stops_no_other(post: Post) -> None:
    desks = post.service.app.state.desks
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())

    class Due:
        """Names an order that does not exist before one that does."""

        async def due(self, *, buckets: frozenset[int], now: datetime, limit: int) -> list[tuple[UUID, str]]:
            return [(UUID(int=1), "confirm_price"), (facts.order_id, "confirm_price")]

    done = await ask_again(
        post.service.make_uow, Due(), desks.desk, buckets=frozenset(range(BUCKET_COUNT)), now=datetime.now(UTC)
    )
    assert done == 1
