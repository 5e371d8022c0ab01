"""Rates of pay at the pages and by HTTP; and that a withdrawn one is hidden by the database itself. On PostgreSQL."""

from __future__ import annotations

import html
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import column, insert, select, table, text
from sqlalchemy.exc import IntegrityError

from system.kernel.ids import new_id
from system.mes.adapters import tables
from system.mes.domain.pay import PayRate
from system.mes.entrypoints import schemas
from system.mes.tests.harness import OLEG, claim, released, spec
from system.mes.tests.integration.conftest import PostgresMes
from system.mes.tests.rules_of_rates import ADA, TOMORROW, own_alloy, sets, withdraws
from system.plumbing.schema import audit_log
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
API = "/api/mes/v1/pay-rates"
ENGLISH = {"Accept-Language": "en"}
MOSCOW = ZoneInfo("Europe/Moscow")
# As the release before this one asks for the rates.
OLD = table("pay_rate", *(column(name) for name in ("material", "valid_from", "per_piece", "per_gram", "currency")))


@pytest.fixture
def ada(people: People) -> dict[str, str]:
    return people.headers("Ada", "administrator", user_id=ADA.id) | ENGLISH


def a_rate(material: str, **more: Any) -> dict[str, Any]:
    return {"material": material, "per_piece": "1000", "per_gram": "100.00", "reason": "dearer work"} | more


async def test_the_release_before_this_one_is_shown_no_withdrawn_rate(mes: PostgresMes) -> None:
    kept, gone = own_alloy(), own_alloy()
    for material in (kept, gone):
        await sets(mes, material)
    await withdraws(mes, gone)
    found = await mes.rows(select(OLD).where(OLD.c.material.in_([kept, gone])))
    assert [(row["material"], row["valid_from"]) for row in found] == [(kept, TOMORROW)]


async def test_the_database_withdraws_nothing_that_began_or_never_was(mes: PostgresMes) -> None:
    material = own_alloy()
    await sets(mes, material)
    row = {
        "material": material,
        "valid_from": TOMORROW,
        "per_piece": 1,
        "per_gram": 1,
        "currency": "RUB",
        "withdrawn_by": ADA.id,
        "withdrawn_by_name": "Ada",
        "withdrawn_at": TOMORROW,
        "withdrawn_because": "late",
    }
    for wrong, constraint in (
        ({}, "pay_rate_withdrawal_before_it_begins"),
        ({"material": own_alloy(), "withdrawn_at": TOMORROW - timedelta(days=1)}, "foreign key"),
    ):
        async with mes.engine.connect() as connection:
            with pytest.raises(IntegrityError, match=constraint):
                await connection.execute(insert(tables.pay_rate_withdrawal).values(row | wrong))


async def test_the_moment_of_a_rate_is_taken_even_when_it_is_hidden(mes: PostgresMes) -> None:
    material = own_alloy()
    await sets(mes, material)
    await withdraws(mes, material)
    async with mes.make_uow() as uow:
        [hidden] = [each.rate for each in await uow.pay_rates.withdrawals() if each.rate.material == material]
        assert isinstance(hidden, PayRate)
        with pytest.raises(IntegrityError, match="pay_rate_pkey"):
            await uow.pay_rates.add(hidden)


async def test_the_hiding_does_not_depend_on_who_the_application_is(mes: PostgresMes) -> None:
    async with mes.engine.connect() as connection:
        secured = await connection.execute(text("SELECT relrowsecurity FROM pg_class WHERE relname = 'pay_rate'"))
        owns = await connection.execute(
            text("SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'pay_rate'")
        )
        assert (secured.scalar_one(), owns.scalar_one()) == (True, False)


