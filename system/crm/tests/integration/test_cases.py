"""Returns and complaints from the shop's letter to the seller's word, over HTTP and at the pages, on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from system.crm.entrypoints import case_schemas, schemas
from system.crm.settings import CrmSettings
from system.crm.tests.harness import awaiting_approval, sent
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.clock import SystemClock
from system.kernel.ids import new_id
from system.pagekit.tests.listener import Listener
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
API = "/api/crm/v1"
HTMX = {"HX-Request": "true"}
BROWSER = {"Accept-Language": "en", "Accept": "text/html"}


@pytest.fixture
def shop(people: People) -> dict[str, str]:
    return people.service("shop")


@pytest.fixture
def seller(people: People) -> dict[str, str]:
    return people.headers("Nina", "seller") | BROWSER


async def writes(
    http: httpx.AsyncClient, shop: dict[str, str], order_id: UUID, text: str, **wish: Any
) -> httpx.Response:
    body = {"letter_id": str(new_id()), "author": "Clara", "text": text, "at": datetime.now(UTC).isoformat()} | wish
    return await http.post(f"/internal/orders/{order_id}/letters", json=body, headers=shop)


async def told(http: httpx.AsyncClient, shop: dict[str, str], order_id: UUID) -> dict[str, Any]:
    answer: dict[str, Any] = (await http.get(f"/internal/orders/{order_id}/letters", headers=shop)).json()
    return answer


def keyed(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"Idempotency-Key": str(new_id())}


async def test_a_return_goes_from_the_letter_to_the_address_it_is_sent_to(
    http: httpx.AsyncClient, shop: dict[str, str], sofia: dict[str, str], crm: PostgresCrm, settings: CrmSettings
) -> None:
    order_id = await sent(crm)
    assert (await told(http, shop, order_id))["offers"] == ["return", "complaint"]
    kept = await writes(http, shop, order_id, "Size 17, please.", kind="return", reason="does_not_fit")
    assert kept.status_code == 201
    listed = (await http.get(f"{API}/cases?limit=100", headers=sofia)).json()
    case_schemas.CasePage.model_validate(listed)
    [case] = [each for each in listed["items"] if each["order_id"] == str(order_id)]
    assert (case["order_number"], case["customer_name"], case["due_at"] is None) == ("A-26000123", "Clara", False)
    again = await writes(http, shop, order_id, "And?", kind="complaint", reason="late")
    assert (again.status_code, again.json()["code"]) == (409, "case-already-open")

    place = f"{API}/orders/{order_id}/cases/{case['case_id']}"
    key = keyed(sofia)
    for _ in range(2):
        accepted = await http.post(f"{place}/acceptance", json={}, headers=key)
        case_schemas.CaseView.model_validate(accepted.json())
        assert (accepted.status_code, accepted.json()["return_to"]) == (200, settings.return_address)
    refused = await http.post(f"{place}/refusal", json={"text": "No."}, headers=keyed(sofia))
    assert (refused.status_code, refused.json()["code"], refused.json()["by"]) == (409, "case-has-ended", "Sofia")
    shown = (await http.get(f"{API}/orders/{order_id}", headers=sofia)).json()
    schemas.OrderDetails.model_validate(shown)
    assert [each["state"] for each in shown["cases"]] == ["accepted"]
    heard = await told(http, shop, order_id)
    assert [step["state"] for step in heard["cases"][0]["steps"]] == ["open", "accepted"]
    assert heard["offers"] == ["return", "complaint"] and heard["return_until"] is None
    story = (await http.get(f"{API}/orders/{order_id}/story", headers=sofia)).json()
    schemas.StoryView.model_validate(story)
    lines = [(line["text"], line["actor"]) for line in story["lines"] if line["kind"] == "case"]
    assert lines == [("Return: accepted", "seller Sofia"), ("Return: does not fit", "customer Clara")]


async def test_what_cannot_be_had_is_refused_and_no_letter_is_kept(
    http: httpx.AsyncClient, shop: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    early = await writes(http, shop, order_id, "Back.", kind="return", reason="other")
    assert (early.status_code, early.json()["code"]) == (409, "return-too-early")
    strange = await writes(http, shop, order_id, "This.", kind="complaint", reason="other", line_ids=[str(new_id())])
    assert (strange.status_code, strange.json()["code"]) == (422, "piece-not-of-order")
    assert (await told(http, shop, order_id)) == {
        "items": [], "cases": [], "offers": ["complaint"], "return_until": None
    }  # fmt: skip
    unknown = await told(http, shop, new_id())
    assert unknown == {"items": [], "cases": [], "offers": [], "return_until": None}


@pytest.mark.parametrize("deed", ["acceptance", "refusal", "question", "closure"])
async def test_only_sellers_and_administrators_say_a_word(
    http: httpx.AsyncClient, people: People, shop: dict[str, str], sofia: dict[str, str], deed: str
) -> None:
    place = f"{API}/orders/{new_id()}/cases/{new_id()}/{deed}"
    assert (await http.post(place, json={})).status_code == 401
    for role in ("customer", "operator", "partner"):
        refused = await http.post(place, json={}, headers=people.headers("Otto", role))
        assert (refused.status_code, refused.json()["code"]) == (403, "role-required")
    missing = await http.post(place, json={"text": "Well."}, headers=keyed(sofia))
    assert (missing.status_code, missing.json()["code"]) == (404, "case-not-found")
    assert (await http.get(f"{API}/cases", headers=people.headers("Otto", "customer"))).status_code == 403
    assert (await http.get(f"/internal/orders/{new_id()}/letters", headers=sofia)).status_code == 403


async def test_a_seller_sees_it_above_the_queue_and_answers_at_the_order(
    http: httpx.AsyncClient, shop: dict[str, str], seller: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await sent(crm)
    await writes(http, shop, order_id, "It rattles.", kind="complaint", reason="damaged")
    row = f'data-order="{order_id}"'
    assert row in (await http.get("/crm/cases", headers=seller)).text
    piece = await http.get("/crm/cases/waiting", headers=seller | HTMX)
    assert "<main" not in piece.text and 'hx-get="/crm/cases/waiting"' in piece.text
    queue = (await http.get("/crm/", headers=seller)).text
    assert 'id="cases"' in queue and int((await http.get("/crm/cases/count", headers=seller)).text) > 0
    address = f"/crm/orders/{order_id}"
    page = (await http.get(address, headers=seller)).text
    assert (
        "Complaint: damaged" in page
        and 'data-state="open"' in page
        and "<script>" not in page
        and " style=" not in page
    )
    [case] = (await http.get(f"{API}{address.removeprefix('/crm')}", headers=seller)).json()["cases"]
    place = f"{address}/cases/{case['case_id']}"

    empty = await http.post(f"{place}/refusal", data={"text": " "}, headers=seller | HTMX)
    assert 'data-code="answer-missing"' in empty.text
    asked = await http.post(
        f"{place}/question", data={"text": "Which stone?", "seen_version": "1"}, headers=seller | HTMX
    )
    assert 'data-state="answered"' in asked.text and "waits for the customer" in asked.text
    stale = await http.post(f"{place}/refusal", data={"text": "No.", "seen_version": "1"}, headers=seller | HTMX)
    assert 'data-code="case-changed"' in stale.text
    assert row not in (await http.get("/crm/cases?state=open", headers=seller | HTMX)).text
    await writes(http, shop, order_id, "The large one.")
    assert row in (await http.get("/crm/cases?state=open", headers=seller | HTMX)).text
    refused = await http.post(f"{place}/refusal", data={"text": "It is as you drew it."}, headers=seller)
    assert (refused.status_code, refused.headers["location"]) == (303, address)
    page = (await http.get(address, headers=seller)).text
    assert "It is as you drew it." in page and 'data-state="refused"' in page
    story = (await http.get(f"{address}/story", headers=seller)).text
    assert story.count('data-kind="case"') == 4 and "Complaint: refused" in story
    assert row in (await http.get("/crm/cases?state=refused", headers=seller)).text


async def test_an_open_page_hears_of_a_new_one(
    live_crm: Any, http: httpx.AsyncClient, shop: dict[str, str], seller: dict[str, str], crm: PostgresCrm
) -> None:
    crm.clock = SystemClock()  # type: ignore[assignment]
    order_id = await sent(crm)
    letter_id = new_id()
    async with Listener(live_crm, "/crm/events", seller) as page:
        await writes(http, shop, order_id, "It rattles.", kind="complaint", reason="damaged", letter_id=str(letter_id))
        heard = await page.change_about(letter_id)
    assert heard == {"case_id": str(letter_id), "order_id": str(order_id)}
