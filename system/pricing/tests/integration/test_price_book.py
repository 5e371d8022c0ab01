"""The price book over HTTP: read by all where it concerns them, changed by administrators, kept for ever."""

from __future__ import annotations

import asyncio
import copy
from typing import Any
from uuid import uuid4

import pytest

from system.pricing.tests.integration.conftest import Pricing

pytestmark = pytest.mark.integration
PATH = "/api/pricing/v1/price-book"


async def present(pricing: Pricing) -> tuple[dict[str, Any], str]:
    answer = await pricing.http.get(PATH, headers=pricing.token("administrator"))
    assert answer.status_code == 200
    return answer.json(), answer.headers["etag"]


async def write(pricing: Pricing, book: dict[str, Any], etag: str | None, role: str = "administrator") -> Any:
    headers = pricing.token(role) | ({"if-match": etag} if etag else {})
    return await pricing.http.put(PATH, json={"book": book}, headers=headers)


async def test_new_alloy_appears_without_a_release(pricing: Pricing) -> None:
    shown, etag = await present(pricing)
    book = copy.deepcopy(shown["book"])
    code = f"gold_375_{uuid4().hex[:6]}"
    book["alloys"][code] = book["alloys"]["gold_585"] | {"fineness": "0.375", "density_g_cm3": "11.5"}
    answer = await write(pricing, book, etag)
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{shown["version"] + 1}"'
    materials = (await pricing.http.get("/api/pricing/v1/materials")).json()
    assert code in {material["code"] for material in materials["items"]}
    audited = await pricing.rows(
        "SELECT details FROM audit_log WHERE subject = :s", s=f"price book {shown['version'] + 1}"
    )
    assert audited[0].details["replaces"] == shown["version"]
    earlier = await pricing.http.get(f"{PATH}?version={shown['version']}", headers=pricing.token("administrator"))
    assert earlier.json() == shown


async def test_change_names_the_version_it_was_made_from(pricing: Pricing) -> None:
    shown, etag = await present(pricing)
    assert (await write(pricing, shown["book"], None)).status_code == 428
    assert (await write(pricing, shown["book"], '"999999"')).status_code == 412
    assert (await write(pricing, shown["book"], "latest")).status_code == 422
    assert (await present(pricing))[1] == etag


async def test_of_two_administrators_at_once_one_wins(pricing: Pricing) -> None:
    shown, etag = await present(pricing)
    answers = await asyncio.gather(*(write(pricing, shown["book"], etag) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    assert (await present(pricing))[0]["version"] == shown["version"] + 1


async def test_unusable_book_is_refused(pricing: Pricing) -> None:
    shown, etag = await present(pricing)
    broken = copy.deepcopy(shown["book"])
    broken["rates"]["margin"] = "1"
    answer = await write(pricing, broken, etag)
    assert (answer.status_code, answer.json()["code"], answer.json()["path"]) == (
        422, "price-book-invalid", "rates.margin",
    )  # fmt: skip


@pytest.mark.parametrize("role", ["customer", "seller", "operator"])
async def test_only_administrators_see_and_change_it(pricing: Pricing, role: str) -> None:
    shown, etag = await present(pricing)
    assert (await pricing.http.get(PATH, headers=pricing.token(role))).status_code == 403
    assert (await write(pricing, shown["book"], etag, role)).status_code == 403


async def test_earlier_versions_cannot_be_rewritten(pricing: Pricing) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await pricing.rows("UPDATE price_book SET made_by = 'nobody' RETURNING 1")


async def test_the_first_book_learned_the_prices_of_later_goods_and_kept_its_own(pricing: Pricing) -> None:
    [row] = await pricing.rows("SELECT book -> 'catalogue' AS catalogue FROM price_book WHERE version = 1")
    catalogue = row.catalogue
    assert len(catalogue) == 40
    assert catalogue["ring-pave-925"] == {"price": "5900.00", "material": "silver_925"}
    assert catalogue["ring-classic-585"] == {"price": "10450.00", "material": "gold_585"}


async def test_services_ask_for_quotes_and_prices(pricing: Pricing) -> None:
    anna = uuid4()
    shop = pricing.service_token("shop", acting_for=anna)
    key = {"idempotency-key": str(uuid4())}
    made = await pricing.http.post("/internal/quotes", json={"sku": "ring-band-750"}, headers=shop | key)
    assert (made.status_code, made.json()["owner_id"]) == (200, str(anna))
    found = await pricing.http.post(
        "/internal/quotes/lookup", json={"quote_ids": [str(uuid4()), made.json()["quote_id"]]}, headers=shop
    )
    assert [quote["quote_id"] for quote in found.json()["items"]] == [made.json()["quote_id"]]
    prices = await pricing.http.post(
        "/internal/catalogue-prices", json={"skus": ["ring-classic-585", "gone"]}, headers=shop
    )
    assert prices.json() == {"prices": {"ring-classic-585": {"amount": "10450.00", "currency": "RUB"}}}
    stranger = await pricing.http.post(
        "/internal/catalogue-prices", json={"skus": []}, headers=pricing.token("administrator")
    )
    assert stranger.status_code == 403
