"""Options of a quote, its cancelling, and what is kept of both, on a real database."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from system.pricing.adapters.queries import quotes_by_book_statement
from system.pricing.domain.stages import Stage, Step
from system.pricing.tests.integration.conftest import Pricing, eventually, running_worker
from system.pricing.tests.integration.test_own_quotes import by_hand, erased
from system.pricing.tests.integration.test_price_order import price_order

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}
RICH: dict[str, Any] = {
    "stones": {"diamond_1_3mm": 2},
    "plating": "rhodium",
    "engraving": {"text": " Anna + Б ", "height_mm": "1.5"},
}


async def asked(pricing: Pricing, customer: UUID, model: bytes | None = None, **more: Any) -> dict[str, Any]:
    """A quote for a model of the customer's; a new one unless `model` says which."""
    file_id = pricing.storage.upload(model or pricing.fresh_model(), customer)
    answer = await pricing.ask(customer, {"file_id": str(file_id), **GOLD, **more})
    assert answer.status_code in (200, 202), answer.text
    quote: dict[str, Any] = answer.json()
    return quote


async def cancelled(pricing: Pricing, quote_id: str, who: UUID, role: str = "customer") -> httpx.Response:
    address = f"/api/pricing/v1/quotes/{quote_id}"
    return await pricing.http.delete(address, headers=pricing.token(role, subject=who))


