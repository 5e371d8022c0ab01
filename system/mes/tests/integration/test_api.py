"""MES over HTTP, with real tokens, on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from system.kernel.ids import new_id
from system.mes.domain.work_order import Operator
from system.mes.entrypoints import schemas
from system.mes.tests.harness import OLEG, OLGA, START, claim, hear, released, spec, withdrawal_of
from system.mes.tests.integration.conftest import PostgresMes
from system.plumbing.schema import audit_log
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
BOARD = "/api/mes/v1/work-orders"


async def test_the_board_shows_the_newest_approved_first_and_pages_without_gaps(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes
) -> None:
    material = f"alloy_{new_id().hex[-12:]}"
    _, earlier = await released(mes, spec(material=material), spec(material=material), spec(material=material))
    seen: list[str] = []
    cursor: str | None = None
    while True:
        asked = {"material": material, "limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await http.get(BOARD, params=asked, headers=oleg)).json()
        schemas.Board.model_validate(page)
        seen += [item["work_order_id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == sorted((str(each) for each in earlier), reverse=True)


async def test_claimed_and_withdrawn_work_is_off_the_board(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes
) -> None:
    material = f"alloy_{new_id().hex[-12:]}"
    _, [taken] = await released(mes, spec(material=material))
    withdrawn_order, _ = await released(mes, spec(material=material))
    _, [free] = await released(mes, spec(material=material))
    await claim(mes, taken, OLGA)
    await hear(mes, withdrawal_of(withdrawn_order))

    async def shown(**asked: str) -> list[str]:
        answer = await http.get(BOARD, params={"material": material} | asked, headers=oleg)
        return [item["work_order_id"] for item in answer.json()["items"]]

    assert await shown() == [str(free)]
    assert await shown(status="CLAIMED") == [str(taken)]
    assert await shown(escalated="true") == [str(free)]
    assert await shown(escalated="false") == []
    assert await shown(channel="partner") == []
    assert (await http.get(BOARD, params={"status": "SHIPPED"}, headers=oleg)).status_code == 422


async def test_the_loser_is_told_who_won(http: httpx.AsyncClient, people: People, mes: PostgresMes) -> None:
    # Somebody new, whose own list is short whatever the other tests left behind.
    winner = new_id()
    first = people.headers("Oleg", "operator", user_id=winner)
    _, [work_order_id] = await released(mes)
    won = await http.post(f"{BOARD}/{work_order_id}/claim", headers=first)
    lost = await http.post(f"{BOARD}/{work_order_id}/claim", headers=people.headers("Olga", "operator"))

    assert won.status_code == 200
    schemas.WorkOrderView.model_validate(won.json())
    assert lost.status_code == 409
    assert lost.json()["code"] == "work-order-already-claimed"
    assert (lost.json()["claimed_by"], lost.json()["claimed_by_id"]) == ("Oleg", str(winner))
    assert lost.json()["claimed_at"] == won.json()["claimed_at"]
    mine = await http.get(BOARD, params={"mine": "true"}, headers=first)
    assert [item["work_order_id"] for item in mine.json()["items"]] == [str(work_order_id)]


async def test_a_piece_is_made_packed_and_shipped_over_http(
    http: httpx.AsyncClient, people: People, mes: PostgresMes
) -> None:
    maker = Operator(new_id(), "Oksana")
    headers = people.headers("Oksana", "operator", user_id=maker.id)
    _, [work_order_id] = await released(mes)
    place = f"{BOARD}/{work_order_id}"
    parcel = {"carrier": "CDEK", "tracking_number": f"T{new_id().hex}"}
    steps = [
        ("claim", None, "CLAIMED"),
        ("return", {"reason": "the wrong size of wire"}, "RELEASED"),
        ("claim", None, "CLAIMED"),
        ("progress", None, "CLAIMED"),
        ("completion", None, "COMPLETED"),
        ("undo", None, "CLAIMED"),
        ("completion", None, "COMPLETED"),
        ("rework", {"reason": "a scratch"}, "CLAIMED"),
        ("completion", None, "COMPLETED"),
        ("packing", None, "PACKING"),
        ("shipment", parcel, "SHIPPED"),
    ]
    for step, body, state in steps:
        answer = await http.post(f"{place}/{step}", json=body, headers=headers)
        assert (answer.status_code, answer.json()["state"]) == (200, state), answer.text

    details = (await http.get(place, headers=headers)).json()
    schemas.WorkOrderDetails.model_validate(details)
    assert [entry["state"] for entry in details["history"]] == ["RELEASED", *(state for _, _, state in steps)]
    pay = (await http.get("/api/mes/v1/pay", params={"limit": "2"}, headers=headers)).json()
    schemas.Pay.model_validate(pay)
    assert pay["total"] == {"amount": "500.00", "currency": "RUB"}
    rest = (await http.get("/api/mes/v1/pay", params={"cursor": pay["next"]}, headers=headers)).json()
    kinds = [item["kind"] for item in (*pay["items"], *rest["items"])]
    assert sorted(kinds) == ["earn", "earn", "reverse"]


async def test_roles_are_kept_apart(http: httpx.AsyncClient, people: People, mes: PostgresMes) -> None:
    _, [work_order_id] = await released(mes)
    seller = people.headers("Sofia", "seller")
    customer = people.headers("Clara", "customer")
    assert (await http.get(BOARD)).status_code == 401
    assert (await http.get(BOARD, headers=customer)).status_code == 403
    assert (await http.get(BOARD, headers=seller)).status_code == 200
    assert (await http.post(f"{BOARD}/{work_order_id}/claim", headers=seller)).status_code == 403
    operator = people.headers("Otto", "operator")
    assert (
        await http.get("/api/mes/v1/pay", params={"operator_id": str(OLEG.id)}, headers=operator)
    ).status_code == 403
    admin = people.headers("Anna", "administrator")
    assert (await http.get("/api/mes/v1/pay", params={"operator_id": str(OLEG.id)}, headers=admin)).status_code == 200
    assert (await http.get("/internal/reconciliation", headers=admin)).status_code == 403


async def test_a_seller_assigns_escalated_work_to_an_operator_seen_at_the_board(
    http: httpx.AsyncClient, people: People, mes: PostgresMes
) -> None:
    otto = new_id()
    await http.get(BOARD, headers=people.headers("Otto", "operator", user_id=otto))
    _, [work_order_id] = await released(mes)  # released in the harness's past, so long escalated by the real clock
    seller = people.headers("Sofia", "seller")

    known = (await http.get("/api/mes/v1/operators", headers=seller)).json()
    answer = await http.post(f"{BOARD}/{work_order_id}/assignment", json={"operator_id": str(otto)}, headers=seller)

    schemas.Operators.model_validate(known)
    assert str(otto) in {each["operator_id"] for each in known["items"]}
    assert (answer.status_code, answer.json()["claimed_by"]) == (200, "Otto")


async def test_a_seller_hands_over_what_an_operator_holds(
    http: httpx.AsyncClient, people: People, mes: PostgresMes
) -> None:
    otto = new_id()
    await http.get(BOARD, headers=people.headers("Otto", "operator", user_id=otto))
    _, [work_order_id] = await released(mes)
    place = f"{BOARD}/{work_order_id}/handover"
    seller = people.headers("Sofia", "seller")
    early = await http.post(place, json={"operator_id": str(otto)}, headers=seller)
    assert (early.status_code, early.json()["code"]) == (409, "work-order-state")
    await claim(mes, work_order_id, OLGA)

    answer = await http.post(place, json={"operator_id": str(otto)}, headers=seller)
    again = await http.post(place, json={"operator_id": str(otto)}, headers=seller)
    nobody = await http.post(place, json={"operator_id": str(new_id())}, headers=seller)

    assert (answer.status_code, answer.json()["claimed_by"], answer.json()["claim_no"]) == (200, "Otto", 2)
    assert (again.status_code, again.json()["code"]) == (409, "already-the-holder")
    assert (nobody.status_code, nobody.json()["code"]) == (422, "operator-unknown")
    operator = people.headers("Otto", "operator", user_id=otto)
    assert (await http.post(place, json={"operator_id": str(OLGA.id)}, headers=operator)).status_code == 403
    [written] = await mes.rows(select(audit_log).where(audit_log.c.subject == str(work_order_id)))
    assert (written["action"], written["details"]["from"]) == ("hand_over_work_order", "Olga")


async def test_counts_and_beliefs(
    http: httpx.AsyncClient, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    before = (await http.get(f"{BOARD}/counts", headers=oleg)).json()
    order_id, [first, second] = await released(mes, spec(), spec())
    await claim(mes, first, OLEG)

    after = (await http.get(f"{BOARD}/counts", headers=oleg)).json()
    assert (after["RELEASED"] - before["RELEASED"], after["CLAIMED"] - before["CLAIMED"]) == (1, 1)
    since = (START - timedelta(hours=1)).isoformat()
    beliefs = await http.get("/internal/reconciliation", params={"since": since}, headers=people.orchestrator())
    believed = beliefs.json()["orders"][str(order_id)]
    assert believed["work_orders"] == {
        str(first): {"state": "CLAIMED", "claim_no": 1},
        str(second): {"state": "RELEASED", "claim_no": 0},
    }


async def test_a_foreign_cursor_is_refused(http: httpx.AsyncClient, oleg: dict[str, str]) -> None:
    for cursor in ("nonsense", "WzEsMl0", "WyJhIiwiYiJd"):
        answer = await http.get(BOARD, params={"cursor": cursor}, headers=oleg)
        assert (answer.status_code, answer.json()["code"]) == (422, "cursor-invalid")
