"""The API: who may ask, what they are told, what a command answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from system.kernel.ids import new_id
from system.orchestrator.settings import OrchestratorSettings
from system.orchestrator.tests.facts import Facts
from system.orchestrator.tests.fake_peers import FakePeers, a_message
from system.orchestrator.tests.integration.conftest import Post
from system.plumbing.schema import audit_log
from system.plumbing.tokens import Principal, TokenAuthority

pytestmark = pytest.mark.integration

API = "/api/orchestrator/v1"
Caller = Callable[..., httpx.AsyncClient]


@pytest.fixture
def peers(post: Post) -> FakePeers:
    fake = FakePeers()
    post.service.app.state.desks.peers = fake
    return fake


@pytest.fixture
async def as_(post: Post, peers: FakePeers, infrastructure: Any) -> AsyncIterator[Caller]:
    """A client of the application: as_("seller") for a user, as_(service="shop") for another service."""
    opened: list[httpx.AsyncClient] = []

    def caller(role: str = "", *, service: str = "") -> httpx.AsyncClient:
        if service:
            authority = TokenAuthority(infrastructure.settings_of(service))
            token = authority.issue_for_service(to="orchestrator", acting_for=None)
        else:
            authority = TokenAuthority(infrastructure.settings_of("identity"))
            token = authority.issue_for_user(Principal(new_id(), frozenset({role}), "Sofia", "sofia@example.com"))
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=post.service.app),
            base_url="https://orchestrator",
            headers={"authorization": f"Bearer {token}"},
        )
        opened.append(client)
        return client

    yield caller
    for client in opened:
        await client.aclose()


@pytest.mark.parametrize("address", ["/orders", "/orders/A-1", "/orders/A-1/timeline"])
async def test_customers_and_operators_may_not_look(as_: Caller, address: str) -> None:
    for role in ("customer", "operator", "partner"):
        assert (await as_(role).get(API + address)).status_code == 403


@pytest.mark.parametrize("address", ["/reconciliation", "/messages?state=parked"])
async def test_operations_are_for_administrators(as_: Caller, address: str) -> None:
    assert (await as_("seller").get(API + address)).status_code == 403
    assert (await as_("administrator").get(API + address)).status_code == 200


async def test_support_finds_an_order_by_what_the_customer_says(as_: Caller, post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    client = as_("seller")
    words = (
        facts.number,
        facts.number.lower(),
        str(facts.order_id),
        facts.email.upper(),
        f"P-{facts.order_id.hex[-8:]}",
    )
    for said in words:
        found = (await client.get(f"{API}/orders", params={"query": said})).json()["items"]
        assert [item["order_id"] for item in found] == [str(facts.order_id)], said
    order = (await client.get(f"{API}/orders/{facts.number}")).json()
    assert order["agreed_total"] == {"amount": "10450.00", "currency": "RUB"}
    assert order["allowed"] == ["PRICE_CALCULATED", "AWAITING_CUSTOMER", "PRICE_FAILED", "CANCELLED"]
    assert [step["name"] for step in order["saga"] if step["state"] == "RUNNING"] == ["confirm_price"]


async def test_an_unknown_order_is_a_404_problem(as_: Caller) -> None:
    answer = await as_("seller").get(f"{API}/orders/A-26999999/timeline")
    assert (answer.status_code, answer.json()["code"]) == (404, "order-not-found")


async def test_the_timeline_tells_statuses_messages_and_trouble_in_order(
    as_: Caller, post: Post, peers: FakePeers
) -> None:
    facts = Facts()
    await post.delivers(*facts.until_approved())
    order_id = str(facts.order_id)
    peers.held["mes"] = [
        a_message(1, order_id=order_id, state="parked", error="ValueError: broken", attempts=10, trace_id="a" * 32),
        a_message(2, order_id=order_id, state="dead", box="dead_letter"),
        a_message(3, order_id=order_id, box="outbox", state="published"),
        a_message(4, order_id=str(new_id())),
    ]
    peers.away = {"shop"}
    peers.set_back = [a_setback(order_id)]
    told = (await as_("seller").get(f"{API}/orders/{facts.number}/timeline")).json()
    statuses = [entry["details"]["to"] for entry in told["entries"] if entry["kind"] == "status"]
    assert statuses == ["INITIATED", "FILE_UPLOADED", "SUBMITTED", "PRICE_CALCULATED", "MANUFACTURING_APPROVED"]
    from_mes = [(entry["kind"], entry["title"]) for entry in told["entries"] if entry["service"] == "mes"]
    assert [kind for kind, _ in from_mes] == ["retry", "dead_letter", "message"]
    assert from_mes[0][1].endswith("is parked: replay it")
    assert [entry["at"] for entry in told["entries"]] == sorted(entry["at"] for entry in told["entries"])
    [held_up] = [entry for entry in told["entries"] if "setback" in entry["details"]]
    assert (held_up["kind"], held_up["title"]) == ("retry", "pricing: worker died, taken over, attempt 2")
    assert list(told["not_answering"]) == ["shop"]
    assert told["stuck"] is None


async def test_a_timeline_without_pricing_says_so_once(as_: Caller, post: Post, peers: FakePeers) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    peers.away = {"pricing"}
    told = (await as_("seller").get(f"{API}/orders/{facts.number}/timeline")).json()
    assert list(told["not_answering"]) == ["pricing"]


def a_setback(order_id: str) -> dict[str, Any]:
    """What held a calculation up, as pricing tells it."""
    return {
        "order_id": order_id,
        "quote_id": str(new_id()),
        "at": "2026-03-02T08:00:00+00:00",
        "code": "worker-died",
        "attempt": 2,
        "title": "worker died, taken over, attempt 2",
        "details": {"worker": 7},
    }


@pytest.fixture
def settings(infrastructure: Any, database: None) -> OrchestratorSettings:
    """A tenth of a second for a seller's yes: orders are stuck at once."""
    made: OrchestratorSettings = infrastructure.settings_of(
        "orchestrator", OrchestratorSettings, budget_price_calculated_s=0.001, reconciliation_grace_s=0
    )
    return made


