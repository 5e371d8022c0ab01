"""The shop over HTTP: who may do what, and what the answers look like."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from system.kernel.ids import new_id
from system.messages.envelope import Envelope
from system.plumbing import topology
from system.plumbing.broker import Publisher, connect
from system.plumbing.runtime import Service
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import Principal, TokenAuthority
from system.shop.application.ports import CancellationOutcome
from system.shop.tests.bench import Bench, changed, customer, money
from system.shop.tests.integration.conftest import Database, surrounded

pytestmark = pytest.mark.integration
BASE = "/api/shop/v1"
TERMS = {
    "customer": {"name": "Anna", "email": "anna@example.org", "language": "ru"},
    "delivery": {"recipient": "Anna", "address": "Lenina 1", "city": "Perm", "postcode": "614000", "country": "RU"},
    "agreed_total": money("10000.00"),
}


@pytest.fixture
async def shop(database: Database, bench: Bench) -> AsyncIterator[Service]:
    """The shop as main.py wires it, with the services around it replaced by the bench's."""
    built = surrounded(database, bench, roles="api,consumer")
    yield built
    await built.close()


class Caller:
    """Somebody with a token."""

    def __init__(self, app: FastAPI, token: str | None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx.ASGITransport(app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(BASE + path, **more)

    async def post(self, path: str, body: Any = None, *, key: str | None = "", **more: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key or str(new_id())}
        return await self.http.post(BASE + path, json=body, headers=headers | more)

    async def delete(self, path: str) -> httpx.Response:
        return await self.http.delete(BASE + path)


class Door:
    """Lets people in."""

    def __init__(self, shop: Service, database: Database) -> None:
        self._app = shop.app
        self._infrastructure = database.infrastructure
        self._callers: list[Caller] = []

    def user(self, who: Principal) -> Caller:
        authority = TokenAuthority(self._infrastructure.settings_of("identity", ServiceSettings))
        return self._caller(authority.issue_for_user(who))

    def service(self, name: str) -> Caller:
        authority = TokenAuthority(self._infrastructure.settings_of(name, ServiceSettings))
        return self._caller(authority.issue_for_service(to="shop", acting_for=None))

    def stranger(self) -> Caller:
        return self._caller(None)

    def _caller(self, token: str | None) -> Caller:
        self._callers.append(Caller(self._app, token))
        return self._callers[-1]

    async def close(self) -> None:
        for caller in self._callers:
            await caller.http.aclose()


@pytest.fixture
async def door(shop: Service, database: Database) -> AsyncIterator[Door]:
    door = Door(shop, database)
    yield door
    await door.close()


@pytest.fixture
def anna(door: Door, bench: Bench) -> Caller:
    return door.user(bench.anna)


async def start(caller: Caller) -> dict[str, Any]:
    answer = await caller.post("/orders", {})
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()["order"]
    return order


async def with_model(caller: Caller, bench: Bench) -> tuple[str, dict[str, Any]]:
    order = await start(caller)
    quote = bench.quote(bench.model())
    body = {
        "kind": "custom",
        "file_id": str(quote.file_id),
        "quote_id": str(quote.id),
        "material": "gold_585",
        "quantity": 1,
    }
    answer = await caller.post(f"/orders/{order['order_id']}/lines", body)
    assert answer.status_code == 201, answer.text
    return order["order_id"], answer.json()


async def test_everybody_sees_the_catalogue(door: Door) -> None:
    answer = await door.stranger().get("/products")
    assert answer.status_code == 200
    items = {item["sku"]: item for item in answer.json()["items"]}
    assert len(items) == 40
    assert list(items)[:6] == [
        "ring-classic-585",
        "ring-band-750",
        "earrings-drop-925",
        "pendant-drop-925",
        "bracelet-chain-585",
        "ring-solitaire-950",
    ]
    pendant = items["pendant-drop-925"]
    assert (pendant["price"], pendant["material"], pendant["ring_sizes"]) == (money("4200.00"), "silver_925", [])
    assert pendant["title"].keys() == {"ru", "en"}
    assert "17.5" in items["ring-classic-585"]["ring_sizes"]
    assert items["ring-solitaire-950"]["in_stock"] == 3
    assert items["bracelet-chain-585"]["in_stock"] >= 100_000


async def test_without_pricing_the_catalogue_says_that_prices_are_unknown(door: Door, bench: Bench) -> None:
    bench.pricing.away = True
    answer = await door.stranger().get("/products/pendant-drop-925")
    assert (answer.status_code, answer.json()["price"]) == (200, None)


async def test_an_unknown_good_is_a_problem(door: Door) -> None:
    answer = await door.stranger().get("/products/ring-of-power")
    assert (answer.status_code, answer.json()["code"]) == (404, "product-not-found")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("roles", [frozenset({"seller"}), frozenset({"operator"}), frozenset({"administrator"})])
async def test_only_customers_and_partners_order(door: Door, roles: frozenset[str]) -> None:
    staff = door.user(customer("Sergey", roles=roles))
    assert (await staff.post("/orders", {})).status_code == 403
    assert (await staff.get("/orders")).status_code == 403
    assert (await door.stranger().post("/orders", {})).status_code == 401


async def test_an_order_from_cart_to_submission(anna: Caller, bench: Bench) -> None:
    order_id, added = await with_model(anna, bench)
    assert added["order"]["total"] == money("10000.00")
    assert added["order"]["status"] == "FILE_UPLOADED"
    assert added["line_id"] == added["order"]["lines"][0]["line_id"]
    answer = await anna.post(f"/orders/{order_id}/submission", TERMS)
    assert answer.status_code == 200, answer.text
    assert answer.json()["order"]["status"] == "SUBMITTED"
    shown = await anna.get(f"/orders/{order_id}")
    assert shown.json() == answer.json()["order"]
    assert shown.headers["etag"] == answer.headers["etag"]
    assert (await anna.get("/orders")).json()["items"][0]["order_id"] == order_id


async def test_a_ready_made_good_and_its_removal(anna: Caller) -> None:
    order = await start(anna)
    path = f"/orders/{order['order_id']}/lines"
    body = {"kind": "ready_made", "sku": "ring-classic-585", "quantity": 1, "ring_size": "17.5"}
    added = (await anna.post(path, body)).json()
    assert added["order"]["total"] == money("31500.00")
    removed = await anna.delete(f"{path}/{added['line_id']}")
    assert removed.status_code == 200
    assert removed.json()["order"]["lines"] == []
    assert (await anna.delete(f"{path}/{added['line_id']}")).status_code == 404


async def test_the_same_key_starts_one_order_and_another_body_is_refused(anna: Caller) -> None:
    first = await anna.post("/orders", {}, key="k")
    again = await anna.post("/orders", {}, key="k")
    assert (again.status_code, again.json(), again.headers["etag"]) == (201, first.json(), first.headers["etag"])
    assert (await anna.post("/orders", None, key="k")).status_code == 422


async def test_a_write_without_a_key_says_what_is_missing(anna: Caller) -> None:
    answer = await anna.post("/orders", {}, key=None)
    assert answer.status_code in (400, 422)
    assert "idempotency-key" in answer.json()["detail"].lower()


async def test_somebody_elses_order_is_not_there(door: Door, anna: Caller, bench: Bench) -> None:
    order_id, added = await with_model(anna, bench)
    boris = door.user(customer("Boris"))
    line = {"kind": "ready_made", "sku": "pendant-drop-925", "quantity": 1}
    answers = [
        await boris.get(f"/orders/{order_id}"),
        await boris.post(f"/orders/{order_id}/lines", line),
        await boris.delete(f"/orders/{order_id}/lines/{added['line_id']}"),
        await boris.post(f"/orders/{order_id}/submission", TERMS),
        await boris.post(f"/orders/{order_id}/consent", {"accept": True, "total": money("1.00")}),
        await boris.post(f"/orders/{order_id}/cancellation", {}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.json()["code"] for answer in answers} == {"order-not-found"}
    page = (await boris.get("/orders")).json()
    assert (page["items"], page["next"]) == ([], None)


async def test_a_page_of_orders_continues_where_it_ended(anna: Caller) -> None:
    started = [(await start(anna))["order_id"] for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = (await anna.get("/orders", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        seen += [item["order_id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == started[::-1]
    assert (await anna.get("/orders", params={"cursor": "nonsense"})).status_code == 422


async def test_another_total_is_refused_with_the_present_one(anna: Caller, bench: Bench) -> None:
    order_id, _ = await with_model(anna, bench)
    answer = await anna.post(f"/orders/{order_id}/submission", TERMS | {"agreed_total": money("9000.00")})
    assert (answer.status_code, answer.json()["code"], answer.json()["total"]) == (
        409,
        "price-changed",
        money("10000.00"),
    )


async def test_an_older_etag_is_a_failed_precondition(anna: Caller) -> None:
    order = await start(anna)
    line = {"kind": "ready_made", "sku": "pendant-drop-925", "quantity": 1}
    more: dict[str, Any] = {"If-Match": '"1.0"'}
    assert (await anna.post(f"/orders/{order['order_id']}/lines", line, **more)).status_code == 201
    assert (await anna.post(f"/orders/{order['order_id']}/lines", line, **more)).status_code == 412


async def test_an_unchanged_order_is_not_sent_again(anna: Caller, bench: Bench) -> None:
    order_id, _ = await with_model(anna, bench)
    await anna.post(f"/orders/{order_id}/submission", TERMS)
    etag = (await anna.get(f"/orders/{order_id}")).headers["etag"]
    assert (await anna.get(f"/orders/{order_id}", headers={"If-None-Match": etag})).status_code == 304
    await bench.tells(changed(await bench.order(UUID(order_id)), "PRICE_CALCULATED", version=4))
    assert (await anna.get(f"/orders/{order_id}", headers={"If-None-Match": etag})).status_code == 200


async def test_a_cart_is_shown_without_prices_when_pricing_is_away(anna: Caller, bench: Bench) -> None:
    order_id, _ = await with_model(anna, bench)
    bench.pricing.away = True
    view = (await anna.get(f"/orders/{order_id}")).json()
    assert (view["total"], view["lines"][0]["estimate"]) == (None, None)
    answer = await anna.post(f"/orders/{order_id}/submission", TERMS)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


async def test_a_cancellation_is_answered_200_202_or_409(anna: Caller, bench: Bench) -> None:
    order_id, _ = await with_model(anna, bench)
    bench.orchestrator.says[UUID(order_id)] = CancellationOutcome.REQUESTED
    requested = await anna.post(f"/orders/{order_id}/cancellation", {"reason": "late"})
    assert (requested.status_code, requested.json()["outcome"]) == (202, "requested")
    bench.orchestrator.says[UUID(order_id)] = CancellationOutcome.CANCELLED
    cancelled = await anna.post(f"/orders/{order_id}/cancellation", key=None)
    assert (cancelled.status_code, cancelled.json()["order"]["status"]) == (200, "CANCELLED")


@pytest.mark.parametrize(
    "change",
    [
        {"agreed_total": {"amount": "-1.00", "currency": "RUB"}},
        {"agreed_total": {"amount": 10000, "currency": "RUB"}},
        {"customer": {"name": "Anna", "email": "nobody", "language": "ru"}},
        {"customer": {"name": " ", "email": "anna@example.org"}},
        {"surprise": 1},
    ],
)
async def test_terms_that_make_no_sense_are_refused(anna: Caller, bench: Bench, change: dict[str, Any]) -> None:
    order_id, _ = await with_model(anna, bench)
    answer = await anna.post(f"/orders/{order_id}/submission", TERMS | change)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_what_the_database_cannot_hold_is_refused_and_not_our_mistake(anna: Caller, bench: Bench) -> None:
    assert (await anna.get("/products/%00")).status_code in (404, 422)
    order_id, _ = await with_model(anna, bench)
    customer_with_nul = dict(TERMS["customer"]) | {"name": "An\x00na"}
    answer = await anna.post(f"/orders/{order_id}/submission", TERMS | {"customer": customer_with_nul})
    assert answer.status_code == 422
    line = {"kind": "ready_made", "sku": "pendant-drop-925\x00", "quantity": 1}
    assert (await anna.post(f"/orders/{order_id}/lines", line)).status_code in (404, 422)


async def test_only_the_orchestrator_reads_beliefs(door: Door, anna: Caller, bench: Bench) -> None:
    order_id, _ = await with_model(anna, bench)
    await bench.tells(changed(await bench.order(UUID(order_id)), "FILE_UPLOADED", version=2))
    for caller in (anna, door.service("crm")):
        assert (await caller.http.get("/internal/reconciliation")).status_code == 403
    since = datetime(2020, 1, 1, tzinfo=UTC).isoformat()
    answer = await door.service("orchestrator").http.get("/internal/reconciliation", params={"since": since})
    belief = answer.json()["orders"][order_id]
    assert (belief["status"], belief["version"], belief["submitted"], belief["stock"]) == (
        "FILE_UPLOADED",
        2,
        False,
        None,
    )


async def test_a_status_arrives_over_the_broker(shop: Service, anna: Caller, bench: Bench, database: Database) -> None:
    order_id, _ = await with_model(anna, bench)
    await anna.post(f"/orders/{order_id}/submission", TERMS)
    message = changed(await bench.order(UUID(order_id)), "PRICE_CALCULATED", version=4)
    envelope = Envelope(
        id=new_id(),
        source="orchestrator",
        type=message.TYPE,
        subject=order_id,
        time=datetime.now(UTC),
        sequence=4,
        data=message.model_dump(mode="json"),
    )
    async with connect(database.settings, name="test") as connection:
        await topology.declare(await connection.channel())
        async with shop.app.router.lifespan_context(shop.app):
            await (await Publisher.open(connection)).publish(envelope, routing_key="to.shop")
            deadline = time.monotonic() + 10
            while (status := (await anna.get(f"/orders/{order_id}")).json()["status"]) != "PRICE_CALCULATED":
                assert time.monotonic() < deadline, f"still {status}"
                await asyncio.sleep(0.05)
