"""The pages of observability, as a browser without a script gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from system.observability.adapters.store import SqlStore
from system.observability.domain.stages import Stage
from system.observability.domain.telemetry import Link
from system.observability.main import PAGES
from system.observability.tests.integration.conftest import FakeOrders, person
from system.observability.tests.telling import a_line, a_span, linked
from system.plumbing.runtime import Service

pytestmark = pytest.mark.integration

NOW = datetime.now(UTC) - timedelta(hours=2)


def message(**more: Any) -> dict[str, Any]:
    """A message, as the orchestrator's timeline has it."""
    details = {
        "box": "inbox",
        "type": "shop.order_submitted.v1",
        "state": "parked",
        "attempts": 10,
        "error": "<b>no</b>",
    }
    return {"at": NOW.isoformat(), "service": "crm", "kind": "retry", "title": "t", "details": details | more}


async def an_order(store: SqlStore) -> UUID:
    """A short life: a click, a message, an hour later a seller."""
    order = uuid4()
    about = {"order.id": str(order)}
    click = a_span(order, "POST /api/shop/v1/orders", at=NOW, attributes=about | {"html": "<script>x</script>"})
    received = a_span(
        order, "receive", parent=click.span_id, service="orchestrator", kind="consumer", at=NOW + timedelta(seconds=1)
    )
    seller = a_span(uuid4(), "POST approval", service="crm", at=NOW + timedelta(hours=1), attributes=about)
    approved = a_span(
        order, "approve", service="crm", at=NOW + timedelta(hours=1), is_error=True, links=(linked(seller),)
    )
    await store.keep_spans([click, received, seller, approved])
    await store.keep_lines(
        [
            a_line("priced soon", at=NOW, trace_id=order, span_id=click.span_id, attributes=about),
            a_line("it went <wrong>", at=NOW, trace_id=order, span_id=click.span_id, severity=17, service="crm"),
        ]
    )
    return order


async def test_an_orders_trace_is_shown_whole(sofia: httpx.AsyncClient, store: SqlStore, orders: FakeOrders) -> None:
    order = await an_order(store)
    orders.knows(order, entries=[message(), {**message(), "details": {"note": "resent"}}])
    page = (await sofia.get(f"/observability/orders/{order}")).text
    assert page.count('data-name="') == 3 and 'data-unbroken="yes"' in page and "A-10000001" in page
    assert 'data-wait-s="3599' in page, "the hour is drawn short, and said"
    assert "<script>x" not in page and "&lt;script&gt;x" in page and "it went &lt;wrong&gt;" in page
    assert 'data-message="shop.order_submitted.v1" data-state="parked"' in page and "&lt;b&gt;no" in page
    assert page.count("data-message=") == 1, "what is no message is not among them"
    assert "/observability/traces/" in page and f'data-follow="/observability/orders/{order}"' in page
    assert 'style="' not in page and "<style" not in page
    russian = (await sofia.get(f"/observability/orders/{order}", headers={"accept-language": "ru"})).text
    assert "Сообщения между сервисами" in russian and "Messages between" not in russian


async def test_a_broken_trace_is_named_broken(sofia: httpx.AsyncClient, store: SqlStore, orders: FakeOrders) -> None:
    order = uuid4()
    click = a_span(order, at=NOW)
    lost = a_span(order, "publish", parent="00000000000000ee", at=NOW)
    await store.keep_spans([click, lost, a_span(order, "timer", at=NOW + timedelta(seconds=5))])
    page = (await sofia.get(f"/observability/orders/{order}")).text
    assert 'data-unbroken="no"' in page and 'data-gap="parent-missing"' in page and 'data-gap="root-unlinked"' in page
    told = (await sofia.get(f"/api/observability/v1/orders/{order}/trace")).json()
    assert told["unbroken"] is False
    assert [(gap["what"], gap["name"]) for gap in told["gaps"]] == [
        ("parent-missing", "publish"),
        ("root-unlinked", "timer"),
    ]
    nothing = (await sofia.get(f"/api/observability/v1/orders/{uuid4()}/trace")).json()
    assert nothing["unbroken"] is False and nothing["gaps"][0]["what"] == "no-spans"


async def test_what_is_asked_for_is_shown(sofia: httpx.AsyncClient, store: SqlStore, orders: FakeOrders) -> None:
    order = await an_order(store)
    crm = (await sofia.get(f"/observability/orders/{order}?service=crm&lines=warnings")).text
    assert 'data-service="shop"' not in crm and 'data-service="crm"' in crm and 'data-unbroken="yes"' in crm
    bare = (await sofia.get(f"/observability/orders/{order}?lines=none")).text
    assert "data-line=" not in bare and bare.count("data-name=") == 3
    told = (await sofia.get(f"/api/observability/v1/orders/{order}/trace?service=crm&lines=warnings")).json()
    assert {span["service"] for span in told["spans"]} == {"crm"}
    assert [line["body"] for line in told["lines"]] == ["it went <wrong>"]


async def test_an_ended_order_is_followed_no_more(
    sofia: httpx.AsyncClient, store: SqlStore, orders: FakeOrders
) -> None:
    order = await an_order(store)
    orders.knows(order, status="CLOSED")
    page = (await sofia.get(f"/observability/orders/{order}", headers={"hx-request": "true"})).text
    assert "data-follow" not in page and page.lstrip().startswith('<div id="trace"')


