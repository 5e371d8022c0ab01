"""A batch of messages takes few statements, however many messages it has."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import func, select

from system.kernel.ids import new_id
from system.mes.adapters import tables
from system.mes.application.reactions import on_order_changed, on_release_work_orders
from system.mes.settings import MesSettings
from system.mes.tests.harness import changed_to, release_of, spec
from system.mes.tests.integration.conftest import PostgresMes
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import OrderChanged, OrderStatus, ReleaseWorkOrders
from system.plumbing.consumer import Reaction
from system.plumbing.tests.batches import Batches

pytestmark = pytest.mark.integration
REACTIONS: dict[type[Message], Reaction] = {OrderChanged: on_order_changed, ReleaseWorkOrders: on_release_work_orders}
ROAD = (OrderStatus.SUBMITTED, OrderStatus.PRICE_CALCULATED, OrderStatus.MANUFACTURING_APPROVED)


def road(order_id: UUID) -> list[Message]:
    return [changed_to(status, order_id, version=step) for step, status in enumerate(ROAD, start=1)]


async def test_news_of_many_orders_take_as_many_statements_as_of_few(mes: PostgresMes, settings: MesSettings) -> None:
    batches = Batches(settings, mes.engine, mes.make_uow, REACTIONS)
    order_ids = [new_id() for _ in range(30)]
    few = await batches.take(road(order_ids[0]))
    many = await batches.take([message for order_id in order_ids[1:] for message in road(order_id)])
    print(f"\nmes, order changed: {many}")
    assert many.statements_of_reactions == few.statements_of_reactions
    kept = select(func.min(tables.order_status.c.version)).where(tables.order_status.c.order_id.in_(order_ids))
    assert [dict(row) for row in await mes.rows(kept)] == [{"min_1": 3}]


async def test_a_release_takes_one_statement_beside_those_of_its_batch(mes: PostgresMes, settings: MesSettings) -> None:
    batches = Batches(settings, mes.engine, mes.make_uow, REACTIONS)
    releases = [release_of(spec()) for _ in range(40)]
    few = await batches.take(releases[:2])
    many = await batches.take(releases[2:])
    print(f"\nmes, release: {many}")
    assert many.statements_of_reactions - few.statements_of_reactions == many.messages - few.messages
    histories = [await mes.history(each.work_orders[0].work_order_id) for each in releases]
    assert histories == [[("RELEASED", None)]] * 40
