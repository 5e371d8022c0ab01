"""The pages of operations, as a browser without a script gets them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from system.kernel.ids import new_id
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.fake_peers import FakePeers, a_message
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.tokens import Principal, TokenAuthority

pytestmark = pytest.mark.integration


@pytest.fixture
def peers(post: Post) -> FakePeers:
    fake = FakePeers()
    post.service.app.state.desks.peers = fake
    return fake


@pytest.fixture
async def ada(post: Post, peers: FakePeers, infrastructure: Any) -> AsyncIterator[httpx.AsyncClient]:
    async with person(post, infrastructure, "administrator") as client:
        yield client


def person(post: Post, infrastructure: Any, role: str) -> httpx.AsyncClient:
    authority = TokenAuthority(infrastructure.settings_of("identity"))
    token = authority.issue_for_user(Principal(new_id(), frozenset({role}), "Ada", "ada@example.com"))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=post.service.app),
        base_url="https://orchestrator",
        headers={"authorization": f"Bearer {token}", "accept-language": "en"},
    )


PAGES = ("/", "/?which=moving", "/orders", "/orders?attention=at_risk", "/audit", "/reconciliation")


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_is_there_for_administrators_alone(
    ada: httpx.AsyncClient, post: Post, infrastructure: Any, page: str
) -> None:
    answer = await ada.get(f"/operations{page}")
    assert answer.status_code == 200 and "<main" in answer.text and "<script>" not in answer.text
    async with person(post, infrastructure, "seller") as seller:
        assert (await seller.get(f"/operations{page}")).status_code == 403


async def test_a_heap_is_looked_at_first_and_delivered_when_it_is_confirmed(
    ada: httpx.AsyncClient, peers: FakePeers
) -> None:
    parked = [a_message(n, state="parked", error=f"ValueError: {n}", body={"data": {"n": n}}) for n in (1, 2)]
    peers.held["mes"] = [*parked, a_message(3, state="retry", error="soon")]
    page = (await ada.get("/operations/")).text
    assert 'data-state="parked" data-count="2"' in page and 'data-state="retry"' not in page
    assert 'data-state="retry" data-count="1"' in (await ada.get("/operations/?which=moving")).text

    wish = {"service": "mes", "ids": [message["id"] for message in parked]}
    looked = (await ada.post("/operations/replays", data=wish)).text
    assert "2 messages would be delivered again" in looked and 'data-confirmed="no"' in looked
    assert all(order["dry_run"] for _, order in peers.replayed)
    done = (await ada.post("/operations/replays", data=wish | {"confirmed": "true"})).text
    assert "2 messages are delivered again" in done and 'data-confirmed="yes"' in done
    service, order = peers.replayed[-1]
    assert (service, order["ids"], order["dry_run"], order["actor"]) == ("mes", wish["ids"], False, "Ada")


async def test_content_is_mended_and_what_is_no_content_is_refused(ada: httpx.AsyncClient, peers: FakePeers) -> None:
    dead = a_message(1, state="dead", box="dead_letter", type=None, error="not JSON", text="{<b>broken</b>")
    peers.held["crm"] = [dead]
    page = (await ada.get("/operations/")).text
    assert "{&lt;b&gt;broken" in page and "<b>broken" not in page
    wish = {"service": "crm", "ids": dead["id"], "confirmed": "true"}
    for content in ("{", "[1]", "nonsense"):
        refused = (await ada.post("/operations/replays", data=wish | {"content": content})).text
        assert 'data-code="content-invalid"' in refused and 'data-confirmed="no"' in refused, content
    assert not peers.replayed
    await ada.post("/operations/replays", data=wish | {"content": '{"id": "x"}'})
    assert peers.replayed[-1][1]["amended"] == {"id": "x"}


async def test_who_did_what_is_one_list_over_the_services(ada: httpx.AsyncClient, peers: FakePeers) -> None:
    def deed(minute: int, actor: str, action: str) -> dict[str, Any]:
        return {
            "at": f"2026-03-02T09:{minute:02d}:00+00:00",
            "actor": actor,
            "action": action,
            "subject": "s",
            "details": {"reason": "<i>"},
        }

    peers.audited = {"crm": [deed(9, "Sofia", "order_approved")], "identity": [deed(8, "Ada", "roles-changed")]}
    peers.away = {"mes"}
    page = (await ada.get("/operations/audit")).text
    assert page.index("order approved") < page.index("roles changed")
    assert "&lt;i&gt;" in page and "Missing is the part of: mes" in page
    found = (await ada.get("/operations/audit?actor=Sofia")).text
    assert "order approved" in found and "roles changed" not in found
    peers.audited["crm"] = [deed(n % 60, "Sofia", f"deed_{n}") for n in range(100)]
    assert "actor=Sofia&amp;before=" in (await ada.get("/operations/audit?actor=Sofia")).text


async def test_orders_that_hang_lead_to_their_story(ada: httpx.AsyncClient, post: Post) -> None:
    facts = Facts()
    await post.delivers(*facts.until_approved())
    page = (await ada.get("/operations/orders")).text
    assert facts.number not in page
    report = (await ada.get("/operations/reconciliation")).text
    assert "Orders that changed since" in report