async def test_without_the_orchestrator_the_trace_is_shown_and_what_is_missing_said(
    sofia: httpx.AsyncClient, store: SqlStore, orders: FakeOrders
) -> None:
    order = await an_order(store)
    orders.is_away = True
    answer = await sofia.get(f"/observability/orders/{order}")
    assert answer.status_code == 200 and "Missing is the part of: orchestrator" in answer.text.replace("\n", " ")
    found = await sofia.get("/observability/orders?number=A-10000001")
    assert found.status_code == 503 and 'data-code="orchestrator-unavailable"' in found.text


async def test_an_order_is_found_by_its_number(sofia: httpx.AsyncClient, orders: FakeOrders) -> None:
    order = uuid4()
    orders.knows(order)
    found = await sofia.get("/observability/orders?number=%20A-10000001%20")
    assert (found.status_code, found.headers["location"]) == (303, f"/observability/orders/{order}")
    none = await sofia.get("/observability/orders?number=A-9")
    assert none.status_code == 404 and 'data-code="order-unknown"' in none.text


async def test_a_trace_that_is_no_orders_is_shown_by_its_id(sofia: httpx.AsyncClient, store: SqlStore) -> None:
    trace = uuid4()
    await store.keep_spans([a_span(trace, "GET /", at=NOW, links=(Link(uuid4(), "00000000000000ab"),))])
    assert 'data-name="GET /"' in (await sofia.get(f"/observability/traces/{trace.hex}")).text
    assert (await sofia.get("/observability/traces/nothing")).status_code == 404
    assert (await sofia.get(f"/api/observability/v1/traces/{trace.hex}")).json()["trace_id"] == trace.hex


async def test_failures_are_listed_opened_and_marked(ada: httpx.AsyncClient, store: SqlStore) -> None:
    service = f"svc{uuid4().hex[:8]}"
    line = a_line("<i>broken</i>", at=datetime.now(UTC), severity=17, service=service)
    await store.keep_lines([line])
    page = (await ada.get(f"/observability/failures?service={service}")).text
    assert page.count("data-fingerprint=") == 1 and "&lt;i&gt;broken" in page
    fingerprint = page.split('data-fingerprint="')[1][:16]
    assert 'data-state="new"' in (await ada.get(f"/observability/failures/{fingerprint}")).text
    done = await ada.post(f"/observability/failures/{fingerprint}", data={"state": "resolved", "note": " done "})
    assert done.status_code == 303
    after = (await ada.get(done.headers["location"])).text
    assert 'data-state="resolved"' in after and "Ada" in after and "done" in after
    assert "data-fingerprint=" not in (await ada.get(f"/observability/failures?service={service}")).text


async def test_where_time_goes(ada: httpx.AsyncClient, store: SqlStore, orders: FakeOrders) -> None:
    order = uuid4()
    await store.keep_spans([a_span(order, at=NOW, service="pricing", attributes={"order.id": str(order)})])
    orders.found = [Stage("PRICE_CALCULATED", 1, 60, 60, 60)]
    page = (await ada.get("/observability/stages?days=1")).text
    assert 'data-stage="PRICE_CALCULATED"' in page and 'data-service="pricing"' in page
    assert 'data-waits-for="seller"' in page
    told = (await ada.get("/api/observability/v1/stages")).json()
    assert told["waited_s"] == {"seller": 60.0} and told["is_whole"] is True
    table = await ada.get("/api/observability/v1/stages.csv")
    assert table.headers["content-type"].startswith("text/csv") and "stage,PRICE_CALCULATED,seller,1" in table.text
    orders.is_away = True
    assert "Missing is the part of:" in (await ada.get("/observability/stages")).text


FOR_ADMINISTRATORS = ("/observability/failures", "/observability/stages")
FOR_SUPPORT = ("/observability/orders", f"/observability/orders/{uuid4()}", f"/observability/traces/{uuid4().hex}")


@pytest.mark.parametrize("page", [*FOR_ADMINISTRATORS, *FOR_SUPPORT], ids=lambda page: page.split("/")[2][:8])
async def test_who_may_see_what(
    built: Service, infrastructure: Any, orders: FakeOrders, ada: httpx.AsyncClient, sofia: httpx.AsyncClient, page: str
) -> None:
    answer = await ada.get(page)
    assert answer.status_code == 200 and "<main" in answer.text and "<script>" not in answer.text
    assert (await sofia.get(page)).status_code == (403 if page in FOR_ADMINISTRATORS else 200)
    async with person(built, infrastructure, "operator") as operator:
        assert (await operator.get(page)).status_code == 403


def test_every_page_has_been_looked_at_here() -> None:
    paths = {route.path for router in PAGES for route in router.routes if "GET" in getattr(route, "methods", ())}  # type: ignore[attr-defined]
    own = {
        path
        for path in paths
        if path.startswith(
            ("/observability/orders", "/observability/traces", "/observability/failures", "/observability/stages")
        )
    }
    assert own == {
        "/observability/orders",
        "/observability/orders/{order_id}",
        "/observability/traces/{trace_id}",
        "/observability/failures",
        "/observability/failures/{fingerprint}",
        "/observability/stages",
    }
