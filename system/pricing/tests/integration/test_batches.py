"""A batch of requests takes few statements beside the one that holds each order's quotes."""

from __future__ import annotations

from uuid import uuid4

import pytest

from system.messages.envelope import Message
from system.messages.orchestrator_v1 import PriceOrder
from system.plumbing.consumer import Reaction
from system.plumbing.database import create_engine
from system.plumbing.tests.batches import Batches
from system.pricing.adapters.unit_of_work import PricingUnitOfWork
from system.pricing.application.reactions import PriceOrders
from system.pricing.tests.integration.conftest import Pricing
from system.pricing.tests.integration.test_price_order import price_order

pytestmark = pytest.mark.integration


async def test_an_order_costs_a_batch_one_statement(pricing: Pricing) -> None:
    engine = create_engine(pricing.settings)
    reactions: dict[type[Message], Reaction] = {PriceOrder: PriceOrders(valid_for=pricing.settings.quote_valid_for)}
    batches = Batches(pricing.settings, engine, lambda: PricingUnitOfWork(engine, "pricing"), reactions)
    quote = (await pricing.ask(uuid4(), {"sku": "ring-classic-585"})).json()
    requests = [price_order(quote["quote_id"]) for _ in range(42)]

    few = await batches.take(requests[:2])
    many = await batches.take(requests[2:])

    print(f"\npricing: {many}")
    assert many.statements_of_reactions - few.statements_of_reactions == many.messages - few.messages
    answers = [await pricing.messages(request.order_id) for request in requests]
    assert [[kind for kind, _ in each] for each in answers] == [["pricing.order_priced.v1"]] * 42
    await engine.dispose()
