"""The shop's pages as a browser without a script, and one with htmx, gets them; over goods in memory."""

from __future__ import annotations

import gzip
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from babel.messages.pofile import read_po
from fastapi import FastAPI

from system.kernel.ids import new_id
from system.plumbing.auth import principal_or_none
from system.plumbing.sparing import Kept
from system.plumbing.tokens import Principal
from system.plumbing.web import make_app
from system.shop.adapters.catalogue_prices import CataloguePrices
from system.shop.domain.catalogue import Product
from system.shop.entrypoints import pages as shop_pages
from system.shop.entrypoints.api import Counter
from system.shop.settings import ShopSettings
from system.shop.tests.bench import Bench
from system.shop.tests.shelf import goods, priced

HTML = {"Accept": "text/html", "Accept-Language": "en"}
RUSSIAN = {"Accept": "text/html", "Accept-Language": "ru"}
HTMX = HTML | {"HX-Request": "true"}
WORDS = Path(shop_pages.__file__).parent / "locales" / "ru.po"
PUBLIC = ("/", "/shop/", "/shop/?query=zzzz", "/shop/goods/ring-pave-750", "/shop/goods/ring-pave-950")


class Carts:
    """What the database says of carts."""

    def __init__(self) -> None:
        self.pieces = 3
        self.asked: list[UUID] = []

    async def pieces_in_cart(self, customer_id: UUID) -> int:
        self.asked.append(customer_id)
        return self.pieces


class Shop:
    """The shop's pages, and what stands behind them."""

    def __init__(self, settings: ShopSettings) -> None:
        shown = shop_pages.pages_of(settings)
        self.goods = goods()
        self.bench = Bench.in_memory()
        self.bench.pricing.prices = priced(self.goods)
        self.carts = Carts()
        self.app: FastAPI = make_app(settings, routers=[], pages=[shown.router(), shop_pages.front, shop_pages.router])
        shown.install(self.app)
        self.app.state.counter = Counter(
            tools=self.bench.tools,
            queries=self.carts,  # type: ignore[arg-type]
            catalogue_prices=CataloguePrices(self.bench.pricing, kept_s=0.001, rest_s=0.001, patience_s=1),
            price_patience_s=1,
        )
        self.app.state.goods = Kept(self._products, for_s=-1.0)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://shop", headers=HTML)

    async def _products(self) -> list[Product]:
        return self.goods

    def comes(self, *roles: str) -> Principal:
        who = Principal(new_id(), frozenset(roles), "Anna", "anna@example.org")
        self.app.dependency_overrides[principal_or_none] = lambda: who
        return who

    async def shown(self, path: str, **headers: str) -> str:
        answer = await self.http.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.text


@pytest.fixture
def shop() -> Shop:
    return Shop(ShopSettings(environment="production", public_url="https://alexandrite.example/"))


def cards(page: str) -> list[str]:
    return re.findall(r'<li class="good">\s*<a href="/shop/goods/([\w-]+)"', page)


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_page_speaks_one_language(shop: Shop, path: str) -> None:
    english = await shop.shown(path)
    russian = await shop.shown(path, **RUSSIAN)
    text = html.unescape(re.sub(r"<script.*?</script>", "", russian, flags=re.DOTALL))
    with WORDS.open("rb") as file:
        messages = [message.id for message in read_po(file, locale="ru") if message.id]
    sentences = [each for message in messages for each in ([message] if isinstance(message, str) else message)]
    assert not [each for each in sentences if " " in each and "%(" not in each and each in text]
    assert not re.search("[а-яё]{3}", re.sub(r'aria-label="RU[^"]*"', "", english), re.IGNORECASE)
    assert "%(" not in english + russian
    assert "<script>" not in english and " style=" not in english and " onclick=" not in english


async def test_the_front_page_shows_one_of_each_design_and_how_an_order_goes(shop: Shop) -> None:
    page = await shop.shown("/")
    assert '<a class="brand" href="/" aria-current="page">' in page
    assert len(cards(page)) == 8 and page.count("<h3>") == 5 and "21 days" in page
    assert page.count('href="/shop/make"') == 2, "in the header and beside the jewelry"


