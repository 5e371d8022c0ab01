"""CRM's pages as a browser without a script, and one with htmx, gets them; on PostgreSQL."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from system.crm.tests.harness import approve, awaiting_approval, changed, hear, submitted
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.clock import SystemClock
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.pagekit.tests.listener import Listener
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
HTMX = {"HX-Request": "true"}
ENGLISH = {"Accept-Language": "en"}
BREAKDOWN = {
    "currency": "RUB",
    "per_piece": {"metal": "4000.00", "labour": "2000.00", "margin": "2750.00", "tax": "1750.00"},
    "unit_price": "10500.00",
    "quantity": 1,
    "weight_g": "3.10",
}
MESH = {
    "extents_mm": ["20.10", "20.00", "5.30"],
    "triangle_count": 100322,
    "disclosures": [{"code": "cavity-found", "detail": "a hollow"}],
}


class Others:
    """Pricing and the orchestrator, as CRM reaches them: what they answer is set by the test."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.verdicts: dict[str, Any] = {}
        self.entries: list[dict[str, Any]] = []
        self.repaired: list[str] = []
        self.answer = httpx.Response(409, json={"code": "transition-not-allowed", "order_status": "SHIPPED"})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        service, path = request.url.host.partition(".")[0], request.url.path
        if service in self.away:
            return httpx.Response(503)
        if path == "/internal/quotes/lookup":
            quotes = json.loads(request.content)["quote_ids"]
            made = {"breakdown": BREAKDOWN, "mesh": MESH, "price_book_version": 3} | self.verdicts
            return httpx.Response(200, json={"items": [made | {"quote_id": each} for each in quotes]})
        if path.endswith("/timeline"):
            order = {"lines": [{"title": "Pave ring", "stage": "CLAIMED", "held_by": "Oleg"}], "saga": []}
            told = {"order": order, "entries": self.entries, "not_answering": {}, "stuck": None}
            return httpx.Response(200, json=told)
        if path.endswith("/repair"):
            self.repaired.append(path)
            return httpx.Response(200, json={"replayed": 1, "resent": False, "not_answering": {}})
        return self.answer


@pytest.fixture
def others() -> Others:
    return Others()


@pytest.fixture
def seller(sofia: dict[str, str]) -> dict[str, str]:
    return sofia | ENGLISH


async def priced(crm: PostgresCrm, **more: Any) -> UUID:
    """An order whose line has its price, so that pricing can be asked about it."""
    content = submitted(**more)
    await hear(crm, content)
    line_id = content.lines[0].line_id
    state = changed(content.order_id, OrderStatus.PRICE_CALCULATED, version=4, line_id=line_id, number=content.number)
    await hear(crm, state)
    return content.order_id


async def test_who_may_come_in(http: httpx.AsyncClient, people: People) -> None:
    led = await http.get("/crm/search?query=anna")
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=/crm/search%3Fquery%3Danna")
    for role in ("customer", "operator", "partner"):
        assert (await http.get("/crm/", headers=people.headers("Oleg", role))).status_code == 403
    assert (await http.get("/crm/", headers=people.headers("Olga", "administrator"))).status_code == 200


async def test_the_queue_pages_on_and_counts(http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm) -> None:
    waiting = [await awaiting_approval(crm) for _ in range(41)]
    first = (await http.get("/crm/", headers=seller)).text
    assert first.count('class="row order waits') == 40 and 'class="more"' in first
    seen, page = first, first
    while 'class="more"' in page:
        more = page.split('class="more"')[1].split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
        page = (await http.get(more, headers=seller | HTMX)).text
        assert "<main" not in page
        seen += page
    assert all(seen.count(f'id="o-{each}"') == 1 for each in waiting)
    # The harness's clock stands in the past: whatever waits is overdue.
    counts = (await http.get("/crm/counts?due=overdue", headers=seller | HTMX)).text
    assert 'href="/crm/?due=overdue" aria-current="page" class="late"' in counts
    overdue = (await http.get("/crm/?due=overdue", headers=seller)).text
    assert overdue.count('class="row order waits') == 40


