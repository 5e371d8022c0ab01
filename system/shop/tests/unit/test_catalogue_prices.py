"""The catalogue's prices: fresh for a while, clearly unknown when pricing is away, and never a reason to fail."""

from __future__ import annotations

import asyncio

import pytest

from system.kernel.money import Money
from system.shop.adapters.catalogue_prices import CataloguePrices
from system.shop.tests.bench import rub
from system.shop.tests.fakes import FakePricing

SKUS = ("pendant-drop-925", "ring-classic-585")


class Watch:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def pricing() -> FakePricing:
    return FakePricing()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def prices(pricing: FakePricing, watch: Watch) -> CataloguePrices:
    return CataloguePrices(pricing, kept_s=5, rest_s=1, patience_s=0.05, clock=watch)


async def test_prices_are_asked_once_while_they_are_fresh(prices: CataloguePrices, pricing: FakePricing) -> None:
    assert (await prices.of(SKUS))["pendant-drop-925"] == rub("4200.00")
    await prices.of(SKUS)
    await prices.of(SKUS[:1])
    assert pricing.calls == 1


async def test_a_new_price_shows_once_the_old_one_is_stale(
    prices: CataloguePrices, pricing: FakePricing, watch: Watch
) -> None:
    await prices.of(SKUS)
    pricing.prices["pendant-drop-925"] = rub("5000.00")
    watch.now_s += 5
    assert (await prices.of(SKUS))["pendant-drop-925"] == rub("5000.00")


async def test_a_good_that_was_not_asked_for_before_is_asked_for(prices: CataloguePrices, pricing: FakePricing) -> None:
    await prices.of(SKUS[:1])
    assert (await prices.of(SKUS[1:])).keys() == {"ring-classic-585"}
    await prices.of(SKUS)
    assert pricing.calls == 2


async def test_a_good_without_a_price_has_none(prices: CataloguePrices, pricing: FakePricing) -> None:
    del pricing.prices["pendant-drop-925"]
    assert (await prices.of(SKUS)).keys() == {"ring-classic-585"}


async def test_without_pricing_prices_are_unknown_and_it_is_left_alone_for_a_while(
    prices: CataloguePrices, pricing: FakePricing, watch: Watch
) -> None:
    await prices.of(SKUS)
    watch.now_s += 5
    pricing.away = True
    assert await prices.of(SKUS) == {}
    assert await prices.of(SKUS) == {}
    assert pricing.calls == 2
    pricing.away = False
    watch.now_s += 1
    assert len(await prices.of(SKUS)) == 2


async def test_a_slow_pricing_is_not_waited_for(watch: Watch) -> None:
    class Slow(FakePricing):
        async def catalogue_prices(self, skus: object) -> dict[str, Money]:
            await asyncio.Event().wait()
            return {}

    assert await CataloguePrices(Slow(), kept_s=5, rest_s=1, patience_s=0.01, clock=watch).of(SKUS) == {}


async def test_many_looks_at_once_ask_once(prices: CataloguePrices, pricing: FakePricing) -> None:
    await asyncio.gather(*(prices.of(SKUS) for _ in range(20)))
    assert pricing.calls == 1
