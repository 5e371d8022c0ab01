"""Wires the shop: the only place that knows everything."""

from __future__ import annotations

from system.messages.orchestrator_v1 import OrderChanged, ReleaseStock, ReserveStock
from system.plumbing.mail.box import KeptNotices
from system.plumbing.mail.delivery import MAIL_GAUGES
from system.plumbing.mail.worker import send_letters
from system.plumbing.runtime import Service
from system.shop.adapters.catalogue_prices import CataloguePrices
from system.shop.adapters.own_things import HttpOwnModels, HttpOwnQuotes
from system.shop.adapters.people import PeopleQueries
from system.shop.adapters.queries import GAUGES, ShopQueries
from system.shop.adapters.services import HttpFiles, HttpIdentity, HttpLetters, HttpOrchestrator, HttpPricing
from system.shop.adapters.unit_of_work import SqlShopUnitOfWork
from system.shop.application import reactions
from system.shop.application.ports import Tools
from system.shop.entrypoints import (
    api,
    cart_pages,
    checkout_pages,
    make_pages,
    notices,
    notices_api,
    order_pages,
    own_pages,
    pages,
    people,
)
from system.shop.entrypoints.private_links import PrivateLinks
from system.shop.settings import ShopSettings


def service(settings: ShopSettings | None = None) -> Service:
    """The shop, ready to serve."""
    settings = settings or ShopSettings()
    shown = pages.pages_of(settings)
    links = PrivateLinks(settings.signing_key)
    letters = notices.letters_of(shown, links, public_url=settings.public_url)

    async def write_to_customers(process: Service) -> None:
        await send_letters(process, letters, settings)

    shop = Service(
        settings,
        routers=[api.router, api.internal, notices_api.internal, people.router],
        pages=[
            shown.router(),
            pages.front,
            pages.router,
            cart_pages.router,
            checkout_pages.router,
            make_pages.router,
            order_pages.router,
            own_pages.router,
        ],
        unit_of_work=SqlShopUnitOfWork,
        reactions={
            OrderChanged: reactions.on_order_changed,
            ReserveStock: reactions.on_reserve_stock,
            ReleaseStock: reactions.on_release_stock,
        },
        gauges=(*GAUGES, *MAIL_GAUGES),
        background=[write_to_customers] if "timer" in settings.role_names else [],
        description="The catalogue, every order's content and number, and the stock of ready-made goods.",
    )
    shown.install(shop.app)
    pricing = HttpPricing(shop.client)
    queries = ShopQueries(shop.engine)
    shop.app.state.goods = pages.goods_of(queries)
    shop.app.state.identity = HttpIdentity(shop.client)
    shop.app.state.links = links
    shop.app.state.notices = KeptNotices(shop.engine)
    shop.app.state.people = PeopleQueries(shop.engine)
    shop.app.state.own = own_pages.OwnThings(HttpOwnModels(shop.client), HttpOwnQuotes(shop.client))
    shop.app.state.watch = order_pages.watch_of(queries)
    shop.app.state.counter = api.Counter(
        tools=Tools(
            begin=shop.make_uow,
            pricing=pricing,
            files=HttpFiles(shop.client),
            orchestrator=HttpOrchestrator(shop.client),
            letters=HttpLetters(shop.client),
        ),
        queries=queries,
        catalogue_prices=CataloguePrices(
            pricing,
            kept_s=settings.catalogue_price_kept_s,
            rest_s=settings.catalogue_price_rest_s,
            patience_s=settings.price_patience_s,
        ),
        price_patience_s=settings.price_patience_s,
    )
    return shop
