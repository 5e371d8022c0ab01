"""What the orchestrator answers, or does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from joserfc.jwk import OKPKey

from system.kernel.errors import Unavailable
from system.observability.adapters.peers import HttpOrders
from system.observability.domain.stages import Stage
from system.plumbing.service_client import ServiceClient
from system.plumbing.settings import ServiceSettings

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "observability"}).as_pem(private=True).decode()
STAGE = {"status": "SUBMITTED", "stays": 1, "median_s": 1.0, "p95_s": 2.0, "total_s": 3.0}


async def asked(answer: Callable[[httpx.Request], Any], ask: Callable[[HttpOrders], Awaitable[Any]]) -> Any:
    """What comes of a question to an orchestrator that answers so."""
    settings = ServiceSettings(service="observability", signing_key=KEY)
    client = ServiceClient(settings, transport=httpx.MockTransport(answer))
    try:
        return await ask(HttpOrders(client, timeout_s=0.2))
    finally:
        await client.close()


async def test_an_order_is_told_of_and_one_that_is_not_there_is_none() -> None:
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"order_id": "x"})

    assert await asked(answer, lambda orders: orders.order_id("A-1/../x")) == "x"
    assert paths == ["/internal/orders/A-1%2F..%2Fx"], "what somebody typed is no path"
    assert await asked(answer, lambda orders: orders.timeline("A-1")) == {"order_id": "x"}
    for ask in (lambda orders: orders.order_id("A-1"), lambda orders: orders.timeline("A-1")):
        assert await asked(lambda _: httpx.Response(404, json={}), ask) is None


async def test_stages_are_told() -> None:
    now = datetime.now(UTC)
    found = await asked(lambda _: httpx.Response(200, json={"stages": [STAGE]}), lambda orders: orders.stages(now, now))
    assert found == [Stage("SUBMITTED", 1, 1.0, 2.0, 3.0)]


@pytest.mark.parametrize("status", [401, 403, 500, 503])
async def test_a_refusal_is_no_answer(status: int) -> None:
    with pytest.raises(Unavailable):
        await asked(lambda _: httpx.Response(status, json={}), lambda orders: orders.timeline("A-1"))


async def test_nobody_waits_longer_than_a_page_can() -> None:
    async def slow(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        raise AssertionError

    with pytest.raises(Unavailable) as told:
        await asked(slow, lambda orders: orders.timeline("A-1"))
    assert told.value.code == "orchestrator-slow"
