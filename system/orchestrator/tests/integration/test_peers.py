"""What the other services' answers become."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from system.kernel.errors import Invalid, NotFound, Unavailable
from system.orchestrator.adapters.peers import HttpPeers
from system.plumbing.service_client import ServiceClient

pytestmark = pytest.mark.integration

Opened = Callable[[Callable[[httpx.Request], httpx.Response]], HttpPeers]


@pytest.fixture
async def peers_answering(infrastructure: Any) -> AsyncIterator[Opened]:
    """Peers over a transport that answers as the test says, signed with this service's real key."""
    clients: list[ServiceClient] = []

    def open_(answer: Callable[[httpx.Request], httpx.Response]) -> HttpPeers:
        client = ServiceClient(infrastructure.settings_of("orchestrator"), transport=httpx.MockTransport(answer))
        clients.append(client)
        return HttpPeers(client)

    yield open_
    for client in clients:
        await client.close()


async def test_messages_are_asked_for_by_every_state(peers_answering: Opened) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"items": [{"id": "1"}]})

    assert await peers_answering(answer).messages("mes", {"state": ["parked", "dead"]}) == [{"id": "1"}]
    assert str(asked[0].url) == "http://mes:8000/internal/messages?state=parked&state=dead"
    assert asked[0].headers["authorization"].startswith("Bearer ")


async def test_publishing_again_is_asked_for_and_counted(peers_answering: Opened) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(202, json={"count": 3})

    assert await peers_answering(answer).republish("mes", {"since": "2026-03-02T09:00:00Z"}) == 3
    assert (asked[0].method, str(asked[0].url)) == ("POST", "http://mes:8000/internal/outbox/replays")


async def test_beliefs_are_asked_for_since_a_moment_with_its_zone(peers_answering: Opened) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert datetime.fromisoformat(request.url.params["since"]) == datetime(2026, 3, 2, tzinfo=UTC)
        return httpx.Response(200, json={"orders": {"a": {"status": "CLOSED", "version": 9}}})

    believed = await peers_answering(answer).beliefs("shop", datetime(2026, 3, 2, tzinfo=UTC))
    assert believed == {"a": {"status": "CLOSED", "version": 9}}


@pytest.mark.parametrize(
    ("status", "raised"), [(404, NotFound), (422, Invalid), (403, Unavailable), (500, Unavailable)]
)
async def test_each_refusal_has_its_family(peers_answering: Opened, status: int, raised: type[Exception]) -> None:
    peers = peers_answering(lambda _: httpx.Response(status, json={"code": "no", "detail": "No."}))
    with pytest.raises(raised):
        await peers.replay("mes", {}, acting_for=None)


async def test_a_service_that_cannot_be_reached_is_unavailable(peers_answering: Opened) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with pytest.raises(Unavailable):
        await peers_answering(answer).messages("mes", {"order_id": "x"})
