"""Where somebody makes their own: their model is sent, priced and put into an order, by the API or at the page.

A wish is what a price is asked for: file_id, material, quantity, and ring_size, unit, stones, plating and engraving where they matter.
The page offers four metals and the units that a model's size may be meant in; for any other wish there is the API alone.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from playwright.sync_api import Request, Route

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal
from step_defs.drivers.waiting import eventually

SHOP = "/api/shop/v1"
UPLOADS = "/api/files/v1/uploads"
QUOTES = "/api/pricing/v1/quotes"
MAKE = "/shop/make"
METALS = ("gold_585", "gold_750", "silver_925", "platinum_950")
UNITS = ("mm", "cm", "in")
SHOWN_WITHIN_S = 30.0
PART = re.compile(r"[?&]partNumber=(\d+)")
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resumed:
    """An upload that was taken up again: what became of it, and how many of its parts were sent this time."""

    verdict: Row
    sent: int
    parts: int


class ModelDesk(Protocol):
    """What a customer can do with a model of their own."""

    def uploads(self, filename: str, content: bytes) -> Row:
        """Sends a model; the upload as it is once it was checked: file_id, status, problem."""

    def asks_price(self, wish: Row) -> Row:
        """Asks for a price; the quote as it is then, which need not be final. Raises Refusal for options that cannot be had."""

    def difference(self, quote: Row) -> tuple[str, list[str]]:
        """By how much the firm price of the quote that was asked for last differs from its estimate, and why, in sentences."""

    def noticed(self, quote: Row) -> list[str]:
        """What is told of the model of the quote that was asked for last: what was done to it, or found in it."""

    def walls(self, quote: Row) -> Row:
        """How thick the walls of the model of the quote that was asked for last are: points, and what the alloy needs."""

    def puts_model(self, order_id: str, quote: Row, wish: Row) -> Row:
        """Puts the piece into the open order; the order then. Raises Refusal."""

    def breaks_off(self, filename: str, content: bytes) -> str:
        """Sends a part of a model, and the connection is lost; the file's id."""

    def goes_on(self, file_id: str, filename: str, content: bytes) -> Resumed:
        """Comes back on the next day, so to say, and sends the same file."""

    def orders_often(self, quote: Row, wish: Row) -> Row:
        """Presses twice, goes back and presses again, and once more in another tab; the order in which the piece is then."""


