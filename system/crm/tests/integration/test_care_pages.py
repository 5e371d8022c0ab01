"""Pages of notes, reminders, customers and escalations, with and without a script; on PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest

from system.crm.application.escalations import escalate
from system.crm.domain.care import Subject
from system.crm.domain.sales_order import Seller
from system.crm.tests.harness import START, TERMS, awaiting_approval, remind
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.clock import SystemClock
from system.kernel.ids import new_id
from system.pagekit.tests.listener import Listener
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
HTMX = {"HX-Request": "true"}
BROWSER = {"Accept-Language": "en", "Accept": "text/html"}
MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.fixture
def seller(people: People) -> dict[str, str]:
    """Somebody of this test alone, so that nobody else's reminders are counted."""
    return people.headers(f"Nina {new_id().hex[-6:]}", "seller") | BROWSER


def at(moment: datetime) -> str:
    return moment.astimezone(MOSCOW).strftime("%Y-%m-%dT%H:%M:%S")


def badge(page: str) -> str:
    found = re.search(r'data-badge="/crm/reminders"[^>]*>(\d+)<', page)
    assert found is not None
    return found.group(1)


async def test_a_note_is_kept_shown_and_corrected_by_forms(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    address = f"/crm/orders/{order_id}"
    done = await http.post(f"{address}/notes", data={"text": "<b>size 17</b>"}, headers=seller)
    assert (done.status_code, done.headers["location"]) == (303, f"{address}#care")
    page = (await http.get(address, headers=seller)).text
    assert "&lt;b&gt;size 17&lt;/b&gt;" in page and "<b>size 17" not in page
    [note_id] = re.findall(r'data-note="([^"]+)"', page)
    piece = await http.post(f"{address}/notes", data={"text": "size 18", "corrects": note_id}, headers=seller | HTMX)
    assert piece.status_code == 200 and "<main" not in piece.text
    assert f'data-note="{note_id}"' in piece.text and 'data-corrected="yes"' in piece.text and "<del>" in piece.text


async def test_what_was_typed_stays_when_it_is_refused(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    address = f"/crm/orders/{order_id}/reminders"
    past = {"text": "call about the size", "at": at(datetime.now(UTC) - timedelta(days=1))}
    piece = await http.post(address, data=past, headers=seller | HTMX)
    assert piece.status_code == 200 and 'data-code="reminder-in-the-past"' in piece.text
    assert 'value="call about the size"' in piece.text and f'value="{past["at"]}"' in piece.text
    page = await http.post(address, data=past | {"at": ""}, headers=seller)
    assert page.status_code == 422 and "<main" in page.text and "Choose a day and a time" in page.text
    assert 'value="call about the size"' in page.text
    empty = await http.post(f"/crm/orders/{order_id}/notes", data={"text": "  "}, headers=seller | HTMX)
    assert 'data-code="text-missing"' in empty.text and "at most 2000 characters" in empty.text
    assert (await http.post(f"/crm/orders/{new_id()}/notes", data={"text": "x"}, headers=seller)).status_code == 404


async def test_what_is_due_stands_above_the_queue_and_in_the_header(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    first = (await http.get("/crm/", headers=seller)).text
    assert badge(first) == "0" and 'id="due"' in first
    await http.post(
        f"/crm/orders/{order_id}/reminders",
        data={"text": "call about the stone", "at": at(datetime.now(UTC))},
        headers=seller,
    )
    page = (await http.get("/crm/", headers=seller)).text
    assert badge(page) == "1" and page.index("call about the stone") < page.index('id="queue"')
    assert (await http.get("/crm/reminders/count", headers=seller)).text == "1"
    [reminder_id] = re.findall(r'data-reminder="([^"]+)"', page)

    later = await http.post(
        f"/crm/reminders/{reminder_id}/delay",
        data={"until": "tomorrow", "seen_version": "1"},
        headers=seller | {"Referer": "http://crm/crm/"},
    )
    assert (later.status_code, later.headers["location"]) == (303, "/crm/")
    again = await http.post(
        f"/crm/reminders/{reminder_id}/delay", data={"until": "hour", "seen_version": "1"}, headers=seller | HTMX
    )
    assert 'data-code="reminder-changed"' in again.text
    assert "call about the stone" in (await http.get("/crm/reminders?which=later", headers=seller)).text
    done = await http.post(f"/crm/reminders/{reminder_id}/completion", headers=seller | HTMX)
    assert 'data-state="done"' in done.text and "<main" not in done.text
    second = await http.post(f"/crm/reminders/{reminder_id}/completion", headers=seller)
    assert second.status_code == 409 and "done already" in second.text
    assert badge((await http.get("/crm/search", headers=seller)).text) == "0"
    assert "call about the stone" in (await http.get("/crm/reminders?which=done", headers=seller)).text


async def test_a_customers_page_has_everything_and_is_only_for_sellers(
    http: httpx.AsyncClient, seller: dict[str, str], people: People, crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    order = await crm.order(order_id)
    assert order.content is not None
    address = f"/crm/customers/{order.content.customer['id']}"
    assert f'href="{address}"' in (await http.get(f"/crm/orders/{order_id}", headers=seller)).text
    kept = await http.post(f"{address}/notes", data={"text": "writes at night"}, headers=seller)
    assert (kept.status_code, kept.headers["location"]) == (303, f"{address}#care")
    page = (await http.get(address, headers=seller)).text
    for words in ("Clara", "clara@example.org", "RUB 10,500", "writes at night", f'href="/crm/orders/{order_id}"'):
        assert words in page, words
    assert "<script>" not in page and " style=" not in page and " onclick=" not in page
    unknown = await http.get(f"/crm/customers/{new_id()}", headers=seller)
    assert unknown.status_code == 404 and "No such customer" in unknown.text
    for role in ("customer", "operator"):
        refused = await http.get(address, headers=people.headers("Otto", role) | BROWSER)
        assert refused.status_code == 403 and "Clara" not in refused.text
    led = await http.get(address, headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (303, f"/sign-in?next={address}")


async def test_customers_page_on_without_losing_or_repeating_any(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    for _ in range(41):
        await awaiting_approval(crm)
    page = (await http.get("/crm/customers", headers=seller)).text
    seen = re.findall(r'id="c-([^"]+)"', page)
    assert len(seen) == 40
    more = page.split('hx-get="/crm/customers')[1].split('"')[0].replace("&amp;", "&")
    piece = (await http.get(f"/crm/customers{more}", headers=seller | HTMX)).text
    assert "<main" not in piece
    seen += re.findall(r'id="c-([^"]+)"', piece)
    assert len(seen) == len(set(seen)) > 40
    assert "No customer fits" in (await http.get("/crm/customers?query=zzzz", headers=seller)).text


async def test_the_story_of_an_order_has_its_notes_and_those_about_its_customer(
    http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id, other_id = await awaiting_approval(crm), await awaiting_approval(crm)
    content = (await crm.order(order_id)).content
    assert content is not None
    for path, text in (
        (f"orders/{order_id}", "size 17"),
        (f"customers/{content.customer['id']}", "writes at night"),
        (f"orders/{other_id}", "somebody else's"),
    ):
        assert (await http.post(f"/crm/{path}/notes", data={"text": text}, headers=seller)).status_code == 303
    story = (await http.get(f"/crm/orders/{order_id}/story", headers=seller)).text
    assert story.count('data-kind="note"') == 2 and "size 17" in story and "somebody else" not in story
    assert "A note about the customer:" in story and "writes at night" in story
    told = (await http.get(f"/api/crm/v1/orders/{order_id}/story", headers=seller)).json()["lines"]
    assert [line["actor"].partition(" ")[0] for line in told if line["kind"] == "note"] == ["seller", "seller"]


async def test_an_order_is_taken_and_taken_over_by_forms(
    http: httpx.AsyncClient, seller: dict[str, str], people: People, crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    crm.clock.at = START + timedelta(days=3)
    await escalate(order_id, crm.make_uow(), terms=TERMS)
    address, ada = f"/crm/orders/{order_id}", people.headers("Ada", "administrator") | BROWSER
    page = (await http.get(address, headers=seller)).text
    assert "waits far too long" in page and "Nobody looks after it yet" in page and "I take it" in page
    assert (await http.post(f"{address}/taking", headers=seller)).status_code == 303
    assert "You look after it" in (await http.get(address, headers=seller)).text
    refused = await http.post(f"{address}/taking", headers=ada | HTMX)
    assert 'data-code="order-taken"' in refused.text and "Take it over" in refused.text
    [holder] = re.findall(r'name="instead_of" value="([^"]+)"', refused.text)
    assert (await http.post(f"{address}/taking", data={"instead_of": holder}, headers=ada)).status_code == 303
    assert 'data-taken-by="Ada"' in (await http.get(address, headers=seller)).text
    mine = (await http.get(address, headers=ada)).text
    assert "Give it back" in mine and "Give it back" not in (await http.get(address, headers=seller)).text
    refused = await http.post(f"{address}/giving-back", headers=seller | HTMX)
    assert 'data-code="order-taken"' in refused.text
    assert (await http.post(f"{address}/giving-back", headers=ada)).status_code == 303
    assert "Nobody looks after it yet" in (await http.get(address, headers=seller)).text
    assert (await http.get("/crm/escalations", headers=seller)).status_code == 403
    assert (await http.get("/crm/escalations", headers=ada)).status_code == 200
    assert 'href="/crm/escalations"' not in page


async def test_an_open_page_hears_when_a_reminder_comes_due_and_nothing_of_what_it_says(
    live_crm: Any, seller: dict[str, str], crm: PostgresCrm
) -> None:
    crm.clock = SystemClock()  # type: ignore[assignment]
    order_id = await awaiting_approval(crm)
    whom = Seller(new_id(), "Nina")
    kept = await remind(crm, Subject(order_id=order_id), in_s=1, text="a secret", made_by=whom)
    async with Listener(live_crm, "/crm/events", seller) as page:
        told = await page.change_about(kept.id)
        # What was set before the page opened is told at once, and once more when it comes due.
        due = await page.change_about(kept.id)
    assert told == due == {"reminder_id": str(kept.id), "for_id": str(whom.id)}


async def test_an_open_queue_is_told_who_took_an_order(
    live_crm: Any, http: httpx.AsyncClient, seller: dict[str, str], crm: PostgresCrm
) -> None:
    crm.clock = SystemClock()  # type: ignore[assignment]
    order_id: UUID = await awaiting_approval(crm)
    async with Listener(live_crm, "/crm/events", seller) as page:
        await http.post(f"/crm/orders/{order_id}/taking", headers=seller)
        told = await page.change_about(order_id)
        while not told["taken_by"]:
            told = await page.change_about(order_id)
        assert told["taken_by"].startswith("Nina") and "taken by Nina" in told["row"]