@pytest.mark.parametrize(("roles", "led_to"), [(("operator",), "/mes/"), (("customer", "seller"), "/crm/")])
async def test_staff_are_led_on_to_their_first_place(shop: Shop, roles: tuple[str, ...], led_to: str) -> None:
    shop.comes(*roles)
    answer = await shop.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, led_to)


async def test_a_customer_sees_the_front_page_and_their_own_header(shop: Shop) -> None:
    shop.comes("customer")
    page = await shop.shown("/")
    assert 'href="/shop/orders"' in page and 'class="sign-in"' not in page


async def test_the_catalogue_shows_everything_with_its_price(shop: Shop) -> None:
    page = await shop.shown("/shop/")
    assert cards(page) == [good.sku for good in shop.goods]
    assert "40 pieces" in page and "RUB 1,000" in page and page.count(">Out of stock<") == 1
    assert len(gzip.compress(page.encode())) < 100_000


async def test_wishes_stand_in_the_address(shop: Shop) -> None:
    page = await shop.shown("/shop/?kind=ring&metal=silver_925&ring_size=17&order=dearest")
    found = cards(page)
    assert found == sorted(found, key=lambda sku: -shop.bench.pricing.prices[sku].amount) and len(found) == 5
    assert '<option value="ring" selected>' in page and '<option selected value="17">' in page
    assert '<option value="dearest" selected>' in page and "5 pieces" in page
    assert cards(await shop.shown("/shop/?query=%D0%BA%D0%BE%D0%BB%D1%8C%D1%86%D0%B0+585"))[0] == "ring-classic-585"


