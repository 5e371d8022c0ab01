"""MES's pages as a browser without a script, and one with htmx, gets them; on PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from system.kernel.clock import FixedClock, SystemClock
from system.kernel.ids import new_id
from system.mes.adapters.unit_of_work import MesUnitOfWork
from system.mes.application.reactions import on_release_work_orders
from system.mes.domain.work_order import Operator
from system.mes.settings import MesSettings
from system.mes.tests.harness import OLEG, OLGA, claim, hear, release_of, released, spec, withdrawal_of
from system.mes.tests.integration.conftest import PostgresMes, caller_of, process
from system.pagekit.tests.listener import Listener
from system.plumbing.service_client import ServiceClient
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
HTMX = {"HX-Request": "true"}
EVENTS = "/mes/events"
ENGLISH = {"Accept-Language": "en"}


def own_alloy() -> str:
    """A material that no other test's rows have."""
    return f"alloy_{new_id().hex[-12:]}"


async def on_board(mes: PostgresMes, count: int = 1) -> tuple[str, list[UUID]]:
    material = own_alloy()
    _, ids = await released(mes, *(spec(material=material) for _ in range(count)))
    return material, ids


async def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(http: httpx.AsyncClient) -> None:
    answer = await http.get("/mes/?material=gold_585")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/mes/%3Fmaterial%3Dgold_585")
    piece = await http.get("/mes/", headers=HTMX | {"HX-Current-URL": "https://localhost:8443/mes/?due=3"})
    assert (piece.status_code, piece.headers["hx-redirect"]) == (204, "/sign-in?next=/mes/%3Fdue%3D3")


async def test_who_lacks_the_role_reads_so_on_a_page(http: httpx.AsyncClient, people: People) -> None:
    answer = await http.get("/mes/", headers=people.headers("Anna", "customer"))
    assert answer.status_code == 403
    assert "не разрешено" in answer.text and "<main" in answer.text


async def test_the_board_shows_what_is_free_and_pages_on(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes
) -> None:
    material, ids = await on_board(mes, 45)
    first = (await http.get("/mes/", params={"material": material}, headers=oleg)).text
    assert first.count('class="row released') == 40
    more = first.split('hx-get="')[1].split('"')[0].replace("&amp;", "&")
    rest = (await http.get(more, headers=oleg | HTMX)).text
    assert rest.count('class="row released') == 5 and "<main" not in rest and 'class="more"' not in rest
    assert all(f"wo-{each}" in first + rest for each in ids)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"number": "a-26000123"}, True),
        ({"number": "A-27"}, False),
        ({"number": "%"}, False),
        ({"due": "14"}, True),
        ({"channel": "shop"}, True),
        ({"channel": "partner"}, False),
        ({"status": "CLAIMED"}, False),
    ],
)
async def test_the_board_filters(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes, filters: dict[str, str], found: bool
) -> None:
    # The harness promises for three weeks after a day in the past, so the work is late whenever the test runs.
    material, [work_order_id] = await on_board(mes)
    shown = (await http.get("/mes/", params={"material": material} | filters, headers=oleg)).text
    assert (f"wo-{work_order_id}" in shown) is found


