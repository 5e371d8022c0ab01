"""The shop's public pages: the front page, the catalogue and its goods. With a script the list follows the wishes at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse

from system.kernel.ids import new_id
from system.messages.envelope import MoneyV1
from system.pagekit.areas import CART, FRONT, MAKE, ORDERS, home_of
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.pages import Pages, is_piece
from system.pagekit.returning import refuse_until_returned
from system.pagekit.words import N_
from system.plumbing.auth import Principal, principal_or_none, public
from system.plumbing.settings import ServiceSettings
from system.plumbing.sparing import Kept
from system.shop.adapters.queries import ShopQueries
from system.shop.domain import showcase
from system.shop.domain.catalogue import Product
from system.shop.domain.errors import ProductNotFound
from system.shop.domain.rules import QUANTITY_MAX
from system.shop.entrypoints import sentences
from system.shop.entrypoints.api import Counter, Shop
from system.shop.settings import ShopSettings

BASE = "/shop"
FEATURED_MAX = 8
GOODS_KEPT_S = 1.0
"""How old the stock may be that the catalogue shows; whether there is enough is decided when an order is placed."""
HOUR = "public, max-age=3600"
SOON_GONE_MAX = 5
"""Of what is left in so few pieces the page says how many."""
CLOSED_TO_ROBOTS = (
    "/account",
    "/api/",
    "/crm/",
    "/mes/",
    "/observability/",
    "/operations/",
    "/people",
    "/prices/",
    "/sign-in",
    CART,
    ORDERS,
    "/shop/checkout",
    "/shop/make/",
    "/shop/models",
    "/shop/quotes",
    "/shop/track/",
)

PROBLEMS = {
    "product-not-found": N_("We have no such piece any more. Look through the jewelry that we do have."),
    "not-for-sale": N_("This piece cannot be ordered just now. Choose another, or come back in a while."),
    "ring-size-refused": N_("Choose one of the ring sizes: %(ring_sizes)s."),
}
NAMES = {
    "kind": {
        "ring": N_("Rings"),
        "earrings": N_("Earrings"),
        "pendant": N_("Pendants"),
        "bracelet": N_("Bracelets"),
    },
    "price_order": {
        "": N_("as we would show it"),
        showcase.CHEAPEST: N_("the least expensive first"),
        showcase.DEAREST: N_("the most expensive first"),
    },
}

Visitor = Annotated[Principal | None, Depends(principal_or_none)]
Words = Annotated[str, Query(max_length=100)]
Code = Annotated[str, Query(max_length=40)]


def pages_of(settings: ServiceSettings) -> Pages:
    """The shop's pages."""
    return Pages(
        BASE, Path(__file__).parent, settings, problems=PROBLEMS | sentences.PROBLEMS, names=NAMES | sentences.NAMES
    )


def goods_of(queries: ShopQueries) -> Kept[list[Product]]:
    """The catalogue, read once for many visitors."""
    return Kept(queries.products, GOODS_KEPT_S)


async def count_cart(request: Request, who: Visitor, shop: Shop) -> None:
    """A whole page's header tells how many pieces are in the cart of whoever has a session. One whose token ran out goes on first."""
    if request.method != "GET" or "text/html" not in request.headers.get("accept", "") or is_piece(request):
        return
    refuse_until_returned(request, who)
    if who is not None and who.has("customer"):
        request.state.badges = {CART: await shop.queries.pieces_in_cart(who.subject)}


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


def _goods(request: Request) -> Kept[list[Product]]:
    return cast(Kept[list[Product]], request.app.state.goods)


Shown = Annotated[Pages, Depends(_pages)]
Goods = Annotated[Kept[list[Product]], Depends(_goods)]

front = APIRouter()
router = APIRouter(prefix=BASE, dependencies=[Depends(count_cart)])


@dataclass(frozen=True, slots=True)
class Offer:
    """A good as a page shows it: with its price, if pricing has told one."""

    good: Product
    price: dict[str, str] | None

    @property
    def can_be_had(self) -> bool:
        """Whether it can be put into the cart."""
        return self.price is not None and self.good.in_stock > 0

    @property
    def left(self) -> int:
        """How many are left, when that is worth saying; otherwise 0."""
        return self.good.in_stock if self.good.in_stock <= SOON_GONE_MAX else 0


async def offers_of(goods: list[Product], shop: Counter) -> list[Offer]:
    """Each good with what it costs."""
    prices = await shop.catalogue_prices.of(good.sku for good in goods)
    return [Offer(good, MoneyV1.of(prices[good.sku]).model_dump() if good.sku in prices else None) for good in goods]


def found_at(request: Request, path: str) -> dict[str, Any]:
    """Where search engines are told to find a page: its one address, and the same page in each language."""
    settings = cast(ShopSettings, request.app.state.settings)
    address = settings.public_url.rstrip("/") + path
    asked = request.query_params.get("lang")
    return {
        "origin": settings.public_url.rstrip("/"),
        "canonical": f"{address}?lang={asked}" if asked in LANGUAGES else address,
        "alternates": {language: f"{address}?lang={language}" for language in LANGUAGES},
        "address": address,
    }


