"""One's own quotes page by page; all that is kept of a person, told and deleted; on a real database."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Select, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as numbered_parameters
from sqlalchemy.exc import IntegrityError

from system.kernel.ids import new_id
from system.pricing.adapters.own_quotes import OpenAt, page_statement
from system.pricing.domain.quote import QuoteStatus
from system.pricing.tests.integration.conftest import Pricing, eventually, running_worker
from system.pricing.tests.integration.test_price_order import price_order

pytestmark = pytest.mark.integration
LIST = "/api/pricing/v1/quotes"
RING = {"sku": "ring-classic-585", "quantity": 1, "ring_size": "17.5"}
GOLD = {"material": "gold_585", "quantity": 1}
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ONLY = OpenAt(NOW, timedelta(days=1))
PLACE = (NOW, uuid4())


async def own(pricing: Pricing, customer: UUID, query: str = "", role: str = "customer") -> dict[str, Any]:
    answer = await pricing.http.get(f"{LIST}{query}", headers=pricing.token(role, subject=customer))
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def rings(pricing: Pricing, customer: UUID, count: int) -> list[str]:
    """So many quotes of a ready-made ring, the newest first."""
    return [(await pricing.ask(customer, RING)).json()["quote_id"] for _ in range(count)][::-1]


async def test_own_quotes_come_page_by_page_the_newest_first(pricing: Pricing) -> None:
    anna, boris = uuid4(), uuid4()
    made = await rings(pricing, anna, 5)
    await rings(pricing, boris, 2)
    seen: list[str] = []
    page = await own(pricing, anna, "?limit=2")
    while True:
        seen += [item["quote_id"] for item in page["items"]]
        if page["next"] is None:
            break
        page = await own(pricing, anna, f"?limit=2&after={page['next']}")
    assert seen == made
    first = (await own(pricing, anna, role="partner"))["items"][0]
    assert (first["status"], first["sku"], first["material"]) == ("READY", "ring-classic-585", "gold_585")
    assert first["total"]["currency"] == "RUB" and first["valid_until"] is not None
    assert await own(pricing, uuid4()) == {"items": [], "next": None}


async def test_open_are_those_that_are_calculated_or_still_valid(pricing: Pricing) -> None:
    anna = uuid4()
    (valid,) = await rings(pricing, anna, 1)
    asked = await pricing.ask(anna, {"file_id": str(pricing.storage.upload(pricing.fresh_model(), anna)), **GOLD})
    waiting = asked.json()["quote_id"]
    async with pricing.service.make_uow() as uow:
        quote = await uow.quotes.find(UUID(valid))
        await uow.quotes.add(replace(quote, quote_id=new_id(), valid_until=uow.now - timedelta(seconds=1)))
        await uow.commit()
    assert [item["quote_id"] for item in (await own(pricing, anna, "?state=open"))["items"]] == [waiting, valid]
    assert len((await own(pricing, anna))["items"]) == 3


@pytest.mark.parametrize("query", ["?after=zzz", "?after=WzEsMl0", "?limit=0", "?limit=101", "?state=closed"])
async def test_a_list_that_makes_no_sense_is_refused(pricing: Pricing, query: str) -> None:
    answer = await pricing.http.get(f"{LIST}{query}", headers=pricing.token("customer"))
    assert answer.status_code == 422


async def test_own_quotes_are_for_customers_and_partners(pricing: Pricing) -> None:
    assert (await pricing.http.get(LIST, headers=pricing.token("operator"))).status_code == 403
    assert (await pricing.http.get(LIST)).status_code == 401


@pytest.mark.parametrize(
    "statement",
    [
        page_statement(uuid4(), limit=20),
        page_statement(uuid4(), limit=20, before=PLACE),
        page_statement(uuid4(), limit=20, only=ONLY),
        page_statement(uuid4(), limit=20, before=PLACE, only=ONLY),
    ],
)
async def test_a_page_is_read_from_its_index_in_order(pricing: Pricing, statement: Select[Any]) -> None:
    """One statement a page, whatever is shown, from the index of the owner's quotes alone; nothing is sorted."""
    async with pricing.service.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        await connection.execute(text("SET LOCAL enable_sort = off"))
        compiled = statement.compile(dialect=numbered_parameters())  # type: ignore[no-untyped-call]
        rows = await connection.exec_driver_sql(f"EXPLAIN (GENERIC_PLAN) {compiled}")
        plan = "\n".join(row[0] for row in rows)
    assert "quote_of_owner" in plan
    assert "Sort" not in plan and "Seq Scan" not in plan


# -- all that is kept of a person ----------------------------------------------------------------------------------------


def people(person: UUID, what: str) -> str:
    return f"/internal/people/{person}/{what}"


async def erased(pricing: Pricing, person: UUID) -> dict[str, Any]:
    answer = await pricing.http.post(people(person, "erasure"), headers=pricing.service_token("identity"))
    assert answer.status_code == 200, answer.text
    counts: dict[str, Any] = answer.json()
    return counts


