"""The road from the first piece to the order's page on PostgreSQL, with the shop as main.py wires it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from system.pagekit.tests.listener import Listener
from system.plumbing.settings import ServiceSettings
from system.plumbing.sparing import Kept
from system.plumbing.tokens import TokenAuthority
from system.shop.tests import contract_buying, contract_making
from system.shop.tests.bench import Bench, changed
from system.shop.tests.contract_buying import PAGE, Buying
from system.shop.tests.fakes import FakeIdentity
from system.shop.tests.integration.conftest import Database, surrounded

pytestmark = pytest.mark.integration
LEFT = "UPDATE stock SET available = {pieces} WHERE sku = '{sku}'"


@pytest.fixture
async def shop(database: Database, bench: Bench) -> AsyncIterator[Buying]:
    built = surrounded(database, bench, kept_s=0.001)
    built.app.state.goods = Kept(built.app.state.counter.queries.products, for_s=-1.0)
    authority = TokenAuthority(database.infrastructure.settings_of("identity", ServiceSettings))
    built.app.state.identity = identity = FakeIdentity(authority)

    def leaves(sku: str, pieces: int) -> None:
        database.as_superuser(LEFT.format(sku=sku, pieces=pieces))

    transport = httpx.ASGITransport(built.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=PAGE) as client:
        yield Buying(built.app, bench, identity, authority, client, leaves)
    await built.close()


@pytest.fixture
def anna(shop: Buying, bench: Bench) -> dict[str, str]:
    return shop.signed_in(bench.anna)


class TestBuyingAtPages(contract_buying.BuyingAtPages):
    pass


class TestMakingAtPages(contract_making.MakingAtPages):
    pass


async def test_an_open_order_hears_of_itself_alone(shop: Buying, anna: dict[str, str], bench: Bench) -> None:
    mine, other = await shop.ordered(anna), await shop.ordered(anna)
    headers: dict[str, Any] = dict(anna)
    async with Listener(shop.app, f"/shop/orders/{mine.id}/events", headers) as page:
        await bench.tells(changed(other, "PRICE_CALCULATED", version=5))
        await bench.tells(changed(mine, "PRICE_CALCULATED", version=5))
        assert await page.change_about(mine.id) == {"order_id": str(mine.id)}
        with pytest.raises(TimeoutError):
            await page.change_about(other.id, within_s=1)
    await shop.app.state.watch.rests()
