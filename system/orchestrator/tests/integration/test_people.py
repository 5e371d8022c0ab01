"""A customer's way out of the orchestrator: the history keeps its steps and loses a name, and nothing else can be edited."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from system.conftest import Infrastructure
from system.kernel.ids import derived_id, new_id
from system.messages.envelope import EngravingV1, ExtrasV1
from system.messages.shop_v1 import OrderSubmitted
from system.orchestrator.application import handlers
from system.orchestrator.application.commands import CancelOrder
from system.orchestrator.application.people import erase_person
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.erasure import Reach
from system.plumbing.runtime import Service
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.canaries import Planted, plant
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration


def engraved(words: str) -> ExtrasV1:
    return ExtrasV1(plating="gold", engraving=EngravingV1(text=words, height_mm=Decimal(2)))


async def cancelled(post: Post, anna: Planted) -> tuple[UUID, Facts]:
    """An order that its customer, whose name and words stand wherever they can, cancelled on the way to production."""
    facts = Facts()
    person = derived_id(facts.order_id, "customer")
    submitted = facts.submitted()
    assert isinstance(submitted, OrderSubmitted)
    [line] = submitted.lines
    contact = submitted.customer.model_copy(update={"name": anna.name, "email": anna.email, "phone": anna.phone})
    delivery = submitted.delivery.model_copy(
        update={"recipient": anna.name, "address": anna.address, "city": anna.city}
    )
    named = {
        "customer": contact,
        "delivery": delivery,
        "lines": (line.model_copy(update={"title": f"{anna.name}.stl", "extras": engraved(anna.words)}),),
    }
    road = facts.until_approved()
    road[2] = submitted.model_copy(update=named)
    await post.delivers(*road)
    command = CancelOrder(facts.order_id, anna.name, "customer", anna.words)
    await handlers.cancel_order(command, post.service.make_uow(), post.service.app.state.desks.desk)
    async with post.service.make_uow() as uow:
        order = await uow.orders.get(facts.order_id)
    assert order.cancellation is not None
    await post.delivers(facts.withdrawal_decided(str(order.cancellation.withdrawal_id), accepted=True))
    return person, facts


async def history_of(built: Service, order_id: UUID) -> list[dict[str, Any]]:
    async with built.engine.connect() as connection:
        steps = await connection.execute(
            text("SELECT * FROM order_history WHERE order_id = :order_id ORDER BY seq"), {"order_id": order_id}
        )
        return [dict(step) for step in steps.mappings()]


async def test_nobody_is_left_in_any_table_and_every_step_stays(
    post: Post, built: Service, infrastructure: Infrastructure
) -> None:
    anna = plant()
    person, facts = await cancelled(post, anna)
    assert set(anna.traces(infrastructure, "orchestrator")) >= {
        "orders",
        "order_line",
        "order_history",
        "order_note",
        "outbox",
    }
    before = await history_of(built, facts.order_id)

    erased = await erase_person(person, Reach(), built.make_uow)

    assert anna.traces(infrastructure, "orchestrator") == {}
    assert erased.counts["orders"] == 1
    after = await history_of(built, facts.order_id)
    kept = ("seq", "version", "from_status", "to_status", "at")
    assert [[step[name] for name in kept] for step in after] == [[step[name] for name in kept] for step in before]
    assert after[-1]["actor"] == "customer" and after[-1]["reason"] is None
    assert "seller Sofia" in {step["actor"] for step in after}
    assert set((await erase_person(person, Reach(), built.make_uow)).counts.values()) == {0}


async def test_the_order_can_still_be_read_and_keeps_its_sums(post: Post, built: Service) -> None:
    person, facts = await cancelled(post, plant())
    async with built.make_uow() as uow:
        before = await uow.orders.get(facts.order_id)

    await erase_person(person, Reach(order_ids=[facts.order_id]), built.make_uow)

    async with built.make_uow() as uow:
        after = await uow.orders.get(facts.order_id)
    assert (after.number, after.status, after.version, after.total) == (
        before.number,
        before.status,
        before.version,
        before.total,
    )
    assert (after.contact.name, after.contact.email) == (None, None)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE order_history SET to_status = 'CLOSED' WHERE order_id = %(id)s",
        "UPDATE order_history SET actor = 'seller Boris' WHERE order_id = %(id)s",
        "UPDATE order_history SET actor = 'customer' WHERE order_id = %(id)s AND actor LIKE 'seller %%'",
        "UPDATE order_history SET reason = 'because' WHERE order_id = %(id)s",
        "UPDATE order_note SET title = 'nothing happened', details = '{}' WHERE order_id = %(id)s",
        "DELETE FROM order_history WHERE order_id = %(id)s",
    ],
)
async def test_even_where_words_may_leave_nothing_else_is_edited(
    post: Post, infrastructure: Infrastructure, edit: str
) -> None:
    _, facts = await cancelled(post, plant())
    with infrastructure.server.connect("orchestrator") as connection:
        connection.autocommit = False
        connection.execute("SELECT set_config('alexandrite.forgets', 'on', true)")
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            connection.execute(edit, {"id": facts.order_id})
        connection.rollback()
    assert refused.value.diag.constraint_name == "append_only"


async def test_the_application_may_call_it_and_may_not_do_it(built: Service) -> None:
    async with built.engine.connect() as connection:
        assert await connection.scalar(text("SELECT forget_written(ARRAY[CAST(:id AS uuid)])"), {"id": new_id()}) == 0
        await connection.execute(text("SELECT set_config('alexandrite.forgets', 'on', true)"))
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text("UPDATE order_history SET actor = 'customer', reason = NULL"))


async def test_identity_alone_may_ask(post: Post, built: Service, infrastructure: Infrastructure) -> None:
    person, _ = await cancelled(post, plant())

    def asking(service: str) -> dict[str, str]:
        authority = TokenAuthority(infrastructure.settings_of(service, ServiceSettings))
        return {"Authorization": f"Bearer {authority.issue_for_service(to='orchestrator', acting_for=None)}"}

    transport, place = httpx.ASGITransport(built.app), f"/internal/people/{person}/erasure"
    async with httpx.AsyncClient(transport=transport, base_url="http://orchestrator.test") as http:
        assert (await http.post(place, headers=asking("crm"))).status_code == 403
        answer = await http.post(place, headers=asking("identity"))
    assert (answer.status_code, answer.json()["counts"]["orders"]) == (200, 1)