async def test_the_first_who_takes_it_has_it_and_the_other_reads_who(
    http: httpx.AsyncClient, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    _, [work_order_id] = await on_board(mes)
    olga = people.headers("Olga", "operator", user_id=OLGA.id)
    row = HTMX | {"HX-Target": f"wo-{work_order_id}"}
    won = await http.post(f"/mes/work-orders/{work_order_id}/claim", headers=oleg | row)
    assert won.status_code == 200 and f'data-by="{OLEG.id}"' in won.text and 'class="row claimed mine"' in won.text
    lost = await http.post(f"/mes/work-orders/{work_order_id}/claim", headers=olga | row)
    assert lost.status_code == 200 and "lost-it" in lost.text and "Oleg" in lost.text
    again = await http.post(f"/mes/work-orders/{work_order_id}/claim", headers=oleg | row)
    assert "lost-it" not in again.text, "pressed twice is taken once, and is no loss"
    entries = await mes.ledger(work_order_id)
    assert [(entry.operator.id, str(entry.kind)) for entry in entries] == [(OLEG.id, "earn")]


async def test_the_card_shows_the_model_and_leads_to_its_file(
    live_mes: Any, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    custom = spec(material=own_alloy())
    ready_made = spec(material=own_alloy()).model_copy(update={"kind": "ready_made", "file_id": None, "sku": "ring-1"})
    await released(mes, custom, ready_made)
    asked = []

    def files(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"download_url": "https://localhost:8444/models/x"})

    live_mes.state.client = ServiceClient(live_mes.state.settings, transport=httpx.MockTransport(files))
    of_custom, of_ready_made = (f"/mes/work-orders/{one.work_order_id}" for one in (custom, ready_made))
    async with caller_of(live_mes) as http:
        card = await http.get(of_custom, headers=oleg)
        assert f'data-address="{of_custom}/model"' in card.text and "viewer/viewer.js" in card.text
        assert "connect-src 'self' https://localhost:8444" in card.headers["content-security-policy"]
        led = await http.get(f"{of_custom}/model", headers=oleg)
        assert (led.status_code, led.headers["location"]) == (307, "https://localhost:8444/models/x")
        assert asked == [f"/internal/files/{custom.file_id}"]

        assert "alexandrite-model" not in (await http.get(of_ready_made, headers=oleg)).text
        for address, headers, status in (
            (of_ready_made, oleg, 404),
            (f"/mes/work-orders/{new_id()}", oleg, 404),
            (of_custom, people.headers("Anna", "customer"), 403),
        ):
            assert (await http.get(f"{address}/model", headers=headers)).status_code == status
        assert len(asked) == 1, "nobody else is led anywhere"
    await live_mes.state.client.close()


async def test_a_row_shows_what_the_piece_looks_like_and_asks_nobody(
    live_mes: Any, people: People, mes: PostgresMes
) -> None:
    # Somebody with nothing else in hand.
    newcomer = people.headers("Olesya", "operator", user_id=new_id())
    material = own_alloy()
    custom = spec(material=material)
    ready_made = spec(material=material).model_copy(update={"kind": "ready_made", "file_id": None, "sku": "ring-1"})
    await released(mes, custom, ready_made)

    def nobody(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"a row asked for {request.url}")

    live_mes.state.client = ServiceClient(live_mes.state.settings, transport=httpx.MockTransport(nobody))
    async with caller_of(live_mes) as http:
        board = (await http.get("/mes/", params={"material": material}, headers=newcomer)).text
        of_custom, of_ready_made = (
            board.split(f'id="wo-{one.work_order_id}"')[1].split("</li>")[0] for one in (custom, ready_made)
        )
        address = f'src="/api/files/v1/uploads/{custom.file_id}/preview?otherwise=placeholder"'
        assert address in of_custom and 'alt="" width="48" height="48" loading="lazy"' in of_custom
        assert "<img" not in of_ready_made and "kinds.svg#ready_made" in of_ready_made

        await http.post(f"/mes/work-orders/{custom.work_order_id}/claim", headers=newcomer)
        assert f"/uploads/{custom.file_id}/preview" in (await http.get("/mes/mine", headers=newcomer)).text
    await live_mes.state.client.close()


async def test_without_a_script_a_form_leads_to_the_card(
    http: httpx.AsyncClient, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    _, [work_order_id] = await on_board(mes)
    address = f"/mes/work-orders/{work_order_id}"
    won = await http.post(f"{address}/claim", headers=oleg)
    assert (won.status_code, won.headers["location"]) == (303, address)
    lost = await http.post(f"{address}/claim", headers=people.headers("Olga", "operator") | ENGLISH)
    assert lost.status_code == 409 and "Oleg took this work order first" in lost.text


async def test_the_card_goes_with_the_work_to_the_carrier(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes
) -> None:
    _, [work_order_id] = await on_board(mes)
    await claim(mes, work_order_id)
    parcel = {"carrier": "SwiftPost", "tracking_number": f"SP{new_id().hex[-12:]}"}
    for action, fields, state in (
        ("progress", {}, "CLAIMED"),
        ("completion", {}, "COMPLETED"),
        ("undo", {}, "CLAIMED"),
        ("completion", {}, "COMPLETED"),
        ("rework", {"reason": "a scratch"}, "CLAIMED"),
        ("completion", {}, "COMPLETED"),
        ("packing", {}, "PACKING"),
        ("shipment", parcel, "SHIPPED"),
    ):
        done = await http.post(f"/mes/work-orders/{work_order_id}/{action}", data=fields, headers=oleg | HTMX)
        assert f'data-state="{state}"' in done.text, done.text
    assert parcel["tracking_number"] in done.text


async def test_what_is_refused_is_said_on_the_card_as_it_is_now(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes
) -> None:
    _, [work_order_id] = await on_board(mes)
    await claim(mes, work_order_id)
    refused = await http.post(f"/mes/work-orders/{work_order_id}/packing", headers=oleg | HTMX | ENGLISH)
    assert 'data-code="work-order-state"' in refused.text and "Now it is: Being made" in refused.text
    nothing = await http.post(f"/mes/work-orders/{work_order_id}/return", data={"reason": " "}, headers=oleg | ENGLISH)
    assert nothing.status_code == 422 and "Something is missing" in nothing.text
    assert (await mes.work_order(work_order_id)).state == "CLAIMED"


async def test_a_page_for_what_is_not_there(http: httpx.AsyncClient, oleg: dict[str, str]) -> None:
    answer = await http.get(f"/mes/work-orders/{new_id()}", headers=oleg | ENGLISH)
    assert answer.status_code == 404 and "There is no such work order" in answer.text


async def test_the_pay_page_adds_up(http: httpx.AsyncClient, people: People, mes: PostgresMes) -> None:
    who = new_id()
    _, ids = await on_board(mes, 2)
    headers = people.headers("Pavel", "operator", user_id=who) | ENGLISH
    for work_order_id in ids:
        await http.post(f"/mes/work-orders/{work_order_id}/claim", headers=headers)
    await http.post(f"/mes/work-orders/{ids[0]}/return", data={"reason": "no torch"}, headers=headers)
    page = (await http.get("/mes/pay", headers=headers)).text
    amounts = [part.split('"')[0] for part in page.split('data-amount="')[1:]]
    assert len(amounts) == 3 and "given back" in page
    assert f"RUB {float(amounts[-1]):g}" in page.split('class="total"')[1][:80]


async def test_a_page_tells_browsers_what_may_run_on_it(http: httpx.AsyncClient, oleg: dict[str, str]) -> None:
    page = await http.get("/mes/", headers=oleg)
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert "<script>" not in page.text and " style=" not in page.text and " onclick=" not in page.text


async def test_a_seller_gives_out_what_nobody_took_and_only_that(
    http: httpx.AsyncClient, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    seller = people.headers("Maria", "seller") | ENGLISH
    await http.get("/mes/", headers=oleg)
    # The harness's clock stands in the past, so that what it releases has waited too long by now.
    _, [waiting] = await on_board(mes)
    assert f'<option value="{OLEG.id}">Oleg' in (await http.get(f"/mes/work-orders/{waiting}", headers=seller)).text
    assert "operator_id" not in (await http.get(f"/mes/work-orders/{waiting}", headers=oleg)).text
    address = f"/mes/work-orders/{waiting}/assignment"
    given = await http.post(address, data={"operator_id": str(OLEG.id)}, headers=seller | HTMX)
    assert 'data-state="CLAIMED"' in given.text and "Oleg" in given.text
    mes.clock = SystemClock()  # type: ignore[assignment]
    _, [fresh] = await on_board(mes)
    assert "operator_id" not in (await http.get(f"/mes/work-orders/{fresh}", headers=seller)).text
    early = await http.post(
        f"/mes/work-orders/{fresh}/assignment", data={"operator_id": str(OLEG.id)}, headers=seller | HTMX
    )
    assert "may still take it themselves" in early.text and (await mes.work_order(fresh)).state == "RELEASED"
    assert (await http.post(address, data={"operator_id": str(OLEG.id)}, headers=oleg)).status_code == 403


async def test_a_seller_hands_over_from_the_card(
    http: httpx.AsyncClient, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    seller = people.headers("Maria", "seller") | ENGLISH
    await http.get("/mes/", headers=oleg)
    _, [work_order_id] = await on_board(mes)
    await claim(mes, work_order_id, OLGA)
    address = f"/mes/work-orders/{work_order_id}"
    offered = (await http.get(address, headers=seller)).text
    assert f'<option value="{OLEG.id}">Oleg' in offered and f'<option value="{OLGA.id}"' not in offered
    assert "handover" not in (await http.get(address, headers=oleg)).text
    given = await http.post(f"{address}/handover", data={"operator_id": str(OLEG.id)}, headers=seller | HTMX)
    assert 'data-by-name="Oleg"' in given.text and "handed over from Olga to Oleg" in given.text
    again = await http.post(f"{address}/handover", data={"operator_id": str(OLEG.id)}, headers=seller | HTMX)
    assert 'data-code="already-the-holder"' in again.text and "Oleg holds this work order already" in again.text


async def test_the_label_of_a_piece_leads_back_to_its_card(
    http: httpx.AsyncClient, people: People, oleg: dict[str, str], mes: PostgresMes
) -> None:
    _, [work_order_id] = await on_board(mes)
    card = f"/mes/work-orders/{work_order_id}"
    assert f'href="{card}/slip"' in (await http.get(card, headers=oleg)).text
    label = await http.get(f"{card}/slip", headers=oleg)
    address = label.text.split('data-address="')[1].split('"')[0]
    assert label.status_code == 200 and address == f"https://localhost:8443{card}" and "<svg" in label.text
    assert " style=" not in label.text and "<style" not in label.text
    scanned = await http.get("/mes/scan", params={"code": address}, headers=oleg)
    assert (scanned.status_code, scanned.headers["location"]) == (303, card)
    assert (await http.get(f"{card}/slip", headers=people.headers("Anna", "customer"))).status_code == 403


async def test_a_whole_number_opens_the_card_or_a_choice(
    http: httpx.AsyncClient, oleg: dict[str, str], mes: PostgresMes
) -> None:
    one, several = f"A-{new_id().hex[-12:]}".upper(), f"A-{new_id().hex[-12:]}".upper()
    alone = release_of(spec()).model_copy(update={"number": one})
    two = release_of(spec(), spec()).model_copy(update={"number": several})
    await hear(mes, alone)
    await hear(mes, two)
    await claim(mes, two.work_orders[0].work_order_id)

    found = await http.get("/mes/scan", params={"code": f" {one.lower()} "}, headers=oleg)
    assert found.headers["location"] == f"/mes/work-orders/{alone.work_orders[0].work_order_id}"
    choice = await http.get("/mes/scan", params={"code": several}, headers=oleg)
    assert choice.status_code == 200
    assert all(f"/mes/work-orders/{each.work_order_id}" in choice.text for each in two.work_orders)
    for nothing in (one[:-1], "", "%"):
        assert (await http.get("/mes/scan", params={"code": nothing}, headers=oleg)).status_code == 404


# -- the stream ----------------------------------------------------------------------------------------------------------


async def test_a_list_that_is_kept_is_forgotten_by_whichever_process_changes_work(
    monkeypatch: pytest.MonkeyPatch, settings: MesSettings, oleg: dict[str, str], mes: PostgresMes
) -> None:
    monkeypatch.setattr("system.mes.main.KEPT_S", 60.0)
    material, [first] = await on_board(mes)
    async with AsyncExitStack() as stack:
        apps = [await stack.enter_async_context(process(settings)) for _ in range(2)]
        one, other = [await stack.enter_async_context(caller_of(app)) for app in apps]

        async def shown() -> int:
            page = await one.get("/mes/", params={"material": material}, headers=oleg)
            return page.text.count('class="row released')

        assert await shown() == 1
        # Nobody was told of this one: the list is the one that was kept.
        async with MesUnitOfWork(mes.engine, "mes", clock=mes.clock) as uow:
            await on_release_work_orders(release_of(spec(material=material), spec(material=material)), uow)
            await uow.commit()
        assert await shown() == 1
        claimed = await other.post(f"/api/mes/v1/work-orders/{first}/claim", json={}, headers=oleg)
        assert claimed.status_code == 200, claimed.text
        assert await shown() == 2


async def test_an_open_board_is_told_of_new_work_and_of_who_took_it(
    live_mes: Any, oleg: dict[str, str], mes: PostgresMes
) -> None:
    mes.clock = SystemClock()  # type: ignore[assignment]
    async with Listener(live_mes, EVENTS, oleg) as board:
        _, [work_order_id] = await on_board(mes)
        arrived = await board.change_about(work_order_id)
        assert arrived["state"] == "RELEASED" and f'id="wo-{work_order_id}"' in arrived["row"]
        await claim(mes, work_order_id, OLGA)
        taken = await board.change_about(work_order_id)
        assert (taken["state"], taken["claimed_by_id"]) == ("CLAIMED", str(OLGA.id)) and "Olga" in taken["row"]


async def test_a_stream_goes_on_where_the_page_was_made(live_mes: Any, oleg: dict[str, str], mes: PostgresMes) -> None:
    mes.clock = SystemClock()  # type: ignore[assignment]
    since = datetime.now(UTC) - timedelta(seconds=1)
    _, [work_order_id] = await on_board(mes)
    query = f"since={since.isoformat().replace('+', '%2B')}"
    async with Listener(live_mes, EVENTS, oleg, query) as board:
        assert (await board.change_about(work_order_id))["state"] == "RELEASED"
    async with Listener(live_mes, EVENTS, oleg | {"Last-Event-ID": since.isoformat()}) as board:
        assert (await board.change_about(work_order_id))["state"] == "RELEASED"


async def test_a_withdrawn_order_leaves_open_boards(live_mes: Any, oleg: dict[str, str], mes: PostgresMes) -> None:
    mes.clock = SystemClock()  # type: ignore[assignment]
    order_id, [work_order_id] = await released(mes, spec(material=own_alloy()))
    async with Listener(live_mes, EVENTS, oleg) as board:
        await hear(mes, withdrawal_of(order_id))
        while (said := await board.change_about(work_order_id))["state"] != "WITHDRAWN":
            pass
    assert "/claim" not in said["row"]


async def test_a_process_that_is_told_to_stop_ends_its_streams(live_mes: Any, oleg: dict[str, str]) -> None:
    live_mes.state.is_stopping = lambda: True
    board = Listener(live_mes, EVENTS, oleg)
    async with asyncio.timeout(5):
        await live_mes(board._scope(), board._receive, board._send)
    assert board.status == 200


# -- the pay -------------------------------------------------------------------------------------------------------------


async def test_earnings_are_shown_by_month_and_day_of_the_workshop(
    http: httpx.AsyncClient, people: People, mes: PostgresMes
) -> None:
    pavel = Operator(new_id(), "Pavel")
    _, ids = await on_board(mes, 3)
    # The first is claimed at half past eleven in the evening of January by UTC: in Moscow that is February.
    for work_order_id, moment in zip(
        ids,
        (
            datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
            datetime(2026, 2, 1, 10, 0, tzinfo=UTC),
            datetime(2026, 1, 31, 10, 0, tzinfo=UTC),
        ),
        strict=True,
    ):
        mes.clock = FixedClock(moment)
        await claim(mes, work_order_id, pavel)
    headers = people.headers("Pavel", "operator", user_id=pavel.id) | ENGLISH
    page = (await http.get("/mes/pay", headers=headers)).text
    months = [part.split("</details>")[0] for part in page.split('<details class="month')[1:]]
    assert len(months) == 2
    assert "February 2026" in months[0] and "2 pieces taken" in months[0] and "Feb 1" in months[0]
    assert "January 2026" in months[1] and "1 piece taken" in months[1] and "Jan 31" in months[1]
    russian = (await http.get("/mes/pay", headers=headers | {"Accept-Language": "ru"})).text
    assert "Февраль 2026" in russian and "2 изделия" in russian

    table = await http.get("/mes/pay.csv?month=2026-02", headers=headers)
    rows = table.content.decode("utf-8-sig").splitlines()
    assert rows[0] == "at,order,piece,kind,amount,currency" and len(rows) == 3
    assert rows[1].startswith("2026-02-01T02:30:00+03:00,A-26000123,Pave ring,earn,")
    assert (await http.get("/mes/pay.csv?month=2026-13", headers=headers)).status_code == 422


async def test_nobody_reads_the_pay_of_another(http: httpx.AsyncClient, people: People, mes: PostgresMes) -> None:
    _, [work_order_id] = await on_board(mes)
    await claim(mes, work_order_id, Operator(new_id(), "Pavel"))
    stranger = people.headers("Olga", "operator")
    assert "<details" not in (await http.get("/mes/pay", headers=stranger)).text.split("<main")[1]
    assert (await http.get("/mes/pay", headers=people.headers("Maria", "seller"))).status_code == 403