async def test_an_order_past_its_budget_is_listed_with_stage_and_advice(as_: Caller, post: Post) -> None:
    one, other = Facts(), Facts()
    for facts in (one, other):
        await post.delivers(facts.initiated(), facts.submitted(), facts.priced())
    seen = await _all_pages(as_("seller"), {"attention": "stuck", "limit": "5"})
    found = {item["order_id"]: item for item in seen}
    assert len(found) == len(seen), "a page repeated an order"
    assert {str(one.order_id), str(other.order_id)} <= set(found)
    stuck = found[str(one.order_id)]["stuck"]
    assert stuck["stage"] == "PRICE_CALCULATED"
    assert stuck["overdue_s"] > 0
    assert "seller" in stuck["what_to_do"]


async def test_lists_by_status_and_newest_page_through(as_: Caller, post: Post) -> None:
    mine = [Facts() for _ in range(3)]
    for facts in mine:
        await post.delivers(facts.initiated())
    client = as_("administrator")
    for filters in ({"status": "INITIATED"}, {}):
        seen = [item["order_id"] for item in await _all_pages(client, {"limit": "20", **filters})]
        assert len(seen) == len(set(seen)), "a page repeated an order"
        assert {str(facts.order_id) for facts in mine} <= set(seen)
    assert (await client.get(f"{API}/orders", params={"cursor": "nonsense"})).json()["code"] == "cursor-invalid"


async def test_shop_cancels_and_the_refusal_names_what_is_allowed(as_: Caller, post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted(), facts.priced())
    shop = as_(service="shop")
    address = f"/internal/orders/{facts.order_id}/cancellation"
    wish = {"actor": "Anna", "actor_kind": "customer", "reason": "too slow"}
    first = await shop.post(address, json=wish)
    again = await shop.post(address, json=wish)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["status"] == again.json()["status"] == "CANCELLED"
    assert first.json()["version"] == again.json()["version"]

    started = Facts()
    await post.delivers(*started.until_approved(), started.claimed())
    refused = await shop.post(f"/internal/orders/{started.order_id}/cancellation", json=wish)
    assert refused.status_code == 409
    assert refused.json()["order_status"] == "MANUFACTURING_STARTED"
    assert refused.json()["allowed"] == []
    by_seller = await as_(service="crm").post(
        f"/internal/orders/{started.order_id}/cancellation", json=wish | {"actor_kind": "seller"}
    )
    assert by_seller.status_code == 202
    assert by_seller.json()["cancellation_requested"] is True


async def test_crm_closes_only_what_was_shipped(as_: Caller, post: Post) -> None:
    facts = Facts()
    road = facts.until_closed()
    await post.delivers(*road[:-2])
    crm = as_(service="crm")
    address = f"/internal/orders/{facts.order_id}/closure"
    refused = await crm.post(address, json={"actor": "Sofia"})
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["CANCELLED"])
    await post.delivers(road[-2])
    assert (await crm.post(address, json={"actor": "Sofia"})).json()["status"] == "CLOSED"
    assert (await as_(service="shop").post(address, json={"actor": "Anna"})).status_code == 403
    await post.delivers(road[-1])
    assert (await crm.get(f"/internal/orders/{facts.order_id}")).json()["status"] == "CLOSED"


async def test_users_never_reach_the_internal_commands(as_: Caller) -> None:
    for role in ("customer", "seller", "administrator"):
        answer = await as_(role).post(f"/internal/orders/{new_id()}/cancellation", json={})
        assert answer.status_code == 403


