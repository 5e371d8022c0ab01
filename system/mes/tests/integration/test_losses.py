"""Weights on the card, and metal losses: pages, table and HTTP, on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from system.conftest import Infrastructure
from system.kernel.ids import new_id
from system.mes.adapters.loss_queries import MADE_BETWEEN
from system.mes.domain.work_order import Operator
from system.mes.entrypoints import schemas
from system.mes.tests.harness import OLGA, START, claim, released, spec
from system.mes.tests.integration.conftest import PostgresMes
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
HTMX = {"HX-Request": "true"}
ENGLISH = {"Accept-Language": "en"}
API = "/api/mes/v1"


@pytest.fixture
def petr() -> Operator:
    """Somebody new for each test, whose losses are all of this test."""
    return Operator(new_id(), f"Petr {new_id().hex[-6:]}")


@pytest.fixture
def headers(people: People, petr: Operator) -> dict[str, str]:
    return people.headers(petr.name, "operator", user_id=petr.id) | ENGLISH


async def on_bench(mes: PostgresMes, petr: Operator, *, material: str = "silver_925", quantity: int = 1) -> UUID:
    _, [work_order_id] = await released(mes, spec(material=material, quantity=quantity))
    await claim(mes, work_order_id, petr)
    return work_order_id


async def test_weights_are_written_down_and_corrected_over_http(
    http: httpx.AsyncClient, people: People, mes: PostgresMes, petr: Operator, headers: dict[str, str]
) -> None:
    work_order_id = await on_bench(mes, petr)
    place = f"{API}/work-orders/{work_order_id}/weighings"
    first = await http.post(place, json={"cast_g": "2.10"}, headers=headers)
    schemas.WeightsView.model_validate(first.json())
    doubted = await http.post(place, json={"finished_g": "9"}, headers=headers)
    assert (doubted.status_code, doubted.json()["code"]) == (409, "weight-doubtful")
    assert doubted.json()["doubts"] == ["finished-off-quote", "finished-above-cast"]
    sure = await http.post(place, json={"finished_g": "9", "confirmed": True}, headers=headers)
    assert (sure.status_code, sure.json()["lost_g"]) == (200, "-6.90")
    mended = await http.post(place, json={"finished_g": "2.00"}, headers=headers)
    assert [one["counts"] for one in mended.json()["weighings"]] == [True, False, True]

    card = (await http.get(f"{API}/work-orders/{work_order_id}", headers=headers)).json()
    schemas.WorkOrderDetails.model_validate(card)
    assert (card["weights"]["lost_g"], card["weights"]["lost_percent"]) == ("0.10", "4.76")
    for wrong in ({}, {"cast_g": "0"}, {"cast_g": "1.234"}, {"cast_g": "100000"}, {"cast_g": "1", "note": "x"}):
        assert (await http.post(place, json=wrong, headers=headers)).status_code == 422
    for role, status in (("operator", 403), ("seller", 403), ("customer", 403)):
        stranger = people.headers("Otto", role)
        assert (await http.post(place, json={"cast_g": "2"}, headers=stranger)).status_code == status


async def test_a_completion_takes_the_weight_along(
    http: httpx.AsyncClient, mes: PostgresMes, petr: Operator, headers: dict[str, str]
) -> None:
    place = f"{API}/work-orders/{await on_bench(mes, petr)}"
    doubted = await http.post(f"{place}/completion", json={"finished_g": "0.5"}, headers=headers)
    assert (doubted.status_code, doubted.json()["code"]) == (409, "weight-doubtful")
    made = await http.post(f"{place}/completion", json={"finished_g": "1.98"}, headers=headers)
    assert (made.status_code, made.json()["state"]) == (200, "COMPLETED")
    assert (await http.get(place, headers=headers)).json()["weights"]["finished_g"] == "1.98"


async def test_the_card_asks_about_a_weight_that_is_hard_to_believe_and_keeps_what_was_typed(
    http: httpx.AsyncClient, mes: PostgresMes, petr: Operator, headers: dict[str, str]
) -> None:
    place = f"/mes/work-orders/{await on_bench(mes, petr)}"
    asked = await http.post(f"{place}/weighing", data={"cast": "2,9", "finished": "1,90"}, headers=headers | HTMX)
    assert asked.status_code == 200 and 'data-code="weight-doubtful"' in asked.text
    assert 'value="2,9"' in asked.text and 'value="1,90"' in asked.text and "2.00 g that were quoted" in asked.text
    sure = asked.text.split('name="sure" value="')[1].split('"')[0]

    # Others than those that were asked about are asked about anew.
    other = await http.post(
        f"{place}/weighing", data={"cast": "3,9", "finished": "1,90", "sure": sure}, headers=headers | HTMX
    )
    assert 'data-code="weight-doubtful"' in other.text and 'data-cast=""' in other.text
    data = {"cast": "2,9", "finished": "1,90", "sure": sure}
    done = await http.post(f"{place}/weighing", data=data, headers=headers | HTMX)
    assert 'data-cast="2.90" data-finished="1.90" data-lost="1.00"' in done.text and "unusual, confirmed" in done.text

    mended = await http.post(f"{place}/weighing", data={"cast": "2.10"}, headers=headers)
    assert (mended.status_code, mended.headers["location"]) == (303, place)
    card = (await http.get(place, headers=headers)).text
    assert 'data-cast="2.10"' in card and card.count("data-weighing=") == 3 and "corrected since" in card


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"cast": "heavy"}, "number-unreadable"),
        ({"cast": "2.105"}, "number-too-exact"),
        ({"cast": "0"}, "number-out-of-range"),
        ({}, "nothing-weighed"),
    ],
)
async def test_a_weight_that_cannot_be_read_is_shown_again(
    http: httpx.AsyncClient,
    mes: PostgresMes,
    petr: Operator,
    headers: dict[str, str],
    typed: dict[str, str],
    code: str,
) -> None:
    place = f"/mes/work-orders/{await on_bench(mes, petr)}/weighing"
    answer = await http.post(place, data=typed, headers=headers)
    assert answer.status_code == 422 and f'data-code="{code}"' in answer.text
    assert all(f'value="{text}"' in answer.text for text in typed.values())


async def test_the_button_that_a_piece_is_made_asks_too(
    http: httpx.AsyncClient, mes: PostgresMes, petr: Operator, headers: dict[str, str]
) -> None:
    place = f"/mes/work-orders/{await on_bench(mes, petr)}"
    asked = await http.post(f"{place}/completion", data={"finished": "20"}, headers=headers | HTMX)
    assert "Yes, it weighs that and is made" in asked.text and 'data-state="CLAIMED"' in asked.text
    assert 'value="20"' in asked.text
    sure = asked.text.split('name="sure" value="')[1].split('"')[0]
    made = await http.post(f"{place}/completion", data={"finished": "20", "sure": sure}, headers=headers | HTMX)
    assert 'data-state="COMPLETED"' in made.text and 'data-finished="20.00"' in made.text
    other = f"/mes/work-orders/{await on_bench(mes, petr)}"
    plain = await http.post(f"{other}/completion", headers=headers)
    assert plain.status_code == 303, "nobody has to weigh"


async def test_losses_are_told_by_operator_and_alloy(
    http: httpx.AsyncClient, people: People, mes: PostgresMes, petr: Operator, headers: dict[str, str]
) -> None:
    for material, cast, finished in (
        ("silver_925", "2.00", "1.90"),
        ("silver_925", "2.10", "2.00"),
        ("gold_585", "2.00", "1.99"),
        ("gold_585", None, None),
    ):
        await _made(http, headers, await on_bench(mes, petr, material=material), cast, finished)
    reworked = await on_bench(mes, petr)
    await _made(http, headers, reworked, "2.00", "1.00")
    await http.post(f"{API}/work-orders/{reworked}/rework", json={"reason": "a hole"}, headers=headers)

    own = (await http.get(f"{API}/losses", headers=headers)).json()
    schemas.MetalLosses.model_validate(own)
    lines = {line["material"]: line for line in own["lines"]}
    assert (lines["silver_925"]["lost_g"], lines["silver_925"]["lost_percent"]) == ("0.20", "4.88")
    assert (lines["silver_925"]["weighed"], lines["silver_925"]["quoted_g"]) == (2, "4.00")
    assert (lines["gold_585"]["weighed"], lines["gold_585"]["unweighed"], lines["gold_585"]["lost_g"]) == (1, 1, "0.01")
    assert len(own["work_orders"]) == 4, "what is on the bench again is not made"
    assert (own["total"]["weighed"], own["total"]["lost_g"]) == (3, "0.21")

    stranger = people.headers("Otto", "operator")
    assert (await http.get(f"{API}/losses", headers=stranger)).json()["lines"] == []
    leader = people.headers("Maria", "seller") | ENGLISH
    everybody = (await http.get(f"{API}/losses", params={"period": "day"}, headers=leader)).json()
    assert petr.name in {line["operator_name"] for line in everybody["lines"]}
    assert (await http.get(f"{API}/losses", headers=people.headers("Anna", "customer"))).status_code == 403

    page = (await http.get("/mes/losses", headers=leader)).text
    assert f'data-operator="{petr.name}"' in page and 'data-lost="0.20" data-percent="4.88"' in page
    mine = (await http.get("/mes/losses?period=week", headers=headers)).text
    assert "My metal losses" in mine and mine.count("data-loss") == 2
    table = (await http.get("/mes/losses.csv", headers=headers)).content.decode("utf-8-sig").splitlines()
    assert len(table) == 5 and table[0].startswith("made_at,operator,material,order,piece,quantity,quoted_g")


async def test_another_period_has_other_losses(
    http: httpx.AsyncClient, mes: PostgresMes, petr: Operator, headers: dict[str, str]
) -> None:
    await _made(http, headers, await on_bench(mes, petr), "2.00", "1.90")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    asked = {"period": "day", "day": yesterday}
    assert (await http.get(f"{API}/losses", params=asked, headers=headers)).json()["lines"] == []
    page = (await http.get("/mes/losses", params=asked, headers=headers)).text
    assert "Nothing was made in this period." in page and 'rel="next"' in page
    for wrong in ({"period": "year"}, {"day": "0001-01-01"}, {"day": "today"}):
        assert (await http.get(f"{API}/losses", params=wrong, headers=headers)).status_code == 422


async def test_what_was_made_in_a_period_is_found_by_an_index(mes: PostgresMes, infrastructure: Infrastructure) -> None:
    _, [work_order_id] = await released(mes)
    await claim(mes, work_order_id, OLGA)
    async with mes.engine.connect() as connection:
        await connection.execute(
            text(
                "INSERT INTO work_order_history (work_order_id, at, state, claim_no, actor)"
                " SELECT :id, CAST(:start AS timestamptz) - n * interval '1 hour', 'COMPLETED', 1, 'Olga'"
                " FROM generate_series(1, 20000) AS n"
            ),
            {"id": work_order_id, "start": START},
        )
        await connection.commit()
    infrastructure.analyze("mes", "work_order_history")
    asked: dict[str, Any] = {"begins": START - timedelta(days=30), "ends": START, "most": 10}
    async with mes.engine.connect() as connection:
        plan = await connection.execute(text(f"EXPLAIN {MADE_BETWEEN}"), asked)
        assert "work_order_history_made" in "\n".join(plan.scalars())


async def _made(
    http: httpx.AsyncClient, headers: dict[str, str], work_order_id: UUID, cast: str | None, finished: str | None
) -> None:
    place = f"{API}/work-orders/{work_order_id}"
    if cast:
        body = {"cast_g": cast, "finished_g": finished, "confirmed": True}
        assert (await http.post(f"{place}/weighings", json=body, headers=headers)).status_code == 200
    assert (await http.post(f"{place}/completion", headers=headers)).status_code == 200
