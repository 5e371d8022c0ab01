"""What the catalogue shows as prices: pricing's, kept for a few seconds. A cache for looking, never for deciding."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from system.kernel.errors import Unavailable
from system.kernel.money import Money
from system.plumbing.telemetry import log
from system.shop.application.ports import Pricing


class CataloguePrices:
    """Asks pricing at most once per `kept_s`; after a failure prices are unknown, and pricing is left alone for `rest_s`."""

    def __init__(
        self,
        pricing: Pricing,
        *,
        kept_s: float,
        rest_s: float,
        patience_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pricing = pricing
        self._kept_s = kept_s
        self._rest_s = rest_s
        self._patience_s = patience_s
        self._clock = clock
        self._prices: dict[str, Money] = {}
        self._asked: frozenset[str] = frozenset()
        self._good_until = float("-inf")
        self._asking = asyncio.Lock()

    async def of(self, skus: Iterable[str]) -> Mapping[str, Money]:
        """The prices known now; a good that is missing has none to show. Never raises because pricing is away."""
        wanted = frozenset(skus)
        if not self._is_good(wanted):
            async with self._asking:
                # Whoever waited finds the answer that the first one got.
                if not self._is_good(wanted):
                    await self._ask(wanted | self._asked)
        return {sku: self._prices[sku] for sku in wanted if sku in self._prices}

    def _is_good(self, wanted: frozenset[str]) -> bool:
        return self._clock() < self._good_until and wanted <= self._asked

    async def _ask(self, wanted: frozenset[str]) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                self._prices = dict(await self._pricing.catalogue_prices(wanted))
            self._good_until = self._clock() + self._kept_s
        except (Unavailable, TimeoutError) as error:
            log.warning("catalogue prices unknown", error=str(error) or "pricing is too slow")
            self._prices = {}
            self._good_until = self._clock() + self._rest_s
        self._asked = wanted