async def test_a_row_shows_what_is_ordered(http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm) -> None:
    number = f"A-{new_id().hex}"
    content = submitted(number=number)
    first = content.lines[0]
    goods = first.model_copy(update={"line_id": new_id(), "kind": "ready_made", "file_id": None, "sku": "ring-1"})
    several = content.model_copy(update={"lines": (first, goods, goods.model_copy(update={"line_id": new_id()}))})
    only_goods = submitted(number=number)
    only_goods = only_goods.model_copy(update={"lines": (goods,)})
    for each in (several, only_goods):
        await hear(crm, each)
    found = (await http.get("/crm/search", params={"query": number}, headers=seller)).text
    of_several, of_goods = (
        found.split(f'id="o-{each.order_id}"')[1].split("</li>")[0] for each in (several, only_goods)
    )
    assert f'src="/api/files/v1/uploads/{first.file_id}/preview?otherwise=placeholder"' in of_several
    assert ">+2</span>" in of_several and 'title="3 pieces"' in of_several
    assert "<img" not in of_goods and "kinds.svg#ready_made" in of_goods and "more-pieces" not in of_goods


async def test_a_seller_reads_why_a_caster_hesitates_before_they_approve(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm, others: Others
) -> None:
    order_id = await priced(crm)
    reason = {"code": "wall-thin", "detail": "Thin.", "facts": {}}
    newer = {"code": "a-newer-reason", "detail": "Something newer.", "facts": {}}
    others.verdicts = {"verdicts": {"gold_585": {"verdict": "needs_review", "reasons": [reason, newer]}}}
    page = (await http.get(f"/crm/orders/{order_id}", headers=seller)).text
    assert 'data-verdict="needs_review"' in page
    assert "Some walls are thin for this metal. We look at them before we cast it." in page
    assert "Something newer." in page
    others.verdicts = {"verdicts": {"gold_585": {"verdict": "castable", "reasons": []}}}
    assert "data-verdict" not in (await http.get(f"/crm/orders/{order_id}", headers=seller)).text


