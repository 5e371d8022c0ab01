"""Somebody who buys without an account. They come by the pages alone: with a browser, or as one without a script sends forms."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door
from step_defs.drivers.waiting import eventually
from step_defs.dsl.forms import LINK, SESSION, forms_of, hidden_in, page_of
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.own_model import own_by_browser, own_by_forms
from step_defs.dsl.shop_desk import CHECKOUT, GOODS, ORDERS
from step_defs.dsl.shopper import Shopper, filename_of

if TYPE_CHECKING:
    from step_defs.dsl.world import World

CART = "/shop/cart"
PUT = f"{CART}/lines"
SKU = re.compile(r'data-sku="([^"]+)"')
STATUS = re.compile(r'data-status="(\w+)"')


class Visitor(Shopper):
    """A customer without an account: what they put into the cart is theirs by the session that this opens."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.link = ""
        self.window: Window | None = None
        self.actions: list[str] = []
        """What their hands did: presses, and fields filled in."""
        self.forms: httpx.Client | None = None

    def get_account(self) -> None:
        """Nobody makes them one."""
        raise AssertionError(f"{self.name} has not put anything into a cart yet, and so has no session")

    def contact(self) -> dict[str, str]:
        """What they type into the form of the order."""
        return {
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "address": "Tverskaya 1",
            "city": "Moscow",
            "postcode": "125009",
            "country": "RU",
        }

    def buys(self, sku: str) -> None:
        """From the piece's page through the cart to the order."""
        browser = self.world.backstage.browser
        if browser is not None:
            self.window = browser.window()
            token, order_id, self.link = _by_browser(self.window, sku, self.contact())
        else:
            token, order_id, self.link = _by_forms(self.world.backstage.address, sku, self.contact())
        self._has_ordered(token, order_id)

    def makes(self, model: str) -> None:
        """From the front page through a model of their own to the order; every movement of the hand is counted."""
        content, filename = self.world.models.bytes_of(model), filename_of(model)
        browser = self.world.backstage.browser
        if browser is not None:
            self.window = browser.window()
            made = own_by_browser(self.window, filename, content, self.contact())
        else:
            made = own_by_forms(self.world.backstage.address, filename, content, self.contact())
        self.link, self.actions = made.link, made.actions
        self._has_ordered(made.token, made.order_id)

    def _has_ordered(self, token: str, order_id: str) -> None:
        self._door = Door(self.world.backstage.address)
        self._door.token = token
        view = self._door.get(f"/api/shop/v1/orders/{order_id}").body
        self._order = self.world.order = Order(self._door, view, self.looks_at)

    def puts_into_cart(self, sku: str) -> None:
        """From the piece's page into the cart, which opens a session."""
        browser = self.world.backstage.browser
        if browser is not None:
            self.window = browser.window()
            _put_by_browser(self.window, sku)
        else:
            self.forms = forms_of(self.world.backstage.address)
            _put_by_forms(self.forms, sku)

    def comes_back_later(self) -> None:
        """The short token of the session has run out meanwhile, and the browser has dropped it."""
        if self.window is not None:
            self.window.forgets(SESSION)
        elif self.forms is not None:
            self.forms.cookies.delete(SESSION)

    def goods_in_cart(self) -> list[str]:
        """What the cart's page shows."""
        if self.window is not None:
            self.window.goto(CART)
            return [each["data-sku"] for each in self.window.all("[data-cart] [data-sku]")]
        assert self.forms is not None, f"{self.name} was never in the shop"
        return SKU.findall(page_of(self.forms.get(CART)))

    def shows_link_to_nobody_in_particular(self, status: str) -> None:
        """Whoever has the private link sees this status, and neither name nor address. Nobody is signed in."""
        secrets = (self.name, *self.contact().values())
        page = eventually(
            lambda: self.world.stranger.get(self.link).body,
            lambda text: status in STATUS.findall(text),
            within_s=SOON_S,
            what=f"the link shows {status}",
        )
        told = [secret for secret in secrets if len(secret) > 2 and secret in html.unescape(page)]
        assert not told, f"the link tells {told}"

    def leaves(self) -> None:
        """Closes the window, too."""
        if self.window is not None:
            self.window.close()
        if self.forms is not None:
            self.forms.close()
        super().leaves()


def _put_by_browser(window: Window, sku: str) -> None:
    page = window.page
    window.goto(f"{GOODS}{sku}")
    sizes = page.locator('.put label:has([name="ring_size"])')
    if sizes.count():
        sizes.first.click()
    with page.expect_navigation():
        page.locator('.put button[type="submit"]').click()
    window.check()


def _by_browser(window: Window, sku: str, contact: dict[str, str]) -> tuple[str, str, str]:
    page = window.page
    window.goto("/")
    _put_by_browser(window, sku)
    with page.expect_navigation():
        page.locator(f'a[href="{CHECKOUT}"]').click()
    window.check()
    for name, value in contact.items():
        page.locator(f'form.checkout [name="{name}"]').fill(value)
    with page.expect_navigation():
        page.locator('form.checkout button[type="submit"]').click()
    window.check()
    order_id = page.url.removesuffix("/").rsplit("/", 1)[-1]
    [link] = window.all("[data-link]")
    return window.cookie(SESSION), order_id, link["href"]


def _put_by_forms(http: httpx.Client, sku: str) -> None:
    shown = page_of(http.get(f"{GOODS}{sku}"))
    sizes = re.findall(r'name="ring_size" value="([^"]+)"', shown)
    fields = hidden_in(shown) | {"quantity": "1"} | ({"ring_size": sizes[0]} if sizes else {})
    page_of(http.post(PUT, data=fields))


def _by_forms(address: SystemAddress, sku: str, contact: dict[str, Any]) -> tuple[str, str, str]:
    with forms_of(address) as http:
        _put_by_forms(http, sku)
        token = http.cookies[SESSION]
        fields = hidden_in(page_of(http.get(CHECKOUT)))
        answer = http.post(CHECKOUT, data=fields | contact)
        link = LINK.search(page_of(answer))
    path = urlsplit(str(answer.url)).path
    assert path.startswith(f"{ORDERS}/") and link is not None, f"the order led to {path}"
    return token, path.rsplit("/", 1)[-1], link[1]
