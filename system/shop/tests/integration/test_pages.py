"""The shop's pages over PostgreSQL: the shelf as the migrations fill it, and the cart that the header counts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from system.plumbing.runtime import Service
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import Principal, TokenAuthority
from system.shop.adapters.queries import ShopQueries
from system.shop.entrypoints.api import Counter
from system.shop.tests.bench import Bench, customer
from system.shop.tests.integration.conftest import Database, surrounded
from system.shop.tests.shelf import goods

pytestmark = pytest.mark.integration
HTML = {"Accept": "text/html"}


@pytest.fixture
async def shop(database: Database, bench: Bench) -> AsyncIterator[Service]:
    """The shop as main.py wires it, with the bench's pricing."""
    built = surrounded(database, bench)
    yield built
    await built.close()


@pytest.fixture
async def http(shop: Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(shop.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test", headers=HTML) as client:
        yield client


def signed_in(database: Database, who: Principal) -> dict[str, str]:
    authority = TokenAuthority(database.infrastructure.settings_of("identity", ServiceSettings))
    return {"Authorization": f"Bearer {authority.issue_for_user(who)}"}


async def test_the_shelf_is_as_the_migrations_fill_it(shop: Service) -> None:
    counter: Counter = shop.app.state.counter
    assert await counter.queries.products() == goods()


@pytest.mark.parametrize(
    ("language", "said"), [("ru", "Кольцо «Классика», золото 585"), ("en", "Classic ring, 585 gold")]
)
@pytest.mark.parametrize("path", ["/shop/", "/shop/goods/ring-classic-585", "/shop/?query=classic"])
async def test_everybody_may_look(http: httpx.AsyncClient, path: str, language: str, said: str) -> None:
    answer = await http.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200 and f'lang="{language}"' in answer.text and said in answer.text


async def test_the_front_page_is_there_for_everybody_and_leads_staff_on(
    http: httpx.AsyncClient, database: Database, bench: Bench
) -> None:
    assert (await http.get("/")).status_code == 200
    assert (await http.get("/", headers=signed_in(database, bench.anna))).status_code == 200
    seller = signed_in(database, customer("Maria", roles=frozenset({"seller"})))
    assert (await http.get("/", headers=seller)).headers["location"] == "/crm/"
    assert (await http.get("/shop")).headers["location"].endswith("/shop/")


async def test_the_file_of_a_page_is_there(http: httpx.AsyncClient, shop: Service) -> None:
    answer = await http.get(shop.app.state.pages.assets.address("shop.css"))
    assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]


async def test_the_header_counts_the_pieces_of_the_youngest_cart(
    http: httpx.AsyncClient, shop: Service, database: Database, bench: Bench
) -> None:
    queries: ShopQueries = shop.app.state.counter.queries
    assert await queries.pieces_in_cart(bench.anna.subject) == 0
    older = await bench.cart()
    await bench.ready_made_line(older, quantity=7)
    younger = await bench.cart()
    await bench.ready_made_line(younger, quantity=2)
    await bench.ready_made_line(younger, "ring-classic-585", ring_size="17")
    assert await queries.pieces_in_cart(bench.anna.subject) == 3
    page = (await http.get("/shop/", headers=signed_in(database, bench.anna))).text
    assert 'data-badge="/shop/cart"' in page and ">3</b>" in page
    assert await queries.pieces_in_cart(customer("Boris").subject) == 0, "somebody else's cart is theirs"
    database.as_superuser(f"UPDATE orders SET cancelled_at = now() WHERE id = '{younger}'")  # noqa: S608 - an id of ours
    assert await queries.pieces_in_cart(bench.anna.subject) == 7, "a cancelled order is no cart"
    rejected = f"VALUES ('{older}', 9, 'REJECTED', '{{}}', now())"
    database.as_superuser(f"INSERT INTO order_progress (order_id, version, status, state, told_at) {rejected}")
    assert await queries.pieces_in_cart(bench.anna.subject) == 0, "an order that has ended is no cart"


async def test_the_release_before_this_one_may_add_goods(database: Database, shop: Service) -> None:
    database.as_superuser(
        "INSERT INTO product (sku, title_ru, title_en, material, ring_sizes, position, for_sale)"
        " VALUES ('brooch-925', 'Брошь', 'Brooch', 'silver_925', '{}', 99, true)"
    )
    try:
        queries: ShopQueries = shop.app.state.counter.queries
        brooch = await queries.product("brooch-925")
        assert brooch is not None and (brooch.design, brooch.kind, brooch.about.ru) == ("brooch-925", "", "")
    finally:
        database.as_superuser("DELETE FROM product WHERE sku = 'brooch-925'")
