"""A person at the shop: what is told of them, what is forgotten, and what an order is accounted by, on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from system.kernel.ids import new_id
from system.messages.shop_v1 import OrderSubmitted
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.canaries import plant
from system.plumbing.tokens import Principal, TokenAuthority
from system.plumbing.unit_of_work import IdempotencyKey
from system.shop.adapters.people import PeopleQueries
from system.shop.application.people import own_data
from system.shop.domain.order import Customer, Delivery, Order
from system.shop.domain.quote import Engraving, Extras
from system.shop.tests.bench import ESTIMATE, Bench, changed, terms
from system.shop.tests.integration.conftest import Database, surrounded

pytestmark = pytest.mark.integration
ANNA = plant()


@pytest.fixture
def bench(bench: Bench) -> Bench:
    bench.anna = Principal(new_id(), frozenset({"customer"}), ANNA.name, ANNA.email, session_id="s")
    return bench


@pytest.fixture
async def identity(database: Database, bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """Identity, asking the shop."""
    shop = surrounded(database, bench)
    authority = TokenAuthority(database.infrastructure.settings_of("identity", ServiceSettings))
    headers = {"Authorization": f"Bearer {authority.issue_for_service(to='shop', acting_for=None)}"}
    transport = httpx.ASGITransport(shop.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=headers) as client:
        yield client
    await shop.close()


async def ordered(bench: Bench) -> Order:
    """A submitted order of a piece made from a model, in which every field says who it is."""
    model = bench.files.has(replace(bench.model(), filename=f"{ANNA.name}.stl"))
    order_id = await bench.cart()
    extras = Extras(plating="gold", engraving=Engraving("1.5", ANNA.words))
    await bench.custom_line(order_id, bench.quote(model, extras=extras))
    contact = Customer(ANNA.name, ANNA.email, ANNA.phone, "ru")
    await bench.submit(
        order_id,
        terms(ESTIMATE, customer=contact, delivery=Delivery(ANNA.name, ANNA.address, ANNA.city, "828459", "RU")),
        with_key=IdempotencyKey(f"{bench.anna.subject} POST /orders/{order_id}/submission", "k", "f" * 64),
    )
    return await bench.order(order_id)


async def closed(bench: Bench) -> Order:
    order = await ordered(bench)
    step = {
        "version": 9,
        "from_status": None,
        "to_status": "CLOSED",
        "at": order.created_at,
        "actor": f"customer {ANNA.name}",
    }
    await bench.tells(changed(order, "CLOSED", version=9, reason=ANNA.words, history=[step | {"reason": ANNA.words}]))
    return await bench.order(order.id)


def erasure_of(bench: Bench) -> str:
    return f"/internal/people/{bench.anna.subject}/erasure"


async def test_only_identity_may_ask(database: Database, bench: Bench, identity: httpx.AsyncClient) -> None:
    authority = TokenAuthority(database.infrastructure.settings_of("crm", ServiceSettings))
    headers = {"Authorization": f"Bearer {authority.issue_for_service(to='shop', acting_for=None)}"}
    for method, path in (("POST", "erasure"), ("GET", "data"), ("GET", "open-orders")):
        answer = await identity.request(method, f"/internal/people/{bench.anna.subject}/{path}", headers=headers)
        assert answer.status_code == 403


async def test_the_copy_says_what_they_ordered_and_where_it_went(bench: Bench, identity: httpx.AsyncClient) -> None:
    order = await closed(bench)

    told = (await identity.get(f"/internal/people/{bench.anna.subject}/data")).json()

    [shown] = told["orders"]
    assert (shown["number"], shown["status"], shown["contact"]["email"]) == (order.number, "CLOSED", ANNA.email)
    assert (shown["contact"]["phone"], shown["delivery"]["address"]) == (ANNA.phone, ANNA.address)
    assert shown["pieces"][0]["model_file"] == str(order.lines[0].file_id)
    assert (shown["pieces"][0]["plating"], shown["pieces"][0]["engraving"]) == ("gold", ANNA.words)
    assert shown["agreed_total"] == {"amount": "10000.00", "currency": "RUB"}
    assert shown["road"][-1]["status"] == "CLOSED"


async def test_with_an_open_order_nothing_is_forgotten(bench: Bench, identity: httpx.AsyncClient) -> None:
    order = await ordered(bench)

    shown = await identity.get(f"/internal/people/{bench.anna.subject}/open-orders")
    refused = await identity.post(erasure_of(bench), json={})

    assert shown.json() == {"numbers": [order.number]}
    assert (refused.status_code, refused.json()["code"], refused.json()["numbers"]) == (
        409,
        "orders-open",
        [order.number],
    )
    assert await bench.order(order.id) == order


async def test_nobody_is_left_in_any_table_and_the_accounting_stays(
    database: Database, bench: Bench, identity: httpx.AsyncClient
) -> None:
    order = await closed(bench)
    cart_id = await bench.cart()
    await bench.custom_line(cart_id, bench.quote(replace(bench.model(), filename=f"{ANNA.name}.stl")))
    assert "orders" in ANNA.traces(database.infrastructure, "shop"), "the canaries are there before"

    erased = (await identity.post(erasure_of(bench), json={})).json()

    assert ANNA.traces(database.infrastructure, "shop") == {}
    assert set(erased["order_ids"]) == {str(order.id), str(cart_id)}
    assert erased["model_ids"] == [str(order.lines[0].file_id)]
    kept = await bench.order(order.id)
    assert (kept.number, kept.status, kept.submitted_at) == (order.number, order.status, order.submitted_at)
    assert kept.terms is not None and kept.terms.agreed_total == ESTIMATE and kept.terms.delivery.country == "RU"
    [line], [before] = kept.lines, order.lines
    assert (line.material, line.quantity, line.agreed_total) == (before.material, before.quantity, before.agreed_total)
    assert not (await bench.order(cart_id)).lines


async def test_forgetting_again_changes_nothing(bench: Bench, identity: httpx.AsyncClient, begin: Any) -> None:
    order = await closed(bench)
    first = (await identity.post(erasure_of(bench), json={})).json()
    once = await bench.order(order.id)

    again = (await identity.post(erasure_of(bench), json={})).json()

    assert (again["order_ids"], again["model_ids"]) == (first["order_ids"], first["model_ids"])
    assert await bench.order(order.id) == once
    async with begin() as uow:
        lines = await uow.connection.execute(text("SELECT details FROM audit_log WHERE action = 'person-forgotten'"))
        [details] = lines.scalars()
    assert details["orders"] == 1 and ANNA.name not in str(details)


async def test_messages_keep_their_places_and_can_still_be_read(bench: Bench, identity: httpx.AsyncClient) -> None:
    await closed(bench)
    before = await bench.published()

    await identity.post(erasure_of(bench), json={})

    after = await bench.published()
    assert [type(message) for message in after] == [type(message) for message in before]
    [submitted] = [message for message in after if isinstance(message, OrderSubmitted)]
    assert (submitted.customer.name, submitted.customer.email, submitted.delivery.city) == ("", "", "")


async def test_of_others_nothing_is_forgotten(bench: Bench, identity: httpx.AsyncClient) -> None:
    order = await closed(bench)

    await identity.post(f"/internal/people/{new_id()}/erasure", json={})

    assert await bench.order(order.id) == order


async def test_which_models_orders_and_carts_need(bench: Bench, engine: Any) -> None:
    order = await closed(bench)
    used, unused = order.lines[0].file_id, new_id()
    assert used is not None

    found = await PeopleQueries(engine).in_orders(bench.anna.subject, [used, unused])

    assert found == {used: order.number}
    assert await PeopleQueries(engine).in_orders(new_id(), [used]) == {}
    assert own_data(await PeopleQueries(engine).orders(new_id())) == {"orders": []}
