"""A customer's way out of CRM, on PostgreSQL: what is told of them, what is forgotten, what sellers still see."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from system.conftest import Infrastructure
from system.crm.application import care, handlers
from system.crm.application.commands import AskCustomer, ReceiveLetter, WriteNote
from system.crm.domain.care import Subject
from system.crm.domain.case import CaseKind, CaseReason, CaseWish
from system.crm.domain.letter import Letter, Side
from system.crm.tests.harness import CASE_TERMS, SOFIA, changed, delivered, hear, receive, remind, submitted
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.ids import new_id
from system.messages.envelope import EngravingV1, ExtrasV1
from system.messages.orchestrator_v1 import OrderStatus, Transition
from system.messages.shop_v1 import Customer, Delivery
from system.plumbing.settings import ServiceSettings
from system.plumbing.tests.canaries import Planted, plant
from system.plumbing.tokens import TokenAuthority

pytestmark = pytest.mark.integration
API = "/api/crm/v1"


@pytest.fixture
def identity(infrastructure: Infrastructure) -> dict[str, str]:
    """Identity, asking CRM."""
    authority = TokenAuthority(infrastructure.settings_of("identity", ServiceSettings))
    return {"Authorization": f"Bearer {authority.issue_for_service(to='crm', acting_for=None)}"}


async def customer_with_everything(crm: PostgresCrm, clara: Planted) -> tuple[UUID, UUID]:
    """A customer, and their closed order: letters both ways, notes, reminders, a carrier's message, reasons in people's words."""
    person = new_id()
    content = submitted(number="A-26000901")
    [line] = content.lines
    engraved = ExtrasV1(engraving=EngravingV1(text=clara.words, height_mm=Decimal(2)))
    content = content.model_copy(
        update={
            "customer": Customer(id=person, name=clara.name, email=clara.email, phone=clara.phone),
            "delivery": Delivery(
                recipient=clara.name, address=clara.address, city=clara.city, postcode="828459", country="RU"
            ),
            "lines": (line.model_copy(update={"title": f"{clara.name}.stl", "extras": engraved}),),
        }
    )
    await hear(crm, content)
    order_id = content.order_id
    asked = AskCustomer(order_id, SOFIA, f"Dear {clara.name}, which size?", None)
    await handlers.ask_customer(asked, crm.make_uow())
    letter = Letter(new_id(), order_id, Side.CUSTOMER, clara.name, clara.words, datetime.now(UTC))
    wish = CaseWish(CaseKind.COMPLAINT, CaseReason.DAMAGED)
    await handlers.receive_letter(ReceiveLetter(letter, wish), crm.make_uow(), terms=CASE_TERMS)
    for about in (Subject(order_id=order_id), Subject(customer_id=person)):
        await care.write_note(WriteNote(about, SOFIA, f"{clara.name} said: {clara.words}"), crm.make_uow())
        await remind(crm, about, text=f"call {clara.phone}")
    parcel = ("cdek", f"T-{order_id.hex[-8:]}")
    step = Transition(
        version=5,
        from_status=None,
        to_status=OrderStatus.CLOSED,
        at=content.submitted_at,
        actor=f"customer {clara.name}",
        reason=clara.words,
    )
    message = changed(order_id, OrderStatus.CLOSED, version=5, number=content.number, parcels=(parcel,))
    await hear(crm, message.model_copy(update={"history": (step,), "reason": clara.words}))
    await receive(crm, replace(delivered(*parcel), body={"to": clara.name}))
    return person, order_id


async def test_the_copy_holds_letters_and_what_sellers_wrote_about_them(
    http: httpx.AsyncClient, crm: PostgresCrm, identity: dict[str, str]
) -> None:
    clara = plant()
    person, _ = await customer_with_everything(crm, clara)

    told = (await http.get(f"/internal/people/{person}/data", headers=identity)).json()

    assert [(letter["from"], letter["order"]) for letter in told["letters"]] == [
        ("us", "A-26000901"),
        ("you", "A-26000901"),
    ]
    assert len(told["notes_about_you"]) == 2 and clara.words in told["notes_about_you"][0]["text"]
    assert len(told["reminders_about_you"]) == 2
    assert [(step["kind"], step["state"], step["text"]) for step in told["returns_and_complaints"]] == [
        ("complaint", "open", "")
    ]
    assert SOFIA.name not in str(told)


async def test_nobody_is_left_in_any_table_and_the_accounting_stays(
    http: httpx.AsyncClient,
    crm: PostgresCrm,
    infrastructure: Infrastructure,
    identity: dict[str, str],
    sofia: dict[str, str],
) -> None:
    clara = plant()
    person, order_id = await customer_with_everything(crm, clara)
    assert set(clara.traces(infrastructure, "crm")) >= {
        "sales_order",
        "letter",
        "case_step",
        "note",
        "reminder",
        "carrier_event",
        "audit_log",
    }
    before = (await http.get(f"{API}/orders/{order_id}", headers=sofia)).json()

    answer = await http.post(
        f"/internal/people/{person}/erasure", headers=identity, json={"order_ids": [str(order_id)]}
    )

    assert answer.status_code == 200, answer.text
    assert clara.traces(infrastructure, "crm") == {}
    after = (await http.get(f"{API}/orders/{order_id}", headers=sofia)).json()
    for kept in ("number", "status", "status_since", "agreed_total", "total", "submitted_at", "version"):
        assert after[kept] == before[kept], kept
    assert [line["agreed_total"] for line in after["lines"]] == [line["agreed_total"] for line in before["lines"]]
    again = await http.post(f"/internal/people/{person}/erasure", headers=identity, json={"order_ids": [str(order_id)]})
    assert set(again.json()["counts"].values()) == {0}


async def test_sellers_find_no_such_customer(
    http: httpx.AsyncClient, crm: PostgresCrm, identity: dict[str, str], sofia: dict[str, str]
) -> None:
    clara = plant()
    person, order_id = await customer_with_everything(crm, clara)
    assert (await http.get(f"{API}/customers/{person}", headers=sofia)).status_code == 200

    await http.post(f"/internal/people/{person}/erasure", headers=identity, json={"order_ids": [str(order_id)]})

    assert (await http.get(f"{API}/customers/{person}", headers=sofia)).status_code == 404
    assert (await http.get(f"{API}/customers/{person}/orders", headers=sofia)).status_code == 404
    for words in (clara.email, clara.phone, clara.name, clara.city):
        for place in ("customers", "orders"):
            found = (await http.get(f"{API}/{place}", headers=sofia, params={"query": words})).json()["items"]
            assert str(order_id) not in str(found), (place, words)
    listed = (await http.get(f"{API}/customers", headers=sofia, params={"limit": 100})).json()["items"]
    assert str(person) not in {each["customer_id"] for each in listed}
    page = await http.get(f"/crm/orders/{order_id}", headers=sofia | {"accept": "text/html"})
    assert page.status_code == 200 and "data-nobody" in page.text


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM letter",
        "UPDATE note SET text = ''",
        "UPDATE carrier_event SET body = '{}'",
        "UPDATE audit_log SET details = '{}'",
    ],
)
async def test_the_application_itself_still_edits_nothing(crm: PostgresCrm, edit: str) -> None:
    async with crm.engine.connect() as connection:
        with pytest.raises(DBAPIError, match="permission denied"):
            await connection.execute(text(edit))


async def test_whoever_only_reads_may_not_forget(crm: PostgresCrm, infrastructure: Infrastructure) -> None:
    with infrastructure.server.connect("crm") as connection:
        functions = connection.execute(
            "SELECT count(*) FROM pg_proc WHERE proname IN ('forget_written', 'audit_forgets')"
            " AND has_function_privilege('crm_read', oid, 'EXECUTE')"
        ).fetchone()
    assert functions == (0,)