class HttpModelDesk:
    """By the API."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def uploads(self, filename: str, content: bytes) -> Row:
        upload = self._door.post(UPLOADS, {"filename": filename, "size_bytes": len(content)})
        self._door.upload(upload["url"], fields=upload["fields"], filename=filename, content=content)
        return self._completed(upload["file_id"])

    def asks_price(self, wish: Row) -> Row:
        quote: Row = self._door.post(QUOTES, wish).body
        return quote

    def difference(self, quote: Row) -> tuple[str, list[str]]:
        told = quote["difference"]
        assert told is not None, f"nothing says why {quote['total']} is not {quote['estimate']}"
        return told["amount"]["amount"], [reason["detail"] for reason in told["reasons"]]

    def noticed(self, quote: Row) -> list[str]:
        return [found["detail"] for found in quote["mesh"]["disclosures"]]

    def walls(self, quote: Row) -> Row:
        told: Row = self._door.get(f"{QUOTES}/{quote['quote_id']}/walls").body
        return told

    def puts_model(self, order_id: str, quote: Row, wish: Row) -> Row:
        order: Row = self._door.post(f"{SHOP}/orders/{order_id}/lines", line_of(quote, wish))["order"]
        return order

    def breaks_off(self, filename: str, content: bytes) -> str:
        body = {"filename": filename, "size_bytes": len(content), "in_parts": True}
        upload = self._door.post(UPLOADS, body)
        file_id: str = upload["file_id"]
        assert upload["part_count"] > 1, f"{filename} is one part, of which nothing can be missing"
        self._send(file_id, content, [1], part_bytes=upload["part_bytes"])
        return file_id

    def goes_on(self, file_id: str, filename: str, content: bytes) -> Resumed:
        known = self._door.get(f"{UPLOADS}/{file_id}/parts")
        arrived = {part["number"] for part in known["arrived"]}
        missing = [number for number in range(1, known["part_count"] + 1) if number not in arrived]
        self._send(file_id, content, missing, part_bytes=known["part_bytes"])
        return Resumed(self._completed(file_id), len(missing), known["part_count"])

    def orders_often(self, quote: Row, wish: Row) -> Row:
        key = str(uuid.uuid4())
        started = [self._door.post(f"{SHOP}/orders", key=key)["order"]["order_id"] for _ in range(2)]
        assert len(set(started)) == 1, f"one press opened {started}"
        return [self.puts_model(started[0], quote, wish) for _ in range(4)][-1]

    def _completed(self, file_id: str) -> Row:
        verdict: Row = self._door.post(f"{UPLOADS}/{file_id}/completion").body
        return verdict

    def _send(self, file_id: str, content: bytes, numbers: list[int], *, part_bytes: int) -> None:
        for address in self._door.post(f"{UPLOADS}/{file_id}/parts", {"numbers": numbers})["items"]:
            begin = (address["number"] - 1) * part_bytes
            self._door.send_part(address["url"], content[begin : begin + part_bytes])


class BrowserModelDesk:
    """At the page, in a real browser; `door` is the same person's way to the API, which says the details of what the page shows."""

    def __init__(self, window: Window, door: Door) -> None:
        self._window = window
        self._door = door
        # Files on a disk: a browser takes up only what was not changed since, and what comes from nowhere is new each time.
        self._folder = TemporaryDirectory()

    def uploads(self, filename: str, content: bytes) -> Row:
        self._window.goto(MAKE)
        return self._sends(filename, content)

    def asks_price(self, wish: Row) -> Row:
        if not is_at_page(wish):
            return HttpModelDesk(self._door).asks_price(wish)
        return self._chooses(wish)

    def difference(self, quote: Row) -> tuple[str, list[str]]:
        self._window.page.locator('#prices[data-price-state="firm"]').wait_for()
        told = self._window.all("#prices [data-difference]")
        assert told, f"the page does not say why {quote['total']} is not {quote['estimate']}"
        self._window.page.locator("#prices [data-difference] summary").click()
        return told[0]["data-difference"], [
            reason["text"] for reason in self._window.all("#prices [data-difference] li")
        ]

    def noticed(self, quote: Row) -> list[str]:
        self._window.page.locator('#prices[data-price-state="firm"]').wait_for()
        # What makes the price another one than its estimate is told there, and not twice.
        return [told["text"] for told in self._window.all("#prices [data-noticed], #prices [data-difference] li")]

    def walls(self, quote: Row) -> Row:
        page = self._window.page
        page.locator('#prices[data-price-state="firm"]').wait_for()
        # These browsers draw no models (drivers/browser.py): the switch is offered, and what it shows is what the API tells.
        page.locator("label:not([hidden]) > [data-walls]").wait_for(state="attached")
        self._window.check("walls")
        return HttpModelDesk(self._door).walls(quote)

    def puts_model(self, order_id: str, quote: Row, wish: Row) -> Row:
        if not is_at_page(wish):
            return HttpModelDesk(self._door).puts_model(order_id, quote, wish)
        shown = self._chooses(wish)
        if shown["status"] == "FAILED":
            raise Refusal("cart line", 409, {"code": "price-failed", "detail": "the page offers no button"})
        self._presses("cart")
        [cart] = self._window.all("[data-cart]")
        assert cart["data-cart"] == order_id, f"it was put into {cart['data-cart']} and not into {order_id}"
        return self._order(order_id)

    def breaks_off(self, filename: str, content: bytes) -> str:
        page = self._window.page
        held: list[Route] = []

        def first_alone(route: Route) -> None:
            if _part_of(route.request) == "1":
                route.continue_()
            else:
                held.append(route)

        self._window.goto(MAKE)
        page.route(PART, first_alone)
        with page.expect_event("requestfinished", lambda request: _part_of(request) == "1"):
            page.locator("[data-choose]").set_input_files(self._file(filename, content))
        for route in list(held):
            route.abort("connectionfailed")
        page.locator('#make[data-state="lost"]').wait_for()
        [shown] = self._window.all("#make")
        file_id = shown["data-file"]
        # Whoever leaves the page sends nothing more.
        page.goto("about:blank")
        page.unroute(PART)
        self._window.forgive("ERR_CONNECTION_FAILED", "ERR_FAILED")
        return file_id

    def goes_on(self, file_id: str, filename: str, content: bytes) -> Resumed:
        page = self._window.page
        sent: set[str] = set()
        self._window.goto(f"{MAKE}/{file_id}")
        self._window.check("resuming")
        [shown] = self._window.all("#make")
        assert (shown["data-state"], shown["data-name"]) == ("resuming", filename), f"the page shows {shown}"
        known = self._door.get(f"{UPLOADS}/{file_id}/parts")

        def notes(request: Request) -> None:
            if (number := _part_of(request)) is not None:
                sent.add(number)

        page.on("request", notes)
        verdict = self._sends(filename, content)
        assert verdict["file_id"] == file_id, f"the page began another upload, {verdict['file_id']}"
        return Resumed(verdict, len(sent), known["part_count"])

    def orders_often(self, quote: Row, wish: Row) -> Row:
        page = self._window.page
        path = f"{MAKE}/{wish['file_id']}"
        self._chooses(wish)
        page.locator('#prices button[value="checkout"]').dblclick()
        page.wait_for_url("**/shop/checkout")
        page.go_back()
        self._chooses(wish)
        self._presses("checkout")
        tab = self._window.another(path)
        tab.page.locator('#prices button[value="checkout"]').click()
        tab.page.wait_for_url("**/shop/checkout")
        tab.page.close()
        self._window.goto("/shop/cart")
        [cart] = self._window.all("[data-cart]")
        return self._order(cart["data-cart"])

    def close(self) -> None:
        """Ends the window."""
        self._folder.cleanup()
        self._window.close()

    def _sends(self, filename: str, content: bytes) -> Row:
        page = self._window.page
        page.locator("[data-choose]").set_input_files(self._file(filename, content))
        page.locator('#make:is([data-state="verified"], [data-state="refused"])').wait_for()
        [shown] = self._window.all("#make")
        self._window.check(shown["data-state"])
        verdict: Row = self._door.get(f"{UPLOADS}/{shown['data-file']}").body
        assert verdict["status"] == shown["data-state"].upper(), f"the page shows {shown['data-state']} of {verdict}"
        return verdict

    def _file(self, filename: str, content: bytes) -> Path:
        path = Path(self._folder.name) / filename
        if not path.exists():
            path.write_bytes(content)
        return path

    def _chooses(self, wish: Row) -> Row:
        """Has the wish chosen on the model's page; the quote that it shows for exactly that."""
        page = self._window.page
        path = f"{MAKE}/{wish['file_id']}"
        if not page.url.partition("?")[0].endswith(path):
            self._window.goto(path)
        page.locator(f'[data-metal="{wish["material"]}"] input').check()
        page.locator('[data-wish] [name="quantity"]').fill(str(wish["quantity"]))
        page.locator('[data-wish] [name="ring_size"]').select_option(wish.get("ring_size", ""))
        self._chooses_options(wish)
        unit = wish.get("unit", "mm")
        if unit != "mm":
            # Asked about when the size makes no sense in millimetres, and once it was said, not again.
            asked = page.locator(f'[data-unit="{unit}"]')
            asked.or_(page.locator('#prices[data-price-state="firm"]')).first.wait_for()
            if asked.count():
                asked.click()
        shown = self._priced(wish)
        self._window.check(shown["status"])
        return shown

    def _chooses_options(self, wish: Row) -> None:
        page = self._window.page
        stones = wish.get("stones", {})
        for field in self._window.all("[data-stone]"):
            count = page.locator(f'[data-stone="{field["data-stone"]}"]')
            wanted = str(stones.get(field["data-stone"], 0))
            if count.input_value() != wanted:
                # Folded up until somebody wants stones.
                page.locator('[data-fold="stones"]').evaluate("fold => { fold.open = true; }")
                count.fill(wanted)
        engraving = wish.get("engraving") or {"text": ""}
        page.locator('[data-wish] [name="engraving"]').fill(engraving["text"])
        if engraving["text"]:
            page.locator('[data-wish] [name="height"]').fill(engraving["height_mm"])
        page.locator('[data-wish] [name="plating"]').select_option(wish.get("plating") or "")

    def _priced(self, wish: Row) -> Row:
        wanted: Row = {"ring_size": None, "unit": "mm", "stones": {}, "plating": None, "engraving": None} | wish

        def shown() -> Row:
            refused = self._window.all("[data-refused]:not([hidden])")
            if refused:
                return {"refused": refused[0]["data-refused"], "detail": refused[0]["text"]}
            [prices] = self._window.all("#prices")
            quote: Row = self._door.get(f"{QUOTES}/{prices['data-quote']}").body if prices["data-quote"] else {}
            # A piece that says less than is known by now is about to be shown anew.
            is_told = prices["data-price-state"] == TOLD.get(quote.get("status", ""))
            return quote if is_told else {}

        quote = eventually(
            shown,
            lambda quote: (
                "refused" in quote or all(_is_meant(quote.get(name), value) for name, value in wanted.items())
            ),
            within_s=SHOWN_WITHIN_S,
            what=f"the page shows a price for {wanted}",
        )
        if "refused" in quote:
            self._window.forgive("status of 4")
            raise Refusal("a price", 422, {"code": quote["refused"], "detail": quote["detail"]})
        return quote

    def _presses(self, go: str) -> None:
        with self._window.page.expect_navigation():
            self._window.page.locator(f'#prices button[value="{go}"]').click()
        problem = self._window.all(".problem[data-code]")
        if problem:
            self._window.forgive("status of 4")
            raise Refusal("cart line", 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})
        self._window.check()

    def _order(self, order_id: str) -> Row:
        order: Row = self._door.get(f"{SHOP}/orders/{order_id}").body
        return order


TOLD = {"QUEUED": "coming", "ANALYSING": "coming", "ESTIMATED": "estimated", "READY": "firm", "FAILED": "failed"}
"""The state of the page's piece about prices that goes with a quote's status."""


def _part_of(request: Request) -> str | None:
    """The number of the part that a browser sends by this request."""
    found = PART.search(request.url) if request.method == "PUT" else None
    return found[1] if found else None


def _is_meant(asked: Any, wanted: Any) -> bool:
    """Whether what a quote was asked for is what is wanted; it may know more of it, as how many characters a text has."""
    return wanted.items() <= asked.items() if wanted and isinstance(asked, dict) else bool(asked == wanted)


def is_at_page(wish: Row) -> bool:
    """Whether the page offers this wish."""
    return wish["material"] in METALS and wish.get("unit", "mm") in UNITS


def line_of(quote: Row, wish: Row) -> Row:
    """The line of an order for what was wished."""
    named = ("file_id", "material", "quantity", "ring_size")
    return {"kind": "custom", "quote_id": quote["quote_id"]} | {name: wish[name] for name in named if name in wish}