async def test_everything_of_a_person_is_told(pricing: Pricing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("system.pricing.adapters.own_quotes.ALL_AT_ONCE", 2)
    anna = uuid4()
    made = await rings(pricing, anna, 5)
    answer = await pricing.http.get(people(anna, "data"), headers=pricing.service_token("identity"))
    told = answer.json()
    assert [quote["quote_id"] for quote in told["quotes"]] == made and told["quote_count"] == 5
    assert {quote["owner_id"] for quote in told["quotes"]} == {str(anna)}
    nobody = await pricing.http.get(people(uuid4(), "data"), headers=pricing.service_token("identity"))
    assert nobody.json() == {"quotes": [], "quote_count": 0}


async def test_what_no_order_uses_is_deleted_and_the_accounting_stays(pricing: Pricing) -> None:
    anna, boris = uuid4(), uuid4()
    ordered, loose = await rings(pricing, anna, 2)
    await rings(pricing, boris, 1)
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    waiting = (await pricing.ask(anna, {"file_id": str(file_id), **GOLD})).json()["quote_id"]
    await pricing.receive(price_order(ordered))
    assert await erased(pricing, anna) == {"quotes_deleted": 2, "quotes_kept": 1, "answers_forgotten": 3}
    assert await erased(pricing, anna) == {"quotes_deleted": 0, "quotes_kept": 1, "answers_forgotten": 0}
    left = await pricing.rows("SELECT quote_id::text AS id FROM quote WHERE owner_id = :owner", owner=anna)
    assert [row.id for row in left] == [ordered]
    calculations = await pricing.rows("SELECT 1 FROM calculation WHERE quote_id = :id", id=waiting)
    answers = await pricing.rows("SELECT 1 FROM idempotency_key WHERE scope LIKE :scope", scope=f"%{anna}%")
    assert calculations == answers == []
    assert len((await own(pricing, boris))["items"]) == 1
    audits = await pricing.rows("SELECT 1 FROM audit_log WHERE subject = :subject", subject=f"person {anna}")
    assert len(audits) == 1, "what changes nothing is not written down"
    assert loose not in str(left)


async def test_a_quote_made_in_place_of_another_stays_with_its_order(pricing: Pricing) -> None:
    anna = uuid4()
    (ordered,) = await rings(pricing, anna, 1)
    async with pricing.service.make_uow() as uow:
        quote = await uow.quotes.find(UUID(ordered))
        await uow.quotes.add(replace(quote, quote_id=new_id(), replaces=quote.quote_id, remade_because=("expired",)))
        await uow.commit()
    await pricing.receive(price_order(ordered))
    assert (await erased(pricing, anna))["quotes_kept"] == 2


async def test_a_worker_whose_quote_was_deleted_has_nothing_left_to_do(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    quote_id = (await pricing.ask(anna, {"file_id": str(file_id), **GOLD})).json()["quote_id"]
    async with running_worker(pricing.settings):

        async def is_at_it() -> bool:
            return file_id in pricing.storage.asked

        await eventually(is_at_it)
        assert (await erased(pricing, anna))["quotes_deleted"] == 1
        pricing.storage.pause.set()
        boris = uuid4()
        other = pricing.storage.upload(pricing.fresh_model(), boris)
        asked = (await pricing.ask(boris, {"file_id": str(other), **GOLD})).json()["quote_id"]
        assert (await pricing.finished(asked, boris))["status"] == QuoteStatus.READY
    assert await pricing.rows("SELECT 1 FROM quote WHERE quote_id = :id", id=quote_id) == []


async def by_hand(pricing: Pricing, statement: str, quote_id: str, *, naming: UUID | None) -> None:
    """Somebody with a console, who names a person whose data goes, or nobody."""
    async with pricing.service.engine.begin() as connection:
        if naming is not None:
            named = {"person": str(naming)}
            await connection.execute(text("SELECT set_config('alexandrite.erased_person', :person, true)"), named)
        await connection.execute(text(statement), {"id": quote_id})


DELETE = "DELETE FROM quote WHERE quote_id = :id"


@pytest.mark.parametrize("naming", [None, uuid4()])
async def test_the_database_lets_nobody_delete_a_final_quote_of_whom_they_did_not_name(
    pricing: Pricing, naming: UUID | None
) -> None:
    (quote_id,) = await rings(pricing, uuid4(), 1)
    with pytest.raises(IntegrityError):
        await by_hand(pricing, DELETE, quote_id, naming=naming)


@pytest.mark.parametrize("statement", [DELETE, "UPDATE quote SET owner_id = gen_random_uuid() WHERE quote_id = :id"])
async def test_the_database_keeps_what_an_order_uses_whoever_is_named(pricing: Pricing, statement: str) -> None:
    anna = uuid4()
    (quote_id,) = await rings(pricing, anna, 1)
    await pricing.receive(price_order(quote_id))
    with pytest.raises(IntegrityError):
        await by_hand(pricing, statement, quote_id, naming=anna)


@pytest.mark.parametrize("caller", ["shop", "crm"])
async def test_only_identity_asks_for_all_of_a_person(pricing: Pricing, caller: str) -> None:
    headers = pricing.service_token(caller)
    assert (await pricing.http.get(people(uuid4(), "data"), headers=headers)).status_code == 403
    assert (await pricing.http.post(people(uuid4(), "erasure"), headers=headers)).status_code == 403
