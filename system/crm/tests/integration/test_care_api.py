"""Notes, reminders, customers and escalations over HTTP, with real tokens, on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from system.crm.application import care
from system.crm.application.escalations import escalate
from system.crm.entrypoints import care_schemas, schemas
from system.crm.main import service
from system.crm.settings import CrmSettings
from system.crm.tests.harness import SOFIA, START, TERMS, approve, awaiting_approval, hear, submitted
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.clock import SystemClock
from system.kernel.ids import new_id
from system.messages.shop_v1 import Customer
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
API = "/api/crm/v1"


@pytest.fixture
async def http(settings: CrmSettings) -> AsyncIterator[httpx.AsyncClient]:
    built = service(settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(built.app), base_url="http://crm") as caller:
        yield caller
    await built.close()


@pytest.fixture
def maria(people: People) -> dict[str, str]:
    return people.headers("Maria", "seller")


@pytest.fixture
def ada(people: People) -> dict[str, str]:
    return people.headers("Ada", "administrator")


def with_key(headers: dict[str, str]) -> dict[str, str]:
    return headers | {"Idempotency-Key": str(new_id())}


async def post(http: httpx.AsyncClient, path: str, headers: dict[str, str], body: dict[str, Any]) -> httpx.Response:
    return await http.post(f"{API}{path}", json=body, headers=with_key(headers))


def in_a(second: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=second)).isoformat()


async def order_of(crm: PostgresCrm, customer: Customer, number: str = "A-26000777") -> UUID:
    content = submitted(number=number).model_copy(update={"customer": customer})
    await hear(crm, content)
    return content.order_id


# Always the same: tests are called by their arguments, and every process of a run must call them alike.
UNKNOWN = UUID(int=4711)
PERSONAL = (
    ("GET", "/customers"),
    ("GET", f"/customers/{UNKNOWN}"),
    ("GET", f"/customers/{UNKNOWN}/orders"),
    ("GET", f"/customers/{UNKNOWN}/notes"),
    ("POST", f"/customers/{UNKNOWN}/notes"),
    ("POST", f"/customers/{UNKNOWN}/reminders"),
    ("GET", f"/orders/{UNKNOWN}/notes"),
    ("POST", f"/orders/{UNKNOWN}/notes"),
    ("GET", f"/orders/{UNKNOWN}/reminders"),
    ("POST", f"/orders/{UNKNOWN}/reminders"),
    ("POST", f"/orders/{UNKNOWN}/taking"),
    ("POST", f"/orders/{UNKNOWN}/giving-back"),
    ("GET", "/reminders"),
    ("POST", f"/reminders/{UNKNOWN}/completion"),
    ("POST", f"/reminders/{UNKNOWN}/delay"),
    ("GET", "/colleagues"),
    ("GET", "/escalations"),
)


@pytest.mark.parametrize(("method", "path"), PERSONAL)
async def test_only_sellers_and_administrators_come_near(
    http: httpx.AsyncClient, people: People, sofia: dict[str, str], method: str, path: str
) -> None:
    assert (await http.request(method, f"{API}{path}")).status_code == 401
    for role in ("customer", "operator", "partner"):
        refused = await http.request(method, f"{API}{path}", headers=people.headers("Otto", role))
        assert (refused.status_code, refused.json()["code"]) == (403, "role-required")
    if path == "/escalations":
        assert (await http.get(f"{API}{path}", headers=sofia)).status_code == 403


async def test_notes_are_read_by_colleagues_the_newest_first_and_corrected_by_another_note(
    http: httpx.AsyncClient, sofia: dict[str, str], maria: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    first = await post(http, f"/orders/{order_id}/notes", sofia, {"text": "  size 17  "})
    care_schemas.NoteView.model_validate(first.json())
    note_id = first.json()["note_id"]
    second = await post(http, f"/orders/{order_id}/notes", maria, {"text": "size 18", "corrects": note_id})
    assert (first.status_code, second.status_code) == (201, 201)
    again = await post(http, f"/orders/{order_id}/notes", sofia, {"text": "size 19", "corrects": note_id})
    assert (again.status_code, again.json()["code"]) == (409, "note-already-corrected")

    read = (await http.get(f"{API}/orders/{order_id}/notes", headers=maria)).json()
    care_schemas.NotesView.model_validate(read)
    assert [(each["text"], each["corrected"], each["author"]["name"]) for each in read["items"]] == [
        ("size 18", False, "Maria"),
        ("size 17", True, "Sofia"),
    ]
    assert (await post(http, f"/orders/{order_id}/notes", sofia, {"text": " "})).status_code == 422
    assert (await post(http, f"/orders/{new_id()}/notes", sofia, {"text": "which?"})).status_code == 404
    # The order, as its customer's shop and everybody else is told of it, has nothing of it.
    assert "size 18" not in (await http.get(f"{API}/orders/{order_id}", headers=sofia)).text


async def test_the_one_search_finds_the_words_of_a_note(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    word = f"незабудка{new_id().hex[:6]}"
    await post(http, f"/orders/{order_id}/notes", sofia, {"text": f"Просит коробку: {word}, срочно"})
    for query in (word, f"коробку {word[:12]}"):
        found = (await http.get(f"{API}/orders", params={"query": query}, headers=sofia)).json()
        assert [each["order_id"] for each in found["items"]] == [str(order_id)], query
    nothing = (await http.get(f"{API}/orders", params={"query": f"{word} пропажа"}, headers=sofia)).json()
    assert nothing["items"] == []


async def test_a_customer_has_all_orders_sums_letters_notes_and_reminders(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    unique = new_id().hex[:8]
    anna = Customer(id=new_id(), name=f"Anna {unique}", email=f"{unique}@example.org", phone="+7 900 123-45-67")
    orders = [await order_of(crm, anna, f"A-2600{number:04}") for number in range(5)]
    address = f"/customers/{anna.id}"
    await post(http, f"{address}/notes", sofia, {"text": "writes at night"})
    await post(http, f"/orders/{orders[0]}/notes", sofia, {"text": "wants a box"})
    await post(http, f"/orders/{orders[0]}/reminders", sofia, {"text": "call", "due_at": in_a(3600)})
    await post(http, f"/orders/{orders[1]}/questions", sofia, {"text": "which size?"})

    shown = (await http.get(f"{API}{address}", headers=sofia)).json()
    care_schemas.CustomerDetails.model_validate(shown)
    assert (shown["name"], shown["email"], shown["orders"]) == (anna.name, anna.email, 5)
    assert shown["totals"] == [{"amount": "52250.00", "currency": "RUB"}]
    assert [each["text"] for each in shown["notes"]] == ["wants a box", "writes at night"]
    assert [each["text"] for each in shown["reminders"]] == ["call"]
    assert [each["text"] for each in shown["letters"]] == ["which size?"]

    seen, cursor = [], None
    while True:
        asked = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(f"{API}{address}/orders", params=asked, headers=sofia)).json()
        schemas.OrderPage.model_validate(page)
        seen += [each["order_id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(str(each) for each in orders)
    unknown = await http.get(f"{API}/customers/{new_id()}", headers=sofia)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "customer-not-found")


async def test_customers_are_found_by_name_e_mail_and_phone_each_once(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm
) -> None:
    unique = "".join(chr(ord("a") + int(digit, 16)) for digit in new_id().hex[-10:])
    phone = f"+7 9{new_id().int % 10**9:09}"
    anna = Customer(id=new_id(), name=f"Анна {unique}", email=f"{unique}@example.org", phone=phone)
    for number in range(3):
        await order_of(crm, anna, f"A-2700{number:04}")
    for query in (unique, f"анна {unique[:8]}", anna.email.upper(), phone.replace("+7 ", "8-")):
        found = (await http.get(f"{API}/customers", params={"query": query}, headers=sofia)).json()
        care_schemas.CustomersPage.model_validate(found)
        assert [each["customer_id"] for each in found["items"]] == [str(anna.id)], query
    listed, cursor = [], None
    while True:
        asked = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(f"{API}/customers", params=asked, headers=sofia)).json()
        listed += [each["customer_id"] for each in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert listed.count(str(anna.id)) == 1 and len(listed) == len(set(listed))
    nobody = await http.get(f"{API}/customers", params={"query": f"x{unique}"}, headers=sofia)
    assert nobody.json() == {"items": [], "next": None}


async def test_a_reminder_goes_from_later_to_due_to_done(
    http: httpx.AsyncClient, people: People, crm: PostgresCrm
) -> None:
    crm.clock = SystemClock()  # type: ignore[assignment]
    vera, order_id = people.headers("Vera", "seller"), await awaiting_approval(crm)

    async def texts(which: str) -> list[str]:
        page = (await http.get(f"{API}/reminders", params={"which": which}, headers=vera)).json()
        care_schemas.RemindersView.model_validate(page)
        return [each["text"] for each in page["items"]]

    made = await post(http, f"/orders/{order_id}/reminders", vera, {"text": "call back", "due_at": in_a(3600)})
    reminder_id, version = made.json()["reminder_id"], made.json()["version"]
    assert (await texts("later"), await texts("due")) == (["call back"], [])
    # What is due this very minute may be set, so that it need not be waited for here.
    moved = {"due_at": in_a(-1), "seen_version": version}
    assert (await post(http, f"/reminders/{reminder_id}/delay", vera, moved)).status_code == 200
    assert (await texts("later"), await texts("due")) == ([], ["call back"])
    stale = await post(http, f"/reminders/{reminder_id}/delay", vera, moved | {"due_at": in_a(60)})
    assert (stale.status_code, stale.json()["code"]) == (412, "reminder-changed")
    done = await post(http, f"/reminders/{reminder_id}/completion", vera, {})
    assert done.json()["state"] == "done"
    assert (await texts("due"), await texts("done")) == ([], ["call back"])
    second = await post(http, f"/reminders/{reminder_id}/completion", vera, {})
    assert (second.status_code, second.json()["done_by"]) == (409, "Vera")
    past = await post(http, f"/orders/{order_id}/reminders", vera, {"text": "call", "due_at": in_a(-120)})
    assert (past.status_code, past.json()["code"]) == (422, "reminder-in-the-past")


async def test_a_reminder_says_whom_or_which_order_it_is_about(
    http: httpx.AsyncClient, people: People, crm: PostgresCrm
) -> None:
    vera = people.headers("Vera", "seller", user_id=new_id())
    anna = Customer(id=new_id(), name="Anna", email="anna@example.org")
    # Somebody has the name of their newest order.
    for name, number in (("Ann", "A-26000770"), ("Anna", "A-26000771")):
        order_id = await order_of(crm, anna.model_copy(update={"name": name}), number)
        crm.clock.at += timedelta(minutes=1)
    for subject in (f"/customers/{anna.id}", f"/orders/{order_id}"):
        made = await post(http, f"{subject}/reminders", vera, {"text": "call back", "due_at": in_a(3600)})
        assert made.status_code == 201, made.text
    later = (await http.get(f"{API}/reminders", params={"which": "later"}, headers=vera)).json()["items"]
    assert {(each["customer_name"], each["order_number"]) for each in later} == {("Anna", None), (None, "A-26000771")}


async def test_a_colleague_is_reminded_once_they_looked_in(
    http: httpx.AsyncClient, people: People, crm: PostgresCrm
) -> None:
    boris, clara = people.headers("Boris", "seller"), people.headers("Clara", "seller")
    order_id = await awaiting_approval(crm)
    unknown = {"text": "please call", "due_at": in_a(60), "for_id": str(new_id())}
    assert (await post(http, f"/orders/{order_id}/reminders", boris, unknown)).json()["code"] == "colleague-unknown"
    await http.get(f"{API}/colleagues", headers=clara)
    known = (await http.get(f"{API}/colleagues", headers=boris)).json()["items"]
    [clara_id] = [each["id"] for each in known if each["name"] == "Clara"]
    made = await post(http, f"/orders/{order_id}/reminders", boris, unknown | {"for_id": clara_id})
    assert made.status_code == 201

    given = (await http.get(f"{API}/reminders", params={"which": "given"}, headers=boris)).json()["items"]
    mine = (await http.get(f"{API}/reminders", params={"which": "later"}, headers=clara)).json()["items"]
    assert [each["text"] for each in given] == [each["text"] for each in mine] == ["please call"]
    other = people.headers("Denis", "seller")
    refused = await post(http, f"/reminders/{made.json()['reminder_id']}/completion", other, {})
    assert (refused.status_code, refused.json()["code"]) == (403, "reminder-not-yours")


async def test_an_escalated_order_is_on_the_administrators_list_until_somebody_decides(
    http: httpx.AsyncClient, ada: dict[str, str], sofia: dict[str, str], crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    crm.clock.at = START + timedelta(days=3)
    await escalate(order_id, crm.make_uow(), terms=TERMS)

    async def listed() -> dict[str, Any]:
        items: list[dict[str, Any]] = []
        cursor = None
        while True:
            asked = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = (await http.get(f"{API}/escalations", params=asked, headers=ada)).json()
            schemas.OrderPage.model_validate(page)
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return {each["order_id"]: each for each in items}

    assert (await listed())[str(order_id)]["taken_by"] is None
    due = (await http.get(f"{API}/reminders", params={"limit": "100"}, headers=ada)).json()["items"]
    assert str(order_id) in {each["order_id"] for each in due}
    taken = await post(http, f"/orders/{order_id}/taking", sofia, {})
    schemas.DecidedOrder.model_validate(taken.json())
    assert (await listed())[str(order_id)]["taken_by"]["seller_name"] == "Sofia"
    refused = await post(http, f"/orders/{order_id}/taking", ada, {})
    assert (refused.status_code, refused.json()["taken_by"]) == (409, "Sofia")
    over = await post(http, f"/orders/{order_id}/taking", ada, {"instead_of": refused.json()["taken_by_id"]})
    assert over.json()["taken_by"]["seller_name"] == "Ada"
    await approve(crm, order_id)
    assert str(order_id) not in await listed()


async def test_whoever_came_twice_has_their_present_name(crm: PostgresCrm) -> None:
    for name in ("Sofia", "Sofia P."):
        await care.meet_colleague(type(SOFIA)(SOFIA.id, name), crm.make_uow())
    async with crm.make_uow() as uow:
        found = await uow.colleagues.find(SOFIA.id)
    assert found is not None and found.name == "Sofia P."