# -- the front page --------------------------------------------------------------------------------------------------------


@front.get("/", dependencies=[public, Depends(count_cart)])
async def front_page(request: Request, who: Visitor, shop: Shop, goods: Goods, pages: Shown) -> Response:
    """What we are and how an order goes; staff are led on to their first place."""
    home = home_of(who.roles) if who else FRONT
    if home != FRONT:
        return RedirectResponse(home, status_code=303)
    window = showcase.featured(await goods.get(), at_most=FEATURED_MAX)
    return pages.render(
        request, "front.html", who=who, offers=await offers_of(window, shop), found=found_at(request, FRONT)
    )


@front.get("/robots.txt", dependencies=[public])
async def robots(request: Request) -> Response:
    """What search engines may read: the shop of production, and nothing of the other environments."""
    settings = cast(ShopSettings, request.app.state.settings)
    closed = CLOSED_TO_ROBOTS if settings.environment == "production" else ("/",)
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in closed)]
    text = "\n".join([*lines, f"Sitemap: {settings.public_url.rstrip('/')}/sitemap.xml", ""])
    return PlainTextResponse(text, headers={"Cache-Control": HOUR})


@front.get("/sitemap.xml", dependencies=[public])
async def sitemap(request: Request, goods: Goods, pages: Shown) -> Response:
    """Every public page, in each language."""
    paths = [FRONT, f"{BASE}/", MAKE, *(f"{BASE}/goods/{good.sku}" for good in await goods.get())]
    text = pages.fragment(language_of(request), "sitemap.xml", places=[found_at(request, path) for path in paths])
    return Response(text, media_type="application/xml", headers={"Cache-Control": HOUR})


# -- the catalogue ---------------------------------------------------------------------------------------------------------


@router.get("/", dependencies=[public])
async def catalogue_page(
    request: Request,
    who: Visitor,
    shop: Shop,
    goods: Goods,
    pages: Shown,
    kind: Code = "",
    metal: Code = "",
    ring_size: Code = "",
    query: Words = "",
    order: Code = "",
) -> Response:
    """The goods that meet the visitor's wishes, which stand in the address; asked by htmx, the list alone."""
    every = await goods.get()
    wish = showcase.Wish(kind=kind, metal=metal, ring_size=ring_size, words=query, order=order)
    prices = await shop.catalogue_prices.of(good.sku for good in every)
    found = showcase.chosen(every, prices, wish)
    shown: dict[str, Any] = {
        "who": who,
        "offers": await offers_of(found, shop),
        "wish": wish,
        "piece": is_piece(request),
    }
    if shown["piece"]:
        return pages.render(request, "goods_list.html", **shown)
    return pages.render(
        request,
        "goods.html",
        kinds=_each(good.kind for good in every),
        metals=_each(good.material for good in every),
        sizes=showcase.sizes_in_stock(every),
        found=found_at(request, f"{BASE}/"),
        **shown,
    )


@router.get("/goods/{sku}", dependencies=[public])
async def good_page(
    request: Request, sku: str, who: Visitor, shop: Shop, goods: Goods, pages: Shown, ring_size: Code = ""
) -> Response:
    """One good, with the same design in its other metals. 404 for one that is not for sale."""
    every = await goods.get()
    good = next((each for each in every if each.sku == sku), None)
    if good is None:
        raise ProductNotFound(sku)
    metals = await offers_of(showcase.same_design(every, good), shop)
    [offer] = [each for each in metals if each.good.sku == sku]
    found = found_at(request, f"{BASE}/goods/{sku}")
    return pages.render(
        request,
        "good.html",
        who=who,
        offer=offer,
        metals=metals,
        ring_size=ring_size,
        key=str(new_id()),
        quantity_max=min(QUANTITY_MAX, good.in_stock),
        found=found,
        told=_told(offer, found, pages, request),
    )


def _each(codes: Iterable[str]) -> list[str]:
    """Every code once, in the order in which they come."""
    return list(dict.fromkeys(code for code in codes if code))


def _told(offer: Offer, found: dict[str, Any], pages: Pages, request: Request) -> dict[str, Any]:
    """The good as schema.org describes a product, for search engines."""
    good, language = offer.good, language_of(request)
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": good.title.in_language(language),
        "description": good.about.in_language(language),
        "sku": good.sku,
        "material": pages.named(language, "material", good.material),
        "url": found["address"],
    }
    picture = f"goods/{good.sku}-1280.webp"
    if pages.assets.has(picture):
        told["image"] = found["origin"] + pages.assets.address(picture)
    if offer.price is not None:
        told["offers"] = {
            "@type": "Offer",
            "price": offer.price["amount"],
            "priceCurrency": offer.price["currency"],
            "availability": f"https://schema.org/{'InStock' if good.in_stock else 'OutOfStock'}",
            "url": found["address"],
        }
    return told
