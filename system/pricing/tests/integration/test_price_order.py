"""The orchestrator asks for firm prices: answered at once or when the last quote is finished, exactly once."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, BinaryIO
from uuid import UUID, uuid4

import pytest

from system.messages.envelope import MoneyV1
from system.messages.orchestrator_v1 import PriceOrder, QuotedLine
from system.messages.pricing_v1 import OrderPriced, OrderUnpriceable
from system.pricing.application.calculation import Calculation
from system.pricing.application.commands import CalculateQuote
from system.pricing.domain.mesh import MeshMeasure, Problem
from system.pricing.settings import PricingSettings
from system.pricing.tests.integration.conftest import Pricing, eventually, running_worker

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


def price_order(*quote_ids: str, order_id: UUID | None = None, attempt: int = 1) -> PriceOrder:
    agreed = MoneyV1(amount="1.00", currency="RUB")
    lines = tuple(QuotedLine(line_id=uuid4(), quote_id=UUID(quote_id), agreed_total=agreed) for quote_id in quote_ids)
    return PriceOrder(order_id=order_id or uuid4(), attempt=attempt, lines=lines)


async def ready_made(pricing: Pricing, sku: str = "ring-classic-585") -> dict[str, Any]:
    quote: dict[str, Any] = (await pricing.ask(uuid4(), {"sku": sku})).json()
    return quote


async def test_firm_quotes_are_confirmed_as_they_are(pricing: Pricing) -> None:
    ring, band = await ready_made(pricing), await ready_made(pricing, "ring-band-750")
    message = price_order(ring["quote_id"], band["quote_id"])
    await pricing.receive(message)
    [(kind, data)] = await pricing.messages(message.order_id)
    priced = OrderPriced.model_validate(data)
    assert kind == OrderPriced.TYPE
    assert [line.quote_id for line in priced.lines] == [UUID(ring["quote_id"]), UUID(band["quote_id"])]
    assert [line.remade_because for line in priced.lines] == [(), ()]
    assert priced.total.amount == "35350.00"


async def test_order_waits_for_the_last_of_its_quotes(pricing: Pricing) -> None:
    anna = uuid4()
    quotes = [
        (await pricing.ask(anna, {"file_id": str(pricing.storage.upload(pricing.fresh_model(), anna)), **GOLD})).json()
        for _ in range(2)
    ]
    message = price_order(*(quote["quote_id"] for quote in quotes))
    await pricing.receive(message)
    assert await pricing.messages(message.order_id) == []
    async with running_worker(pricing.settings):
        messages = await eventually(lambda: pricing.messages(message.order_id))
        for quote in quotes:
            await pricing.finished(quote["quote_id"], anna)
    [(kind, data)] = messages
    assert kind == OrderPriced.TYPE
    assert len(data["lines"]) == 2
    assert await pricing.messages(message.order_id) == messages


class SameForAll:
    """A measurer that takes no time, so that the workers meet at the database."""

    async def measure(self, file: BinaryIO) -> AsyncGenerator[MeshMeasure | Problem]:
        look = MeshMeasure(Decimal("190.97"), Decimal("381.9"), (Decimal("21.4"), Decimal("21.4"), Decimal(2)), 1024)
        yield look
        yield replace(look, checked=True, shell_count=1)


async def test_two_workers_finishing_two_lines_at_once_answer_once(pricing: Pricing) -> None:
    calculation = Calculation(
        pricing.service.make_uow, pricing.service.app.state.files, SameForAll(), valid_for=timedelta(hours=24)
    )
    for _ in range(8):
        anna = uuid4()
        asked = [{"file_id": str(pricing.storage.upload(pricing.fresh_model(), anna)), **GOLD} for _ in range(3)]
        quote_ids = [(await pricing.ask(anna, body)).json()["quote_id"] for body in asked]
        message = price_order(*quote_ids)
        await asyncio.gather(
            pricing.receive(message),
            *(calculation.run(CalculateQuote(UUID(quote_id))) for quote_id in quote_ids for _ in range(2)),
        )
        answers = await pricing.messages(message.order_id)
        assert [kind for kind, _ in answers] == [OrderPriced.TYPE]


async def test_failed_quote_makes_its_order_unpriceable_without_waiting_for_others(pricing: Pricing) -> None:
    anna = uuid4()
    bad = (
        await pricing.ask(anna, {"file_id": str(pricing.storage.upload(b"solid no\nendsolid no\n", anna)), **GOLD})
    ).json()
    message = price_order(bad["quote_id"])
    await pricing.receive(message)
    async with running_worker(pricing.settings):
        [(kind, data)] = await eventually(lambda: pricing.messages(message.order_id))
    refused = OrderUnpriceable.model_validate(data)
    assert (kind, refused.code, refused.quote_id) == (OrderUnpriceable.TYPE, "mesh-empty", UUID(bad["quote_id"]))
    assert "no facets" in refused.detail


async def test_quote_that_nobody_made_is_said_so(pricing: Pricing) -> None:
    message = price_order(str(uuid4()))
    await pricing.receive(message)
    [(kind, data)] = await pricing.messages(message.order_id)
    assert (kind, data["code"]) == (OrderUnpriceable.TYPE, "quote-unknown")


async def test_expired_quote_is_made_again_from_the_known_mesh(pricing: Pricing, settings: PricingSettings) -> None:
    anna = uuid4()
    at_once = settings.model_copy(update={"pricing_quote_valid_s": 0})
    file_id = str(pricing.storage.upload(pricing.fresh_model(), anna))
    quote = (await pricing.ask(anna, {"file_id": file_id, **GOLD})).json()
    async with running_worker(at_once):
        done = await pricing.finished(quote["quote_id"], anna)
    downloads = len(pricing.storage.asked)
    message = price_order(quote["quote_id"])
    await pricing.receive(message)
    [(_, data)] = await pricing.messages(message.order_id)
    [line] = OrderPriced.model_validate(data).lines
    assert line.remade_because == ("expired",)
    assert line.total.amount == done["total"]["amount"]
    assert line.weight_g == 2.62 or str(line.weight_g) == "2.62"
    remade = await pricing.quote(str(line.quote_id), anna)
    assert (remade["replaces"], remade["remade_because"]) == (quote["quote_id"], ["expired"])
    assert len(pricing.storage.asked) == downloads


async def test_moved_metal_makes_the_quote_again_at_the_new_price(pricing: Pricing) -> None:
    anna = uuid4()
    file_id = str(pricing.storage.upload(pricing.fresh_model(), anna))
    silver = {"file_id": file_id, "material": "silver_925", "quantity": 1}
    gold_quote = (await pricing.ask(anna, {"file_id": file_id, **GOLD})).json()
    async with running_worker(pricing.settings):
        before = await pricing.finished(gold_quote["quote_id"], anna)
    silver_quote = (await pricing.ask(anna, silver)).json()
    admin = pricing.token("administrator")
    shown = await pricing.http.get("/api/pricing/v1/price-book", headers=admin)
    book = copy.deepcopy(shown.json()["book"])
    book["spot_per_g"]["gold"] = str(float(book["spot_per_g"]["gold"]) * 1.1)
    put = await pricing.http.put(
        "/api/pricing/v1/price-book", json={"book": book}, headers=admin | {"if-match": shown.headers["etag"]}
    )
    assert put.status_code == 200
    message = price_order(gold_quote["quote_id"], silver_quote["quote_id"])
    await pricing.receive(message)
    [(_, data)] = await pricing.messages(message.order_id)
    gold_line, silver_line = OrderPriced.model_validate(data).lines
    assert gold_line.remade_because == ("metal_moved",)
    assert float(gold_line.total.amount) > float(before["total"]["amount"]) * 1.03
    assert (silver_line.remade_because, silver_line.quote_id) == ((), UUID(silver_quote["quote_id"]))
    assert data["price_book_version"] == put.json()["version"]


async def test_same_attempt_again_is_answered_alike_and_an_older_one_not_at_all(pricing: Pricing) -> None:
    quote = await ready_made(pricing)
    second = price_order(quote["quote_id"], attempt=2)
    await pricing.receive(second)
    await pricing.receive(second)
    (_, first_answer), (_, second_answer) = await pricing.messages(second.order_id)
    assert first_answer == second_answer
    await pricing.receive(price_order(quote["quote_id"], order_id=second.order_id, attempt=1))
    assert len(await pricing.messages(second.order_id)) == 2


async def test_newer_attempt_replaces_one_that_waits(pricing: Pricing) -> None:
    anna = uuid4()
    file_id = str(pricing.storage.upload(pricing.fresh_model(), anna))
    slow = (await pricing.ask(anna, {"file_id": file_id, **GOLD})).json()
    ready = await ready_made(pricing)
    first = price_order(slow["quote_id"])
    await pricing.receive(first)
    await pricing.receive(price_order(ready["quote_id"], order_id=first.order_id, attempt=2))
    async with running_worker(pricing.settings):
        await pricing.finished(slow["quote_id"], anna)
    [(_, data)] = await pricing.messages(first.order_id)
    assert data["attempt"] == 2
    believed = await pricing.http.get("/internal/reconciliation", headers=pricing.service_token("orchestrator"))
    known = believed.json()["orders"][str(first.order_id)]
    assert (known["attempt"], known["state"], known["outcome"]) == (2, "ANSWERED", "priced")