async def test_a_rate_is_planned_shown_and_withdrawn_over_http(
    http: httpx.AsyncClient, ada: dict[str, str], mes: PostgresMes
) -> None:
    material = own_alloy()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    made = await http.post(API, json=a_rate(material, valid_from=tomorrow.isoformat()), headers=ada)
    schemas.PayRateView.model_validate(made.json())
    assert (made.status_code, made.json()["set_by"], made.json()["reason"]) == (201, "Ada", "dearer work")

    shown = (await http.get(API, headers=ada)).json()
    schemas.PayRates.model_validate(shown)
    assert [rate["example"]["amount"] for rate in shown["planned"] if rate["material"] == material] == ["1300.00"]
    assert material in shown["materials"] and shown["materials"][0] == "*"

    why = {"material": material, "valid_from": made.json()["valid_from"], "reason": "a slip"}
    gone = await http.post(f"{API}/withdrawal", json=why, headers=ada)
    schemas.PayRateWithdrawn.model_validate(gone.json())
    again = await http.post(f"{API}/withdrawal", json=why, headers=ada)
    assert (gone.status_code, again.status_code, again.json()["code"]) == (200, 404, "pay-rate-not-found")
    after = (await http.get(API, headers=ada)).json()
    assert after["version"] == shown["version"] + 1
    assert [rate["withdrawn_because"] for rate in after["withdrawn"] if rate["material"] == material] == ["a slip"]

    written = await mes.rows(select(audit_log).where(audit_log.c.subject == material).order_by(audit_log.c.id))
    assert [row["action"] for row in written] == ["set_pay_rate", "withdraw_pay_rate"]
    assert (written[0]["actor"], written[1]["details"]["because"]) == (f"Ada ({ADA.id})", "a slip")


async def test_a_rate_set_at_once_pays_the_next_claim(
    http: httpx.AsyncClient, ada: dict[str, str], oleg: dict[str, str], mes: PostgresMes
) -> None:
    material = own_alloy()
    _, [before, after] = await released(mes, spec(material=material), spec(material=material))
    await http.post(f"/api/mes/v1/work-orders/{before}/claim", headers=oleg)
    assert (await http.post(API, json=a_rate(material), headers=ada)).status_code == 201
    await http.post(f"/api/mes/v1/work-orders/{after}/claim", headers=oleg)
    amounts = [str(entry.amount.amount) for one in (before, after) for entry in await mes.ledger(one)]
    assert amounts == ["680.00", "1200.00"]


async def test_what_a_rate_means_is_told_before_it_is_set(
    http: httpx.AsyncClient, ada: dict[str, str], mes: PostgresMes
) -> None:
    material = own_alloy()
    _, [_, _, taken] = await released(mes, spec(material=material), spec(material=material, quantity=2), spec())
    await claim(mes, taken, OLEG)
    asked = {"material": material, "per_piece": "1000", "per_gram": "100"}
    told = (await http.get(f"{API}/meaning", params=asked, headers=ada)).json()
    schemas.PayRateMeaning.model_validate(told)
    assert told["example"] == {
        "weight_g": "3.00",
        "before": {"amount": "720.00", "currency": "RUB"},
        "after": {"amount": "1300.00", "currency": "RUB"},
        "change_percent": "80.6",
    }
    # Three pieces of two grams: by the rate of any material, and by the new one.
    assert (told["board"]["work_orders"], told["board"]["before"]["amount"], told["board"]["after"]["amount"]) == (
        2,
        "2040.00",
        "3600.00",
    )
    assert not [rate for rate in (await http.get(API, headers=ada)).json()["in_force"] if rate["material"] == material]


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_piece": "-1"},
        {"per_gram": "1.005"},
        {"per_piece": "0", "per_gram": "0"},
        {"reason": " "},
        {"material": "Gold"},
        {"valid_from": "2020-01-01T00:00:00Z"},
        {"valid_from": "2090-01-01T00:00:00Z"},
        {"valid_from": "2030-12-01T08:00:00"},
    ],
)
async def test_a_rate_that_cannot_be_meant_is_refused(
    http: httpx.AsyncClient, ada: dict[str, str], wrong: dict[str, str]
) -> None:
    answer = await http.post(API, json=a_rate(own_alloy()) | wrong, headers=ada)
    assert answer.status_code == 422, answer.text


async def test_rates_are_for_administrators(http: httpx.AsyncClient, people: People) -> None:
    for role in ("operator", "seller", "customer"):
        headers = people.headers("Otto", role)
        for place in (API, "/mes/rates", "/mes/rates/new"):
            assert (await http.get(place, headers=headers)).status_code == 403
        for place in (API, f"{API}/withdrawal", "/mes/rates", "/mes/rates/withdrawal"):
            assert (await http.post(place, headers=headers)).status_code == 403


