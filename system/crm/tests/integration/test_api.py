"""CRM over HTTP, with real tokens, on PostgreSQL; the orchestrator answers as a transport is told to."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from system.conftest import Infrastructure
from system.crm.adapters.orchestrator import HttpOrchestrator
from system.crm.domain.webhook import secret_bytes, signature
from system.crm.entrypoints import schemas
from system.crm.main import service
from system.crm.settings import CrmSettings
from system.crm.tests.harness import approve, awaiting_approval, changed, hear, submitted
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.service_client import ServiceClient
from system.plumbing.tests.people import People
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration
API = "/api/crm/v1"


class StubOrchestrator:
    """What the orchestrator's internal API was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], str]] = []
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json={"status": "CANCELLED"})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, json.loads(request.content), request.headers["authorization"]))
        return self.answer()


@pytest.fixture
def orchestrator() -> StubOrchestrator:
    return StubOrchestrator()


@pytest.fixture
async def http(settings: CrmSettings, orchestrator: StubOrchestrator) -> AsyncIterator[httpx.AsyncClient]:
    built = service(settings)
    client = ServiceClient(settings, transport=httpx.MockTransport(orchestrator))
    built.app.state.orchestrator = HttpOrchestrator(client)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(built.app), base_url="http://crm") as caller:
        yield caller
    await client.close()
    await built.close()


def with_key(headers: dict[str, str], key: str | None = None) -> dict[str, str]:
    return headers | {"Idempotency-Key": key or str(new_id())}