@contextmanager
def counted(pricing: Pricing) -> Iterator[list[str]]:
    """The statements that pricing sends meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(pricing.service.engine.sync_engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(pricing.service.engine.sync_engine, "before_cursor_execute", note)


async def test_options_are_priced_and_kept(working: Pricing) -> None:
    anna, model = uuid4(), working.fresh_model()
    plain = await working.finished((await asked(working, anna, model))["quote_id"], anna)
    rich = await working.finished((await asked(working, anna, model, **RICH))["quote_id"], anna)
    assert rich["engraving"] == {"text": "Anna + Б", "height_mm": "1.5", "characters": 6}
    assert (rich["stones"], rich["plating"]) == (RICH["stones"], "rhodium")
    assert rich["breakdown"]["per_piece"]["engraving"] == "540.00"
    assert "engraving" not in plain["breakdown"]["per_piece"]
    assert plain["price_book_version"] == rich["price_book_version"]


async def test_what_cannot_be_engraved_is_refused(pricing: Pricing) -> None:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    wish = {"file_id": str(file_id), **GOLD, "engraving": {"text": "山 A", "height_mm": "2"}}
    answer = await pricing.ask(anna, wish)
    assert (answer.status_code, answer.json()["code"], answer.json()["refused"]) == (422, "engraving-characters", "山")
    good = await pricing.ask(anna, {"sku": "ring-classic-585", "engraving": {"text": "A", "height_mm": "2"}})
    assert good.json()["code"] == "extras-not-for-ready-made"


async def test_the_same_mesh_again_is_answered_at_once_with_few_statements(working: Pricing) -> None:
    anna, model = uuid4(), working.fresh_model()
    await working.finished((await asked(working, anna, model))["quote_id"], anna)
    with counted(working) as sent:
        again = await asked(working, anna, model, **RICH)
    assert again["status"] == "READY"
    assert await working.rows("SELECT 1 FROM calculation WHERE quote_id = :id", id=UUID(again["quote_id"])) == []
    # Seen before, the book, what is known of the mesh, the quote, the answer: and what opens and closes the transaction.
    assert len(sent) <= 8, sent


# -- a calculation is stopped ----------------------------------------------------------------------------------------------


async def test_a_calculation_that_runs_is_stopped_within_moments(pricing: Pricing) -> None:
    anna, boris = uuid4(), uuid4()
    pricing.storage.pause = asyncio.Event()
    quote = await asked(pricing, anna)
    async with running_worker(pricing.settings):

        async def is_at_it() -> bool:
            return UUID(quote["file_id"]) in pricing.storage.asked

        await eventually(is_at_it)
        first = (await cancelled(pricing, quote["quote_id"], anna)).json()
        assert (first["status"], first["problem"]["code"]) == ("FAILED", "cancelled")

        async def is_over() -> bool:
            doing = "SELECT 1 FROM procrastinate_jobs WHERE status = 'doing' AND args ->> 'quote_id' = :id"
            return not await pricing.rows(doing, id=quote["quote_id"])

        async with asyncio.timeout(5):
            await eventually(is_over)
        pricing.storage.pause.set()
        other = await asked(pricing, boris)
        assert (await pricing.finished(other["quote_id"], boris))["status"] == "READY"
    assert (await cancelled(pricing, quote["quote_id"], anna)).json() == first
    analyses = "SELECT 1 FROM mesh_analysis WHERE mesh_sha256 = (SELECT mesh_sha256 FROM quote WHERE quote_id = :id)"
    assert await pricing.rows(analyses, id=UUID(quote["quote_id"])) == []


async def test_what_only_waits_is_cancelled_and_never_begun(pricing: Pricing) -> None:
    anna = uuid4()
    quote = await asked(pricing, anna)
    assert (await cancelled(pricing, quote["quote_id"], uuid4())).status_code == 404
    assert (await cancelled(pricing, quote["quote_id"], anna)).status_code == 200
    async with running_worker(pricing.settings):
        later = await asked(pricing, anna)
        await pricing.finished(later["quote_id"], anna)
    assert UUID(quote["file_id"]) not in pricing.storage.asked[1:]
    assert (await pricing.quote(quote["quote_id"], anna))["problem"]["code"] == "cancelled"


async def test_what_is_calculated_or_ordered_is_not_cancelled(pricing: Pricing) -> None:
    anna = uuid4()
    ready = (await pricing.ask(anna, {"sku": "ring-classic-585"})).json()
    refused = await cancelled(pricing, ready["quote_id"], anna)
    assert (refused.status_code, refused.json()["code"]) == (409, "quote-final")
    waiting = await asked(pricing, anna)
    await pricing.receive(price_order(waiting["quote_id"]))
    refused = await cancelled(pricing, waiting["quote_id"], anna)
    assert (refused.status_code, refused.json()["code"]) == (409, "quote-in-order")
    assert (await pricing.quote(waiting["quote_id"], anna))["status"] == "QUEUED"


# -- what is told meanwhile ------------------------------------------------------------------------------------------------


async def test_a_worker_says_at_which_stage_it_is(pricing: Pricing) -> None:
    anna = uuid4()
    quote_id = (await asked(pricing, anna))["quote_id"]
    await pricing.rows("SELECT 1")
    async with pricing.service.make_uow() as uow:
        quote = await uow.quotes.find(UUID(quote_id))
        await uow.quotes.save_unfinished(quote.started())
        await uow.jobs.started(quote.quote_id, at=uow.now)
        await uow.jobs.stands(quote.quote_id, Step(Stage.THICKNESS, 1_000_000), at=uow.now)
        await uow.commit()
    async with pricing.service.engine.begin() as connection:
        begun = "UPDATE procrastinate_jobs SET status = 'doing' WHERE args ->> 'quote_id' = :id"
        await connection.execute(text(begun), {"id": quote_id})
    told = (await pricing.quote(quote_id, anna))["progress"]
    assert told["stage"] == "thickness" and told["percent"] >= 91


# -- whose words they are --------------------------------------------------------------------------------------------------


async def test_words_leave_with_their_person_and_the_price_stays(working: Pricing) -> None:
    anna = uuid4()
    quote = await working.finished((await asked(working, anna, **RICH))["quote_id"], anna)
    await working.receive(price_order(quote["quote_id"]))
    told = await erased(working, anna)
    assert (told["quotes_kept"], told["engravings_forgotten"]) == (1, 1)
    [kept] = await working.rows(
        "SELECT engraving, total_amount, to_jsonb(quote)::text AS everything FROM quote WHERE quote_id = :id",
        id=UUID(quote["quote_id"]),
    )
    assert kept.engraving == {"height_mm": "1.5", "characters": 6}
    assert f"{kept.total_amount:.2f}" == quote["total"]["amount"]
    assert "Anna" not in kept.everything
    assert "engravings_forgotten" not in await erased(working, anna)


@pytest.mark.parametrize(
    ("change", "names_owner"),
    [
        pytest.param("engraving = engraving - 'text'", False, id="by-nobody"),
        pytest.param('engraving = engraving || \'{"text": "B"}\'', True, id="another-text"),
        pytest.param("engraving = NULL", True, id="all-of-it"),
        pytest.param("engraving = engraving - 'text', total_amount = 1", True, id="and-the-price"),
    ],
)
async def test_the_database_lets_words_out_of_a_final_quote_and_changes_nothing_else(
    working: Pricing, change: str, names_owner: bool
) -> None:
    anna = uuid4()
    quote = await working.finished((await asked(working, anna, **RICH))["quote_id"], anna)
    statement = f"UPDATE quote SET {change} WHERE quote_id = :id"  # noqa: S608 - each change stands above
    with pytest.raises(IntegrityError):
        await by_hand(working, statement, quote["quote_id"], naming=anna if names_owner else None)


# -- the book --------------------------------------------------------------------------------------------------------------


async def test_the_list_of_books_says_how_many_quotes_used_each(pricing: Pricing) -> None:
    headers = pricing.token("administrator")

    async def used() -> dict[int, int]:
        answer = await pricing.http.get("/api/pricing/v1/price-book/versions", headers=headers)
        return {item["version"]: item["quote_count"] for item in answer.json()["items"]}

    before = await used()
    newest = max(before)
    made = [(await pricing.ask(uuid4(), {"sku": "ring-classic-585"})).json() for _ in range(2)]
    assert {quote["price_book_version"] for quote in made} == {newest}
    assert (await used())[newest] == before[newest] + 2
    page = await pricing.http.get("/prices/versions", headers=headers)
    assert f'data-quotes="{before[newest] + 2}"' in page.text


async def test_quotes_of_a_book_are_counted_in_its_index(pricing: Pricing) -> None:
    statement = quotes_by_book_statement([999]).compile(compile_kwargs={"literal_binds": True})
    async with pricing.service.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = " ".join((await connection.execute(text(f"EXPLAIN {statement}"))).scalars())
    assert "quote_price_book" in plan
