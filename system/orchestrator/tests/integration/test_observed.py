"""What observability asks of the orchestrator: an order by its number, its timeline, and how long orders stayed where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from system.kernel.ids import new_id
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.fake_peers import FakePeers
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration


def client_of(post: Post, infrastructure: Any, service: str) -> httpx.AsyncClient:
    token = TokenAuthority(infrastructure.settings_of(service)).issue_for_service(to="orchestrator", acting_for=None)
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=post.service.app),
        base_url="https://orchestrator",
        headers={"authorization": f"Bearer {token}"},
    )


@pytest.fixture
async def observability(post: Post, infrastructure: Any) -> AsyncIterator[httpx.AsyncClient]:
    post.service.app.state.desks.peers = FakePeers()
    async with client_of(post, infrastructure, "observability") as client:
        yield client


async def test_stays_that_ended_in_the_period_are_summed(observability: httpx.AsyncClient, post: Post) -> None:
    begun = datetime.now(UTC)
    for _ in range(3):
        await post.delivers(*Facts().until_approved())
    period = {"since": begun.isoformat(), "until": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
    told = (await observability.get("/internal/stages", params=period)).json()["stages"]
    stays = {stage["status"]: stage for stage in told}
    assert {status: stays[status]["stays"] for status in ("INITIATED", "SUBMITTED", "PRICE_CALCULATED")} == {
        "INITIATED": 3,
        "SUBMITTED": 3,
        "PRICE_CALCULATED": 3,
    }
    assert "MANUFACTURING_APPROVED" not in stays, "they are there still"
    assert all(0 <= stage["median_s"] <= stage["p95_s"] <= stage["total_s"] for stage in told)
    before = {"since": (begun - timedelta(days=2)).isoformat(), "until": (begun - timedelta(days=1)).isoformat()}
    assert (await observability.get("/internal/stages", params=before)).json() == {"stages": []}


async def test_an_order_is_told_of_by_number_and_nobody_else_may_ask_for_stages(
    observability: httpx.AsyncClient, post: Post, infrastructure: Any
) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    assert (await observability.get(f"/internal/orders/{facts.number}")).json()["order_id"] == str(facts.order_id)
    told = (await observability.get(f"/internal/orders/{facts.order_id}/timeline")).json()
    assert told["order"]["number"] == facts.number and "not_answering" in told
    assert (await observability.get(f"/internal/orders/{new_id()}/timeline")).status_code == 404
    now = datetime.now(UTC).isoformat()
    async with client_of(post, infrastructure, "crm") as crm:
        assert (await crm.get("/internal/stages", params={"since": now, "until": now})).status_code == 403