async def test_an_order_says_what_it_costs_and_what_is_earned(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await priced(crm)
    page = (await http.get(f"/crm/orders/{order_id}", headers=seller)).text
    for words in ("Pave ring", "Gold 585", "RUB 10,500", "RUB 2,750", "31.4 %", "Price book version 3"):
        assert words in page, words
    assert "100322 triangles" in page and "Hollow spaces inside are not charged" in page
    assert "data-verdict" not in page
    assert "this is the first one" in page or "Other orders" in page
    assert "<script>" not in page and " style=" not in page and " onclick=" not in page


async def test_an_orders_models_lead_to_the_storage_and_no_other_file_does(
    http: httpx.AsyncClient, live_crm: Any, seller: dict[str, str], crm: PostgresCrm, others: Others
) -> None:
    content = submitted()
    await hear(crm, content)
    address = f"/crm/orders/{content.order_id}/models"
    file_id = content.lines[0].file_id
    live_crm.state.client = live_crm.state.orchestrator._client
    page = (await http.get(f"/crm/orders/{content.order_id}", headers=seller)).text
    assert f'data-address="{address}/{file_id}"' in page
    assert f'data-walls-address="/api/pricing/v1/quotes/{content.lines[0].quote_id}/walls"' in page
    others.answer = httpx.Response(200, json={"download_url": "https://storage.example/models/x?signed"})
    led = await http.get(f"{address}/{file_id}", headers=seller)
    assert (led.status_code, led.headers["location"]) == (307, "https://storage.example/models/x?signed")
    assert (await http.get(f"{address}/{new_id()}", headers=seller)).status_code == 404


async def test_without_pricing_the_order_is_shown_and_says_what_is_missing(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm, others: Others
) -> None:
    order_id = await priced(crm)
    others.away = {"pricing"}
    page = await http.get(f"/crm/orders/{order_id}", headers=seller)
    assert page.status_code == 200
    assert "Pricing does not answer just now" in page.text and "RUB 10,500" in page.text


async def test_why_there_is_no_price_is_said_in_the_readers_language(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    content = submitted()
    await hear(crm, content)
    why = {"reason": "19 edges bound no solid.", "reason_code": "mesh-not-closed"}
    heard = changed(content.order_id, OrderStatus.PRICE_FAILED, version=3)
    (first,) = heard.history
    failed = first.model_copy(update={"version": 3, "to_status": OrderStatus.PRICE_FAILED} | why)
    await hear(crm, heard.model_copy(update={"history": (first, failed), "reason": why["reason"]}))
    for address in (f"/crm/orders/{content.order_id}", f"/crm/orders/{content.order_id}/story"):
        english = (await http.get(address, headers=seller)).text
        russian = (await http.get(address, headers=seller | {"Accept-Language": "ru"})).text
        assert "The surface has holes. Only a closed surface" in english
        assert "В поверхности есть дыры. Отлить можно только" in russian
        assert why["reason"] not in english + russian


async def test_what_a_customer_wrote_is_text(http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm) -> None:
    content = submitted()
    named = content.customer.model_copy(update={"name": "<script>alert(1)</script>"})
    await hear(crm, content.model_copy(update={"customer": named}))
    for address in (f"/crm/orders/{content.order_id}", f"/crm/search?query={content.number}"):
        page = (await http.get(address, headers=seller, follow_redirects=True)).text
        assert "<script>alert" not in page and "&lt;script&gt;alert" in page


async def test_a_form_decides_and_leads_back_to_the_order(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await priced(crm)
    address = f"/crm/orders/{order_id}"
    done = await http.post(f"{address}/approval", data={"seen_version": "4"}, headers=seller)
    assert (done.status_code, done.headers["location"]) == (303, address)
    assert (await crm.order(order_id)).decision is not None
    page = (await http.get(address, headers=seller)).text
    assert 'data-decision="approved"' in page and 'data-action="approval"' not in page
    again = await http.post(f"{address}/rejection", data={"reason": "no"}, headers=seller | HTMX)
    assert again.status_code == 200 and 'data-code="order-already-decided"' in again.text
    assert "Sofia was first" in again.text and "approved" in again.text and "<main" not in again.text


async def test_nobody_decides_on_an_old_view(http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm) -> None:
    order_id = await priced(crm)
    stale = await http.post(f"/crm/orders/{order_id}/approval", data={"seen_version": "3"}, headers=seller)
    assert stale.status_code == 412 and 'data-code="order-changed"' in stale.text
    assert (await crm.order(order_id)).decision is None


async def test_a_rejection_needs_a_reason(http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm) -> None:
    order_id = await priced(crm)
    address = f"/crm/orders/{order_id}/rejection"
    assert (await http.post(address, data={"reason": "  "}, headers=seller)).status_code == 422
    await http.post(address, data={"reason": "too thin", "seen_version": "4"}, headers=seller)
    decision = (await crm.order(order_id)).decision
    assert decision is not None and (decision.kind, decision.reason) == ("rejected", "too thin")


async def test_the_orchestrators_refusal_is_said_on_the_order(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm, others: Others
) -> None:
    order_id = await priced(crm)
    refused = await http.post(f"/crm/orders/{order_id}/cancellation", data={"reason": "a call"}, headers=seller | HTMX)
    assert 'data-code="transition-not-allowed"' in refused.text and "Handed to the carrier" in refused.text
    others.away = {"orchestrator"}
    away = await http.post(f"/crm/orders/{order_id}/cancellation", data={"reason": "a call"}, headers=seller)
    assert away.status_code == 503 and "does not answer just now" in away.text


async def test_a_search_leads_to_the_one_order_or_lists_those_that_fit(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    unique = new_id().hex[-10:]
    first = await priced(crm, number=f"A-26{unique.upper()}", email=f"{unique}@example.org", reference=f"PO{unique}")
    for words in (f"a-26{unique}", f" po{unique.upper()} "):
        found = await http.get("/crm/search", params={"query": words}, headers=seller)
        assert (found.status_code, found.headers.get("location")) == (303, f"/crm/orders/{first}"), words
    second = await priced(crm, email=f"{unique}@example.org")
    listed = (await http.get("/crm/search", params={"query": f"{unique}@Example.org"}, headers=seller)).text
    assert f'id="o-{first}"' in listed and f'id="o-{second}"' in listed
    nothing = (await http.get("/crm/search", params={"query": f"nobody{unique}"}, headers=seller)).text
    assert "No order fits" in nothing
    history = (await http.get(f"/crm/orders/{second}", headers=seller)).text
    assert f'href="/crm/orders/{first}"' in history
    unknown = await http.get(f"/crm/orders/{new_id()}", headers=seller)
    assert unknown.status_code == 404 and "There is no such order" in unknown.text


async def test_the_story_tells_what_hangs_and_offers_to_try_again(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm, others: Others
) -> None:
    order_id = await priced(crm)
    parked = {
        "at": "2026-03-02T10:00:00+00:00",
        "service": "mes",
        "kind": "retry",
        "title": "",
        "details": {"box": "inbox", "state": "parked", "attempts": 10, "type": "orchestrator.release_work_orders.v1"},
        "trace_id": None,
    }
    others.entries = [parked]
    piece = (await http.get(f"/crm/orders/{order_id}/story", headers=seller | HTMX)).text
    assert "<main" not in piece and 'data-state="parked"' in piece and 'data-action="repair"' in piece
    assert "Set aside in production after 10 attempts: the work was given to production" in piece
    assert f'href="/crm/orders/{order_id}/scenario" download' in piece
    whole = (await http.get(f"/crm/orders/{order_id}/story", headers=seller)).text
    assert "<main" in whole and "hx-post" not in whole
    done = await http.post(f"/crm/orders/{order_id}/repair", headers=seller)
    assert done.status_code == 303 and others.repaired == [f"/internal/orders/{order_id}/repair"]
    others.away = {"orchestrator"}
    alone = await http.get(f"/crm/orders/{order_id}/story", headers=seller | HTMX)
    assert alone.status_code == 200 and "Missing is the part of: coordination" in alone.text
    assert 'data-kind="status"' in alone.text


async def test_an_open_page_is_told_of_what_waits_and_of_who_decided(
    live_crm: Any, seller: dict[str, str], crm: PostgresCrm
) -> None:
    crm.clock = SystemClock()  # type: ignore[assignment]
    async with Listener(live_crm, "/crm/events", seller) as page:
        order_id = await priced(crm)
        arrived = await page.change_about(order_id)
        while not arrived["waits"]:
            arrived = await page.change_about(order_id)
        assert f'id="o-{order_id}"' in arrived["row"] and arrived["decided_by"] is None
        await approve(crm, order_id)
        decided = await page.change_about(order_id)
        while decided["waits"]:
            decided = await page.change_about(order_id)
        assert decided["decided_by"] == "Sofia" and "Sofia" in decided["row"]


async def test_a_stream_goes_on_where_the_page_was_made(
    live_crm: Any, seller: dict[str, str], crm: PostgresCrm
) -> None:
    since = datetime.now(UTC)
    await asyncio.sleep(0)
    order_id = await priced(crm)
    query = f"since={since.isoformat().replace('+', '%2B')}"
    async with Listener(live_crm, "/crm/events", seller, query) as page:
        assert (await page.change_about(order_id))["status"] == "PRICE_CALCULATED"
