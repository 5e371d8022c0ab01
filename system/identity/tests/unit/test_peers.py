"""How identity asks the other services about a person, and what it makes of their answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from system.identity.adapters.erasures import HttpPeers
from system.identity.application.erasures import Answered
from system.identity.domain.erasure import OrdersOpen
from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing.service_client import ServiceClient
from system.plumbing.tests.unit.test_web import authority, settings_of

ANNA, ORDER, MODEL = new_id(), new_id(), new_id()


def far(status: int, body: Any = None, *, text: str | None = None) -> tuple[HttpPeers, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answers(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(status, text=text) if text is not None else httpx.Response(status, json=body)

    return HttpPeers(ServiceClient(settings_of("identity"), transport=httpx.MockTransport(answers))), asked


async def test_a_service_is_asked_in_identity_s_own_name_and_told_what_stays() -> None:
    peers, asked = far(200, {"counts": {"orders": 2}})

    answer = await peers.erase("orchestrator", ANNA, order_ids=[ORDER], model_ids=[MODEL])

    [request] = asked
    assert (request.method, request.url.host, request.url.path) == (
        "POST",
        "orchestrator",
        f"/internal/people/{ANNA}/erasure",
    )
    assert json.loads(request.content) == {"order_ids": [str(ORDER)], "model_ids": [str(MODEL)]}
    token = request.headers["authorization"].removeprefix("Bearer ")
    assert authority("orchestrator").verify(token).service == "identity"
    assert answer == Answered()


async def test_the_shop_says_what_they_had() -> None:
    peers, _ = far(200, {"order_ids": [str(ORDER)], "model_ids": [str(MODEL)], "counts": {}, "something": "new"})
    assert await peers.erase("shop", ANNA, order_ids=[], model_ids=[]) == Answered(0, (ORDER,), (MODEL,))


async def test_what_remains_is_said() -> None:
    peers, _ = far(200, {"counts": {}, "remaining": 7})
    assert (await peers.erase("files", ANNA, order_ids=[], model_ids=[])).remaining == 7


async def test_an_order_on_its_way_is_no_failure_of_the_service() -> None:
    peers, _ = far(409, {"code": "orders-open", "numbers": ["A-26000123"]})
    with pytest.raises(OrdersOpen) as refused:
        await peers.erase("shop", ANNA, order_ids=[], model_ids=[])
    assert refused.value.extra["numbers"] == ["A-26000123"]


@pytest.mark.parametrize(
    ("status", "text"), [(403, "{}"), (404, "{}"), (500, ""), (200, "what?"), (200, '{"remaining": "some"}')]
)
async def test_no_usable_answer_is_as_none(status: int, text: str) -> None:
    peers, _ = far(status, text=text)
    with pytest.raises(Unavailable):
        await peers.erase("mes", ANNA, order_ids=[], model_ids=[])


@pytest.mark.parametrize(("status", "text"), [(403, "{}"), (500, ""), (200, "what?")])
async def test_a_copy_is_never_made_of_what_was_not_understood(status: int, text: str) -> None:
    peers, _ = far(status, text=text)
    with pytest.raises(Unavailable):
        await peers.data("crm", ANNA)
    with pytest.raises(Unavailable):
        await peers.open_orders(ANNA)


async def test_open_orders_are_asked_of_the_shop() -> None:
    peers, asked = far(200, {"numbers": ["A-26000123"]})
    assert await peers.open_orders(ANNA) == ["A-26000123"]
    assert (asked[0].url.host, asked[0].url.path) == ("shop", f"/internal/people/{ANNA}/open-orders")
