"""The prices that a person asked for, as the shop's page of them asks."""

from __future__ import annotations

from uuid import uuid4

import pytest

from system.pricing.tests.integration.conftest import Pricing

pytestmark = pytest.mark.integration
RING = {"sku": "pendant-drop-925", "quantity": 1}


async def test_a_person_has_their_own_prices_page_by_page(working: Pricing) -> None:
    anna, boris = uuid4(), uuid4()
    file_id = str(working.storage.upload(working.fresh_model(), anna))
    asked: list[str] = []
    for material in ("gold_585", "gold_750", "silver_925", "platinum_950", "gold_585"):
        answer = await working.ask(anna, {"file_id": file_id, "material": material, "quantity": len(asked) + 1})
        asked.append((await working.finished(answer.json()["quote_id"], anna))["quote_id"])
    await working.ask(anna, RING)
    await working.ask(boris, RING)
    shop, seen, after = working.service_token("shop"), [], None

    while True:
        wanted = {"kind": "custom", "limit": "2"} | ({"after": after} if after else {})
        page = (await working.http.get(f"/internal/people/{anna}/quotes", params=wanted, headers=shop)).json()
        seen += page["items"]
        after = page["next"]
        if after is None:
            break

    assert [quote["quote_id"] for quote in seen] == asked[::-1]
    assert {quote["status"] for quote in seen} == {"READY"} and "breakdown" not in seen[0]
    every = (await working.http.get(f"/internal/people/{anna}/quotes", headers=shop)).json()["items"]
    assert len(every) == 6 and {quote["owner_id"] for quote in every} == {str(anna)}


async def test_only_the_shop_may_ask_and_only_with_our_own_cursors(pricing: Pricing) -> None:
    place = f"/internal/people/{uuid4()}/quotes"
    assert (await pricing.http.get(place, headers=pricing.service_token("crm"))).status_code == 403
    assert (await pricing.http.get(place, headers=pricing.token("customer"))).status_code == 403
    wrong = await pricing.http.get(place, headers=pricing.service_token("shop"), params={"after": "nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor-invalid")
