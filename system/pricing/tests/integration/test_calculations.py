"""The queue of calculations as whoever leads the shift, and whoever waits, is shown it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from system.pricing.adapters.calculations import READ_EVERY_S
from system.pricing.domain.waiting import MEASURED_MIN
from system.pricing.tests.integration.conftest import Pricing, eventually, running_worker

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


async def ask(pricing: Pricing) -> tuple[UUID, str]:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    return anna, (await pricing.ask(anna, {"file_id": str(file_id), **GOLD})).json()["quote_id"]


async def queue(pricing: Pricing) -> dict[str, Any]:
    await asyncio.sleep(READ_EVERY_S)
    answer = await pricing.http.get("/internal/calculations", headers=pricing.service_token("mes"))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_what_waits_stands_in_line_and_names_nobody(pricing: Pricing) -> None:
    first, second = await ask(pricing), await ask(pricing)

    shown = await queue(pricing)

    items = {item["quote_id"]: item for item in shown["items"]}
    one, other = items[first[1]], items[second[1]]
    assert other["position"] == one["position"] + 1
    assert (one["state"], one["size"], one["attempt"], one["asked_by"]) == ("waiting", "small", 1, "customer")
    assert one["file_bytes"] > 0 and not one["order_waits"] and one["worker"] is None
    assert str(first[0]) not in str(shown)
    assert shown["waiting"] >= 2
    own = await pricing.quote(first[1], first[0])
    assert own["queue_position"] == one["position"]


async def test_what_a_worker_is_at_has_no_place_in_line_and_then_is_gone(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna, quote_id = await ask(pricing)
    async with running_worker(pricing.settings):

        async def runs() -> dict[str, Any] | None:
            found = [item for item in (await queue(pricing))["items"] if item["quote_id"] == quote_id]
            return found[0] if found and found[0]["state"] == "running" else None

        shown = await eventually(runs)
        assert shown["position"] == 0 and shown["worker"] is not None
        pricing.storage.pause.set()
        finished = await pricing.finished(quote_id, anna)
    assert finished.get("queue_position") is None
    assert quote_id not in str(await queue(pricing))


async def test_what_calculations_took_foretells_those_that_wait(pricing: Pricing) -> None:
    async with running_worker(pricing.settings):
        for _ in range(MEASURED_MIN):
            anna, quote_id = await ask(pricing)
            await pricing.finished(quote_id, anna)
        assert (await queue(pricing))["typical_s"]["small"] > 0
        pricing.storage.pause = asyncio.Event()
        anna, quote_id = await ask(pricing)

        async def foretold() -> bool:
            return (await pricing.quote(quote_id, anna)).get("eta_s") is not None

        assert await eventually(foretold)
        pricing.storage.pause.set()
        await pricing.finished(quote_id, anna)


async def test_only_mes_may_ask(pricing: Pricing) -> None:
    answer = await pricing.http.get("/internal/calculations", headers=pricing.service_token("crm"))
    assert answer.status_code == 403