def wish(material: str, **more: str) -> dict[str, str]:
    return {
        "material": material,
        "per_piece": "1 000,50",
        "per_gram": "100",
        "valid_from": "",
        "reason": "dearer",
    } | more


async def test_a_rate_is_looked_at_confirmed_and_withdrawn_at_the_pages(
    http: httpx.AsyncClient, ada: dict[str, str], mes: PostgresMes
) -> None:
    material = own_alloy()
    await released(mes, spec(material=material))
    begins = (datetime.now(MOSCOW) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
    typed = wish(material, valid_from=begins)
    looked = await http.get("/mes/rates/new", params=typed, headers=ada)
    assert looked.status_code == 200 and "Nothing is set yet" in looked.text and "RUB 1,300.50" in looked.text
    version = looked.text.split('name="version" value="')[1].split('"')[0]
    assert not await mes.rows(select(tables.pay_rate).where(tables.pay_rate.c.material == material))

    done = await http.post("/mes/rates", data=typed | {"version": version}, headers=ada)
    assert (done.status_code, done.headers["location"]) == (303, "/mes/rates")
    page = (await http.get("/mes/rates", headers=ada)).text
    assert f'data-rate="planned" data-material="{material}"' in page and "dearer" in page

    late = await http.post("/mes/rates", data=wish(material) | {"version": version}, headers=ada)
    assert late.status_code == 412 and 'data-code="pay-rates-changed"' in late.text
    assert "Nothing is set yet" in late.text and f'name="version" value="{int(version) + 1}"' in late.text

    [row] = await mes.rows(select(tables.pay_rate).where(tables.pay_rate.c.material == material))
    taken = {"material": material, "valid_from": row["valid_from"].isoformat(), "reason": "a slip"}
    assert (await http.post("/mes/rates/withdrawal", data=taken, headers=ada)).status_code == 303
    page = (await http.get("/mes/rates", headers=ada)).text
    assert f'data-rate="withdrawn" data-material="{material}"' in page and "a slip" in page
    again = await http.post("/mes/rates/withdrawal", data=taken, headers=ada)
    assert again.status_code == 404 and 'data-code="pay-rate-not-found"' in again.text


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"per_piece": "a lot"}, "number-unreadable"),
        ({"per_gram": "1.005"}, "number-too-exact"),
        ({"per_piece": "0", "per_gram": "0"}, "pay-rate-pays-nothing"),
        ({"valid_from": "2020-01-01T00:00"}, "pay-rate-in-the-past"),
        ({"valid_from": "2090-01-01T00:00"}, "pay-rate-too-far-ahead"),
        ({"valid_from": "tomorrow"}, "moment-unreadable"),
        ({"reason": ""}, "reason-missing"),
        ({"material": ""}, "material-unchosen"),
    ],
)
async def test_what_was_typed_is_kept_when_it_cannot_be_understood(
    http: httpx.AsyncClient, ada: dict[str, str], wrong: dict[str, str], code: str
) -> None:
    typed = wish(own_alloy(), reason='a "good" one') | wrong
    for answer in (
        await http.get("/mes/rates/new", params=typed, headers=ada),
        await http.post("/mes/rates", data=typed, headers=ada),
    ):
        assert answer.status_code == 422 and f'data-code="{code}"' in answer.text
        for name in ("per_piece", "per_gram", "valid_from", "reason"):
            assert f'value="{html.escape(typed[name]).replace("&quot;", "&#34;")}"' in answer.text
        assert not typed["material"] or f'value="{typed["material"]}" selected' in answer.text


async def test_a_look_can_be_changed_and_an_unknown_number_of_the_form_is_no_fault(
    http: httpx.AsyncClient, ada: dict[str, str]
) -> None:
    typed = wish(f"alloy_{new_id().hex[-12:]}")
    changed = await http.get("/mes/rates/new", params=typed | {"change": "yes"}, headers=ada)
    assert (
        changed.status_code == 200 and 'value="1 000,50"' in changed.text and "Nothing is set yet" not in changed.text
    )
    empty = await http.get("/mes/rates/new", headers=ada)
    assert empty.status_code == 422
