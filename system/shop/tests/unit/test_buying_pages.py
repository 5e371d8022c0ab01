"""The road from the first piece to the order's page over memory."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from joserfc.jwk import OKPKey

from system.plumbing.settings import ServiceSettings
from system.plumbing.sparing import Kept
from system.plumbing.tokens import TokenAuthority
from system.plumbing.web import make_app
from system.shop.adapters.catalogue_prices import CataloguePrices
from system.shop.domain.catalogue import Product
from system.shop.entrypoints import cart_pages, checkout_pages, make_pages, order_pages, pages
from system.shop.entrypoints.api import Counter
from system.shop.entrypoints.private_links import PrivateLinks
from system.shop.settings import ShopSettings
from system.shop.tests import contract_buying, contract_making
from system.shop.tests.bench import Bench
from system.shop.tests.contract_buying import PAGE, Buying
from system.shop.tests.fakes import GOODS, FakeIdentity, MemoryKeptNotices, MemoryQueries, Shelf

KEY = OKPKey.generate_key("Ed25519", parameters={"kid": "identity"})
JWKS = json.dumps({"keys": [KEY.as_dict(private=False)]})


class NothingRevoked:
    async def is_revoked(self, session_id: str) -> bool:
        return False


@pytest.fixture
async def shop() -> AsyncIterator[Buying]:
    shelf = Shelf()
    bench = Bench.in_memory(shelf)
    settings = ShopSettings(jwks=JWKS)
    shown = pages.pages_of(settings)
    routers = [pages.router, cart_pages.router, checkout_pages.router, make_pages.router, order_pages.router]
    app = make_app(settings, routers=[], pages=[shown.router(), *routers])
    shown.install(app)

    async def goods() -> list[Product]:
        return [replace(good, in_stock=shelf.available[sku]) for sku, good in GOODS.items()]

    def leaves(sku: str, pieces: int) -> None:
        shelf.available[sku] = pieces

    key = KEY.as_pem(private=True).decode()
    authority = TokenAuthority(ServiceSettings(service="identity", jwks=JWKS, signing_key=key))
    app.state.counter = Counter(
        tools=bench.tools,
        queries=MemoryQueries(shelf),  # type: ignore[arg-type]
        catalogue_prices=CataloguePrices(bench.pricing, kept_s=0.001, rest_s=0.001, patience_s=1),
        price_patience_s=1,
    )
    app.state.goods = Kept(goods, for_s=-1.0)
    app.state.revocations = NothingRevoked()
    app.state.links = PrivateLinks(settings.signing_key)
    app.state.notices = MemoryKeptNotices(shelf)
    app.state.identity = identity = FakeIdentity(authority)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=PAGE) as client:
        yield Buying(app, bench, identity, authority, client, leaves)


@pytest.fixture
def anna(shop: Buying) -> dict[str, str]:
    return shop.signed_in(shop.bench.anna)


class TestBuyingAtPages(contract_buying.BuyingAtPages):
    pass


class TestMakingAtPages(contract_making.MakingAtPages):
    pass
