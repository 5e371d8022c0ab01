"""A batch of messages takes few statements, however many messages it has."""

from __future__ import annotations

from uuid import UUID

import pytest

from system.crm.application.reactions import on_order_changed, on_order_submitted
from system.crm.settings import CrmSettings
from system.crm.tests.harness import changed, submitted
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.ids import new_id
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged, OrderStatus
from system.messages.shop_v1 import OrderSubmitted
from system.plumbing.consumer import Reaction
from system.plumbing.tests.batches import Batches

pytestmark = pytest.mark.integration
REACTIONS: dict[type[Message], Reaction] = {OrderSubmitted: on_order_submitted, OrderChanged: on_order_changed}
ROAD = (OrderStatus.SUBMITTED, OrderStatus.PRICE_CALCULATED, OrderStatus.MANUFACTURING_APPROVED)


def road(order_id: UUID) -> list[Message]:
    told = [changed(order_id, status, version=step) for step, status in enumerate(ROAD, start=1)]
    return [submitted(order_id), *told]


async def test_a_road_of_many_orders_takes_as_many_statements_as_of_few(
    crm: PostgresCrm, settings: CrmSettings
) -> None:
    batches = Batches(settings, crm.engine, crm.make_uow, REACTIONS)
    order_ids = [new_id() for _ in range(25)]

    few = await batches.take([message for order_id in order_ids[:1] for message in road(order_id)])
    many = await batches.take([message for order_id in order_ids[1:] for message in road(order_id)])
    print(f"\ncrm: {many}")
    assert many.statements_of_reactions == few.statements_of_reactions
    orders = [await crm.order(order_id) for order_id in order_ids]
    assert {(each.version, each.status, each.content is not None) for each in orders} == {
        (3, OrderStatus.MANUFACTURING_APPROVED, True)
    }


async def test_parcels_that_are_known_are_not_asked_about_again(crm: PostgresCrm, settings: CrmSettings) -> None:
    batches = Batches(settings, crm.engine, crm.make_uow, REACTIONS)
    order_ids = [new_id() for _ in range(20)]

    shipped = [
        changed(order_id, OrderStatus.SHIPPED, version=1, parcels=(("CDEK", f"SP-{order_id}"),))
        for order_id in order_ids
    ]
    again = [message.model_copy(update={"version": 2}) for message in shipped]
    closed = [message.model_copy(update={"version": 3, "status": OrderStatus.CLOSED}) for message in shipped]

    await batches.take(shipped)
    few = await batches.take(again[:2])
    many = await batches.take(closed)
    assert many.statements_of_reactions == few.statements_of_reactions
    assert {(await crm.order(order_id)).status for order_id in order_ids} == {OrderStatus.CLOSED}