async def test_a_replay_is_ordered_audited_and_told_on_the_timeline(as_: Caller, post: Post, peers: FakePeers) -> None:
    facts = Facts()
    await post.delivers(*facts.until_approved())
    parked = a_message(7, order_id=str(facts.order_id), state="parked", error="ValueError: broken")
    peers.held["mes"] = [parked]
    client = as_("administrator")
    listed = (await client.get(f"{API}/messages", params={"state": ["parked", "dead"]})).json()
    assert [(item["service"], item["id"]) for item in listed["items"]] == [("mes", parked["id"])]

    wish = {"service": "mes", "ids": [parked["id"]]}
    dry = (await client.post(f"{API}/replays", json=wish | {"dry_run": True})).json()
    assert [item["id"] for item in dry["items"]] == [parked["id"]]
    assert not await _replay_entries(client, facts)

    done = (await client.post(f"{API}/replays", json=wish)).json()
    assert done["items"] == [{"id": parked["id"], "box": "inbox", "service": "mes"}]
    assert peers.replayed[-1][1]["actor"] == "Sofia"
    assert len(await _replay_entries(client, facts)) == 1
    async with post.service.engine.connect() as connection:
        audited = await connection.execute(select(audit_log).where(audit_log.c.action == "replay_ordered"))
        assert parked["id"] in [item["id"] for row in audited for item in row.details["items"]]
    assert (await as_("seller").post(f"{API}/replays", json=wish)).status_code == 403


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        ({"service": "accounting", "ids": [str(new_id())]}, "service-unknown"),
        ({"ids": [str(new_id())]}, "service-missing"),
    ],
)
async def test_a_replay_that_makes_no_sense_is_refused(as_: Caller, wish: dict[str, Any], code: str) -> None:
    answer = await as_("administrator").post(f"{API}/replays", json=wish)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_the_reconciliation_finds_what_a_reader_missed(as_: Caller, post: Post, peers: FakePeers) -> None:
    facts = Facts()
    await post.delivers(*facts.until_approved())
    order = (await as_("seller").get(f"{API}/orders/{facts.number}")).json()
    belief = {"status": order["status"], "version": order["version"]}
    in_work = belief | {"work_orders": {str(facts.work_order_id): {"state": "RELEASED", "claim_no": 0}}}
    peers.believed = {"shop": {str(facts.order_id): belief}, "mes": {str(facts.order_id): in_work}}
    report = (await as_("administrator").get(f"{API}/reconciliation")).json()
    of_this = [found for found in report["findings"] if found["order_id"] == str(facts.order_id)]
    assert [(found["kind"], found["service"]) for found in of_this] == [("not_heard", "crm")]
    assert report["ok"] is False


async def test_only_a_silent_step_can_be_resent(as_: Caller, post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    client = as_("administrator")
    assert (await client.post(f"{API}/orders/{facts.number}/resend")).status_code == 200
    await post.delivers(facts.priced(attempt=2))
    assert (await client.post(f"{API}/orders/{facts.number}/resend")).json()["code"] == "nothing-to-resend"


async def test_a_repair_delivers_what_is_parked_and_only_else_asks_again(
    as_: Caller, post: Post, peers: FakePeers
) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted())
    order_id = str(facts.order_id)
    parked = a_message(8, order_id=order_id, state="parked", error="ValueError: broken")
    peers.held["pricing"] = [parked, a_message(9, order_id=order_id), a_message(10, order_id=str(new_id()))]
    peers.away = {"mes"}
    crm, address = as_(service="crm"), f"/internal/orders/{order_id}/repair"

    first = (await crm.post(address, json={"actor": "Sofia"})).json()
    assert (first["replayed"], first["resent"], list(first["not_answering"])) == (1, False, ["mes"])
    assert [(service, order["ids"], order["actor"]) for service, order in peers.replayed] == [
        ("pricing", [parked["id"]], "Sofia")
    ]

    peers.held["pricing"] = []
    second = (await crm.post(address, json={"actor": "Sofia"})).json()
    assert (second["replayed"], second["resent"]) == (0, True)
    told = (await crm.get(f"/internal/orders/{order_id}/timeline")).json()
    assert [entry["details"]["note"] for entry in told["entries"] if entry["kind"] in ("replay", "retry")] == [
        "replayed",
        "resent",
    ]

    await post.delivers(facts.priced(attempt=2))
    third = await crm.post(address, json={"actor": "Sofia"})
    assert (third.status_code, third.json()["code"]) == (409, "nothing-to-resend")
    assert (await as_("seller").post(address, json={"actor": "Sofia"})).status_code == 403
    assert (await as_(service="shop").get(f"/internal/orders/{order_id}/timeline")).status_code == 403


async def test_the_gauges_name_the_stage(post: Post) -> None:
    facts = Facts()
    await post.delivers(facts.initiated(), facts.submitted(), facts.priced())
    await post.service._gauges.refresh()
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in post.service._gauges.collect()
        for sample in family.samples
    }
    assert samples["alexandrite_orders_past_budget", "PRICE_CALCULATED"] >= 1
    assert samples["alexandrite_orders_open", "PRICE_CALCULATED"] >= 1
    assert ("alexandrite_orders_open", "CLOSED") not in samples


async def _all_pages(client: httpx.AsyncClient, filters: dict[str, str]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    params = dict(filters)
    while True:
        page = (await client.get(f"{API}/orders", params=params)).json()
        items += page["items"]
        if page["next"] is None:
            return items
        params["cursor"] = page["next"]


async def _replay_entries(client: httpx.AsyncClient, facts: Facts) -> list[dict[str, Any]]:
    told = (await client.get(f"{API}/orders/{facts.number}/timeline")).json()
    return [entry for entry in told["entries"] if entry["kind"] == "replay"]
