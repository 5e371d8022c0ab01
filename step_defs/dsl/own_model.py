"""The whole road of somebody without an account, from the front page through a model of their own to the order.

In a browser, and by the requests that pages and their script send. Counted is what hands do: a press of a link or a button, and a
field that has to be filled in, the file among them. What a page fills in by itself, or its script asks for, costs nobody a movement.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door
from step_defs.drivers.waiting import eventually
from step_defs.dsl.forms import LINK, SESSION, forms_of, hidden_in, page_of, to_fill_in
from step_defs.dsl.model_desk import MAKE, METALS, SHOWN_WITHIN_S, HttpModelDesk

CHECKOUT = "/shop/checkout"
ORDERS = "/shop/orders"
FORM = '<form class="checkout"'
PRICED_WITHIN_MS = 30_000


@dataclass(slots=True)
class Made:
    """What came of it: the session, the order and its link, and what hands did for it."""

    token: str = ""
    order_id: str = ""
    link: str = ""
    actions: list[str] = field(default_factory=list)


def own_by_browser(window: Window, filename: str, content: bytes, contact: dict[str, str]) -> Made:
    """In a real browser. Raises AssertionError where a page has faults, or the road leads elsewhere."""
    made, page = Made(), window.page

    def presses(what: str, selector: str) -> None:
        made.actions.append(f"presses {what}")
        with page.expect_navigation():
            page.locator(selector).click()
        window.check()

    window.goto("/")
    presses("make your own", f'.hero a[href="{MAKE}"]')
    made.actions.append("chooses a file")
    page.locator("[data-choose]").set_input_files(
        {"name": filename, "mimeType": "application/octet-stream", "buffer": content}
    )
    page.locator('#prices button[value="checkout"]').wait_for(timeout=PRICED_WITHIN_MS)
    presses("order it", '#prices button[value="checkout"]')
    assert urlsplit(page.url).path == CHECKOUT, f"the piece led to {page.url}"
    for empty in window.all("form.checkout input:required"):
        locator = page.locator(f'form.checkout [name="{empty["name"]}"]')
        if not locator.input_value():
            made.actions.append(f"fills in {empty['name']}")
            locator.fill(contact[empty["name"]])
    presses("order", 'form.checkout button[type="submit"]')
    made.order_id = _order_in(urlsplit(page.url).path)
    [link] = window.all("[data-link]")
    made.token, made.link = window.cookie(SESSION), link["href"]
    return made


def own_by_forms(address: SystemAddress, filename: str, content: bytes, contact: dict[str, str]) -> Made:
    """By the requests that the pages and their script send. Raises AssertionError where the road leads elsewhere."""
    made = Made()
    with forms_of(address) as http, Door(address) as door:
        assert f'href="{MAKE}"' in page_of(http.get("/")), "the front page leads to no model of one's own"
        made.actions.append("presses make your own")
        key = hidden_in(page_of(http.get(MAKE)))["key"]
        made.actions.append("chooses a file")
        assert http.post(f"{MAKE}/visit").status_code == 204, "a visitor is not let in"
        made.token = door.token = http.cookies[SESSION]
        desk = HttpModelDesk(door)
        file_id = desk.uploads(filename, content)["file_id"]
        quote = desk.asks_price({"file_id": file_id, "material": METALS[0], "quantity": 1})
        prices = f"{MAKE}/{file_id}/prices?material={METALS[0]}&quotes={quote['quote_id']}"
        shown = eventually(
            lambda: hidden_in(page_of(http.get(prices, headers={"HX-Request": "true"}))),
            lambda fields: "quote_id" in fields,
            within_s=SHOWN_WITHIN_S,
            what="the page offers to order it",
        )
        made.actions.append("presses order it")
        chosen = {"key": key, "material": METALS[0], "quantity": "1", "ring_size": "", "go": "checkout"}
        form = page_of(http.post(f"{MAKE}/{file_id}/lines", data=shown | chosen))
        known, empty = to_fill_in(form, after=FORM)
        made.actions += [f"fills in {name}" for name in empty]
        made.actions.append("presses order")
        answer = http.post(CHECKOUT, data=known | {name: contact[name] for name in empty})
        link = LINK.search(page_of(answer))
    assert link is not None, f"{answer.url} shows no link to follow the order"
    made.order_id, made.link = _order_in(urlsplit(str(answer.url)).path), link[1]
    return made


def _order_in(path: str) -> str:
    assert path.startswith(f"{ORDERS}/"), f"the order led to {path}"
    return path.removesuffix("/").rsplit("/", 1)[-1]