async def test_what_people_search_for_is_text(shop: Shop) -> None:
    page = await shop.shown("/shop/?query=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert (await shop.http.get(f"/shop/?query={'x' * 101}")).status_code == 422


@pytest.mark.parametrize(
    ("wish", "advice"),
    [("ring_size=40", "ring size first"), ("query=zzzz", "other words"), ("metal=wood", "the metal for example")],
)
async def test_who_finds_nothing_is_told_what_to_do(shop: Shop, wish: str, advice: str) -> None:
    page = await shop.shown(f"/shop/?{wish}")
    assert not cards(page) and advice in page and '<a role="button" class="secondary" href="/shop/">' in page


async def test_htmx_gets_the_list_and_the_number_alone(shop: Shop) -> None:
    piece = await shop.shown("/shop/?kind=bracelet", **HTMX)
    assert len(cards(piece)) == 4 and "<main" not in piece
    assert '<p id="number" hx-swap-oob="innerHTML">4 pieces' in piece
    assert "hx-swap-oob" not in await shop.shown("/shop/?kind=bracelet")


async def test_a_good_shows_its_price_in_every_metal(shop: Shop) -> None:
    page = await shop.shown("/shop/goods/ring-band-750")
    for end, price in (("585", "1,900"), ("750", "1,100"), ("925", "2,000"), ("950", "2,100")):
        assert re.search(rf'href="/shop/goods/ring-band-{end}".*?RUB {price}', page, re.DOTALL), end
    assert '<a href="/shop/goods/ring-band-750" aria-current="page">' in page


async def test_a_good_is_put_into_the_cart_by_a_form(shop: Shop) -> None:
    page = await shop.shown("/shop/goods/ring-signet-950?ring_size=17.5")
    assert '<form class="put" method="post" action="/shop/cart/lines">' in page
    assert '<input type="hidden" name="sku" value="ring-signet-950">' in page
    assert page.count('name="ring_size"') == 15 and 'value="17.5" required checked' in page
    assert 'name="quantity" value="1" min="1" max="6"' in page
    assert 'name="ring_size"' not in await shop.shown("/shop/goods/pendant-drop-750"), "no ring, no size"
    assert 'max="100"' in await shop.shown("/shop/goods/pendant-drop-925"), "a line has its limit"


async def test_what_is_sold_out_cannot_be_put_into_the_cart(shop: Shop) -> None:
    page = await shop.shown("/shop/goods/ring-pave-950")
    assert "Out of stock" in page and "/shop/cart/lines" not in page and "another metal" in page


async def test_what_has_no_price_cannot_be_put_into_the_cart(shop: Shop) -> None:
    shop.bench.pricing.away = True
    page = await shop.shown("/shop/goods/ring-band-750")
    assert "price on its way" in page and "/shop/cart/lines" not in page
    assert (await shop.shown("/shop/")).count("price on its way") == 40


@pytest.mark.parametrize(("pieces", "said"), [(1, "Only 1 left"), (5, "Only 5 left"), (6, "In stock")])
async def test_the_last_pieces_are_counted(shop: Shop, pieces: int, said: str) -> None:
    shop.goods = [replace(good, in_stock=pieces) for good in shop.goods]
    assert said in await shop.shown("/shop/goods/ring-band-750")


async def test_a_good_that_is_gone_is_a_page_that_says_so(shop: Shop) -> None:
    answer = await shop.http.get("/shop/goods/ring-of-power")
    assert answer.status_code == 404 and "no such piece any more" in answer.text


async def test_search_engines_are_told_of_a_good(shop: Shop) -> None:
    page = await shop.shown("/shop/goods/ring-pave-950?lang=en")
    address = "https://alexandrite.example/shop/goods/ring-pave-950"
    assert f'<link rel="canonical" href="{address}?lang=en">' in page
    assert f'hreflang="ru" href="{address}?lang=ru"' in page and 'name="description" content="A path of' in page
    told = json.loads(re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[0])
    assert (told["@type"], told["sku"], told["material"]) == ("Product", "ring-pave-950", "Platinum 950")
    assert told["offers"]["availability"].endswith("OutOfStock") and told["offers"]["priceCurrency"] == "RUB"
    shop.bench.pricing.away = True
    assert '"offers"' not in await shop.shown("/shop/goods/ring-pave-950")


async def test_search_engines_are_told_what_there_is_and_what_is_closed(shop: Shop) -> None:
    robots = await shop.http.get("/robots.txt")
    assert "Disallow: /crm/\n" in robots.text and "Disallow: /\n" not in robots.text
    assert "Sitemap: https://alexandrite.example/sitemap.xml" in robots.text
    places = await shop.http.get("/sitemap.xml")
    assert places.headers["content-type"].startswith("application/xml")
    assert places.text.count("<loc>") == 43 and places.text.count('hreflang="en"') == 43
    elsewhere = await Shop(ShopSettings(environment="release")).http.get("/robots.txt")
    assert "Disallow: /\n" in elsewhere.text


async def test_the_header_counts_the_pieces_of_a_cart_once_for_a_whole_page(shop: Shop) -> None:
    await shop.shown("/shop/")
    assert shop.carts.asked == [], "a visitor has no cart to be asked about"
    who = shop.comes("customer")
    page = await shop.shown("/shop/")
    assert shop.carts.asked == [who.subject] and re.search(r'data-badge="/shop/cart"[^>]*>3</b>', page)
    await shop.shown("/shop/", **HTMX)
    assert len(shop.carts.asked) == 1
    shop.carts.pieces = 0
    assert re.search(r'data-badge="/shop/cart"[^>]* hidden>', await shop.shown("/"))


PICTURE = '{% from "good_picture.html" import good_picture %}{{ good_picture("no-such", "A ring", "10rem") }}'


def test_a_good_has_a_sign_until_its_picture_is_there(shop: Shop) -> None:
    shown = shop.app.state.pages._environments["en"].from_string(PICTURE).render()
    assert "#ready_made" in shown and 'aria-label="A ring"' in shown


def test_a_picture_comes_in_three_widths(shop: Shop) -> None:
    environment = shop.app.state.pages._environments["en"]
    environment.globals |= {"has_asset": lambda name: True, "asset": lambda name: f"/a/{name}"}
    shown = environment.from_string(PICTURE).render()
    assert 'src="/a/goods/no-such-640.webp"' in shown and "/a/goods/no-such-1280.webp 1280w" in shown
    assert 'sizes="10rem" width="640" height="640" alt="A ring" loading="lazy"' in shown