async def test_a_seller_approves_from_the_queue_with_what_they_saw(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    read = await http.get(f"{API}/orders/{order_id}", headers=sofia)
    schemas.OrderDetails.model_validate(read.json())
    assert read.headers["etag"] == '"4"'

    stale = await http.post(f"{API}/orders/{order_id}/approval", headers=with_key(sofia) | {"If-Match": '"3"'})
    assert (stale.status_code, stale.json()["version"]) == (412, 4)
    headers = with_key(sofia) | {"If-Match": read.headers["etag"]}
    decided = await http.post(f"{API}/orders/{order_id}/approval", headers=headers)
    again = await http.post(f"{API}/orders/{order_id}/approval", headers=headers)
    schemas.DecidedOrder.model_validate(decided.json())
    assert (decided.status_code, again.status_code, again.json()) == (200, 200, decided.json())

    other = await http.post(f"{API}/orders/{order_id}/rejection", json={"reason": "no"}, headers=with_key(sofia))
    assert (other.status_code, other.json()["code"]) == (409, "order-already-decided")
    assert (other.json()["decision"], other.json()["decided_by"]) == ("approved", "Sofia")
    assert len(await crm.messages(order_id)) == 1


async def test_the_queue_shows_the_nearest_deadline_first_and_not_the_decided(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    waiting, decided = await awaiting_approval(crm), await awaiting_approval(crm)
    await approve(crm, decided)

    seen: list[str] = []
    due: list[str] = []
    cursor: str | None = None
    while True:
        asked = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(f"{API}/approvals", params=asked, headers=sofia)).json()
        schemas.OrderPage.model_validate(page)
        seen += [item["order_id"] for item in page["items"]]
        due += [item["due_at"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert str(waiting) in seen
    assert str(decided) not in seen
    assert len(seen) == len(set(seen))
    assert due == sorted(due)


async def test_an_order_is_found_by_what_a_customer_says(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    unique = new_id().hex[-12:]
    content = submitted(number=f"A-26{unique.upper()}", email=f"Clara.{unique}@Example.org", reference=f"PO/{unique}")
    await hear(crm, content)
    for words in (f"a-26{unique}", f"clara.{unique}@EXAMPLE.org", f" po/{unique.upper()} "):
        page = (await http.get(f"{API}/orders", params={"query": words}, headers=sofia)).json()
        assert [item["order_id"] for item in page["items"]] == [str(content.order_id)], words
    nothing = await http.get(f"{API}/orders", params={"query": f"clara.{unique}x"}, headers=sofia)
    assert nothing.json() == {"items": [], "next": None}


async def test_an_order_is_found_by_phone_by_parcel_and_by_words(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    digits = str(new_id().int)[-7:]
    unique = "".join(chr(ord("a") + int(digit)) for digit in str(new_id().int)[-10:])
    content = submitted(number=f"A-26{unique.upper()}")
    customer = content.customer.model_copy(update={"name": f"Мария {unique}ова", "phone": f"+7 (912) {digits}"})
    line = content.lines[0].model_copy(update={"title": f"Кольцо «{unique.capitalize()}» с камнями"})
    await hear(crm, content.model_copy(update={"customer": customer, "lines": (line,)}))
    parcel = (("CDEK", f"TR-{unique}"),)
    await hear(crm, changed(content.order_id, OrderStatus.SHIPPED, version=9, parcels=parcel, number=content.number))

    async def found(words: str) -> list[str]:
        page = (await http.get(f"{API}/orders", params={"query": words}, headers=sofia)).json()
        return [item["order_id"] for item in page["items"]]

    for words in (
        f"8912{digits}",
        f"+7 912 {digits[:3]}-{digits[3:]}",
        f"tr {unique}",
        f"мария {unique}",
        f"{unique[:8]} кольца",
        f"КАМНИ {unique}",
    ):
        assert await found(words) == [str(content.order_id)], words
    for words in (f"Анна {unique}", f"{unique}zzz", "%", "&", "' | 'a':*", "!", "(", "  -- "):
        assert str(content.order_id) not in await found(words), words


async def test_the_orchestrator_is_asked_in_the_sellers_name(
    http: httpx.AsyncClient,
    sofia: dict[str, str],
    orchestrator: StubOrchestrator,
    infrastructure: Infrastructure,
) -> None:
    order_id = new_id()
    orchestrator.answer = lambda: httpx.Response(202, json={"status": "MANUFACTURING_APPROVED"})
    headers = with_key(sofia)
    asked = await http.post(f"{API}/orders/{order_id}/cancellation", json={"reason": "a call"}, headers=headers)
    again = await http.post(f"{API}/orders/{order_id}/cancellation", json={"reason": "a call"}, headers=headers)

    assert (asked.status_code, asked.json()["outcome"]) == (202, "requested")
    assert (again.status_code, again.json()) == (202, asked.json())
    [(path, body, authorization)] = orchestrator.asked
    assert path == f"/internal/orders/{order_id}/cancellation"
    assert body == {"actor": "Sofia", "actor_kind": "seller", "reason": "a call"}
    caller = TokenAuthority(infrastructure.settings_of("orchestrator")).verify(authorization.removeprefix("Bearer "))
    assert (caller.service, caller.name, caller.roles) == ("crm", "Sofia", frozenset({"seller"}))


async def test_a_refused_closure_names_what_is_allowed(
    http: httpx.AsyncClient, sofia: dict[str, str], orchestrator: StubOrchestrator
) -> None:
    problem = {
        "detail": "An order in SUBMITTED cannot become CLOSED.",
        "order_status": "SUBMITTED",
        "allowed": ["CANCELLED"],
    }
    orchestrator.answer = lambda: httpx.Response(409, json=problem)
    refused = await http.post(f"{API}/orders/{new_id()}/closure", json={"reason": "done"}, headers=with_key(sofia))
    assert (refused.status_code, refused.json()["code"]) == (409, "transition-not-allowed")
    assert (refused.json()["order_status"], refused.json()["allowed"]) == ("SUBMITTED", ["CANCELLED"])
    assert refused.json()["detail"] == problem["detail"]


@pytest.mark.parametrize(("theirs", "ours"), [(404, 404), (422, 503), (500, 503), (503, 503)])
async def test_a_failing_orchestrator_is_told_apart(
    http: httpx.AsyncClient, sofia: dict[str, str], orchestrator: StubOrchestrator, theirs: int, ours: int
) -> None:
    orchestrator.answer = lambda: httpx.Response(theirs, text="no JSON at all")
    answer = await http.post(f"{API}/orders/{new_id()}/closure", json={"reason": "done"}, headers=with_key(sofia))
    assert answer.status_code == ours


class Carrier:
    """Sends signed webhooks."""

    def __init__(self, http: httpx.AsyncClient, secret: str) -> None:
        self._http = http
        self._key = secret_bytes(secret)

    async def says(self, body: dict[str, Any], *, webhook_id: str | None = None, age_s: int = 0) -> httpx.Response:
        raw = json.dumps(body).encode()
        known_as, moment = webhook_id or f"msg_{new_id().hex}", str(int(time.time()) - age_s)
        headers = {
            "webhook-id": known_as,
            "webhook-timestamp": moment,
            "webhook-signature": signature(self._key, webhook_id=known_as, timestamp=moment, body=raw),
            "content-type": "application/json",
        }
        return await self._http.post(f"{API}/carrier-events", content=raw, headers=headers)


@pytest.fixture
def carrier(http: httpx.AsyncClient, settings: CrmSettings) -> Carrier:
    return Carrier(http, settings.carrier_secret.get_secret_value())


def arrival(number: str) -> dict[str, Any]:
    return {
        "carrier": "CDEK",
        "tracking_number": number,
        "event": "delivered",
        "occurred_at": "2026-03-11T09:00:00Z",
        "courier": "Ivan",
    }


async def test_the_carriers_word_is_kept_matched_and_acted_on_once(
    http: httpx.AsyncClient, carrier: Carrier, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    order_id, number, webhook_id = new_id(), f"T{new_id().hex}", f"msg_{new_id().hex}"
    kept = await carrier.says(arrival(number), webhook_id=webhook_id)
    await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))
    again = await carrier.says(arrival(number), webhook_id=webhook_id)

    schemas.CarrierEventAnswer.model_validate(kept.json())
    assert (kept.status_code, kept.json()["outcome"]) == (200, "kept")
    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")
    assert len(await crm.messages(order_id)) == 1
    details = (await http.get(f"{API}/orders/{order_id}", headers=sofia)).json()
    assert [event["event"] for event in details["carrier_events"]] == ["delivered"]


async def test_a_forged_or_replayed_webhook_leaves_nothing(
    http: httpx.AsyncClient, carrier: Carrier, settings: CrmSettings, crm: PostgresCrm
) -> None:
    order_id, number = new_id(), f"T{new_id().hex}"
    await hear(crm, changed(order_id, OrderStatus.SHIPPED, version=9, parcels=(("CDEK", number),)))
    stranger = Carrier(http, "another secret")
    answers = [
        await stranger.says(arrival(number)),
        await carrier.says(arrival(number), age_s=settings.carrier_tolerance_s + 10),
        await http.post(f"{API}/carrier-events", json=arrival(number)),
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401]
    assert {answer.json()["code"] for answer in answers} == {"webhook-not-trusted"}
    assert await crm.messages(order_id) == []


@pytest.mark.parametrize(
    "change",
    [{"occurred_at": "2026-03-11T09:00:00"}, {"tracking_number": " "}, {"event": "DELIVERED!"}, {"carrier": None}],
)
async def test_a_signed_message_that_makes_no_sense_is_refused(carrier: Carrier, change: dict[str, Any]) -> None:
    answer = await carrier.says(arrival("T1") | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "carrier-event-invalid")


async def test_roles_keys_and_beliefs(http: httpx.AsyncClient, people: People, crm: PostgresCrm) -> None:
    order_id = await awaiting_approval(crm)
    customer, seller = people.headers("Clara", "customer"), people.headers("Sofia", "seller")
    place = f"{API}/orders/{order_id}"
    assert (await http.get(place)).status_code == 401
    assert (await http.get(place, headers=customer)).status_code == 403
    assert (await http.post(f"{place}/approval", headers=with_key(customer))).status_code == 403
    assert (await http.post(f"{place}/approval", headers=seller)).status_code in (400, 422)
    assert (await http.post(f"{place}/rejection", json={"reason": " "}, headers=with_key(seller))).status_code == 422
    assert (await http.get("/internal/reconciliation", headers=seller)).status_code == 403
    assert (await http.get(f"{API}/orders/{new_id()}", headers=seller)).status_code == 404
    beliefs = (await http.get("/internal/reconciliation", headers=people.orchestrator())).json()["orders"]
    assert beliefs[str(order_id)] == {
        "number": "A-26000123",
        "status": "PRICE_CALCULATED",
        "version": 4,
        "decision": None,
        "has_content": True,
    }
