"""What a preview reads of the database: the open quotes, no others, however many pages they fill."""

from __future__ import annotations

import copy
import json
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import PriceOrder
from system.pricing.adapters.queries import OPEN_QUOTES_AT_ONCE
from system.pricing.tests.integration.conftest import Pricing
from system.pricing.tests.integration.test_price_book import PATH, present, write

pytestmark = pytest.mark.integration

MESH = {
    "volume_mm3": "190.9696", "area_mm2": "381.939", "extents_mm": ["21.35", "21.35", "2"],
    "triangle_count": 1024, "shell_count": 1, "checked": True, "disclosures": [],
}  # fmt: skip
QUOTES = """
    INSERT INTO quote (quote_id, owner_id, status, kind, material, quantity, file_id, mesh_sha256, unit, stones, mesh,
        total_amount, currency, price_book_version, spot_per_g, remade_because, created_at, finished_at, valid_until)
    SELECT gen_random_uuid(), gen_random_uuid(), 'READY', 'custom', :material, 1, gen_random_uuid(), 'm', 'mm', '{}',
        CAST(:mesh AS jsonb), 1000, 'RUB', 1, 105, '{}', now(), now(), now() + CAST(:valid AS interval)
    FROM generate_series(1, :count)
"""


async def alloy_of_our_own(pricing: Pricing) -> str:
    """A material that no other test asks about, of a metal of its own."""
    shown, etag = await present(pricing)
    code = f"alloy_{uuid4().hex[:8]}"
    book = copy.deepcopy(shown["book"])
    book["spot_per_g"][code] = "105.00"
    book["alloys"][code] = book["alloys"]["silver_925"] | {"metal": code}
    assert (await write(pricing, book, etag)).status_code == 200
    return code


async def quotes_in(pricing: Pricing, material: str, *, count: int, valid: str = "1 hour") -> None:
    """Firm quotes as they stand in the table."""
    async with pricing.service.engine.begin() as connection:
        await connection.execute(
            text(QUOTES), {"material": material, "mesh": json.dumps(MESH), "count": count, "valid": valid}
        )


async def previewed(pricing: Pricing, metal: str, price: str) -> dict[str, Any]:
    shown, etag = await present(pricing)
    shown["book"]["spot_per_g"][metal] = price
    answer = await pricing.http.post(
        f"{PATH}/previews",
        json={"book": shown["book"]},
        headers=pricing.token("administrator") | {"if-match": etag},
    )
    assert answer.status_code == 200, answer.text
    assert (await present(pricing))[1] == etag, "nothing is kept"
    seen: dict[str, Any] = answer.json()
    return seen


async def test_every_open_quote_is_counted_once_over_several_pages(pricing: Pricing) -> None:
    material = await alloy_of_our_own(pricing)
    count = 2 * OPEN_QUOTES_AT_ONCE + 7
    await quotes_in(pricing, material, count=count)
    await quotes_in(pricing, material, count=5, valid="-1 second")
    seen = (await previewed(pricing, material, "115.50"))["quotes"]
    tally = seen["by_material"][material]
    assert (tally["count"], tally["up"], tally["remade"]) == (count, count, count)
    assert tally["before"]["amount"] == f"{1000 * count:.2f}"
    assert seen["open"] == seen["recalculated"] and seen["every"] == 1


async def test_a_quote_that_became_an_orders_is_not_open(pricing: Pricing) -> None:
    customer = uuid4()
    asked = [(await pricing.ask(customer, {"sku": "pendant-drop-925"})).json() for _ in range(2)]
    before = (await previewed(pricing, "silver", "120.00"))["quotes"]["by_material"]["silver_925"]["count"]
    line = {"line_id": str(new_id()), "quote_id": asked[0]["quote_id"], "agreed_total": asked[0]["total"]}
    await pricing.receive(PriceOrder.model_validate({"order_id": str(new_id()), "attempt": 1, "lines": [line]}))
    after = (await previewed(pricing, "silver", "120.00"))["quotes"]["by_material"]["silver_925"]["count"]
    assert after == before - 1


async def test_of_very_many_an_even_share_is_read(pricing: Pricing) -> None:
    material = await alloy_of_our_own(pricing)
    await quotes_in(pricing, material, count=900)
    queries = pricing.service.app.state.queries
    now = (await pricing.rows("SELECT now() AS now"))[0].now
    chosen = {step: await read(queries, now, step, material) for step in (1, 3)}
    assert len(chosen[1]) == 900 and chosen[3] < chosen[1] and 200 < len(chosen[3]) < 400
    assert chosen[3] == await read(queries, now, 3, material), "the same each time"


async def read(queries: Any, now: Any, step: int, material: str) -> set[UUID]:
    return {
        quote.quote_id async for quote in queries.open_quotes(now=now, step=step) if quote.asked.material == material
    }


async def test_open_quotes_are_found_by_an_index(pricing: Pricing) -> None:
    async with pricing.service.engine.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        rows = await connection.execute(
            text("EXPLAIN SELECT count(*) FROM quote WHERE status = 'READY' AND valid_until > now()")
        )
        assert "quote_valid" in "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("role", ["customer", "seller", "operator"])
async def test_previews_and_history_are_for_administrators(pricing: Pricing, role: str) -> None:
    headers = pricing.token(role) | {"if-match": '"1"'}
    for answer in (
        await pricing.http.post(f"{PATH}/previews", json={"book": {}}, headers=headers),
        await pricing.http.get(f"{PATH}/versions", headers=headers),
        await pricing.http.get(f"{PATH}/changes?from=1&to=1", headers=headers),
    ):
        assert answer.status_code == 403


async def test_what_differs_between_two_books_is_told(pricing: Pricing) -> None:
    material = await alloy_of_our_own(pricing)
    shown, etag = await present(pricing)
    shown["book"]["spot_per_g"][material] = "108.15"
    answer = await pricing.http.put(
        PATH,
        json={"book": shown["book"], "reason": "the fixing"},
        headers=pricing.token("administrator") | {"if-match": etag},
    )
    assert answer.status_code == 200
    version = answer.json()["version"]
    ada = pricing.token("administrator")
    changes = await pricing.http.get(f"{PATH}/changes?from={version - 1}&to={version}", headers=ada)
    assert changes.json()["items"] == [
        {"path": f"spot_per_g.{material}", "before": "105.00", "after": "108.15", "share": "0.0300"}
    ]
    versions = (await pricing.http.get(f"{PATH}/versions?limit=1", headers=ada)).json()
    assert versions["items"][0]["reason"] == "the fixing"
    gone = await pricing.http.get(f"{PATH}/changes?from=1&to=999999", headers=ada)
    assert gone.status_code == 404
