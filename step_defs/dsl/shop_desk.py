"""A customer's place at the shop, by its API or by its pages: the same questions and deeds, so that a scenario need not know which.

An order as both show it: order_id, number, status, total, promise_at, submitted_at, reason, the statuses of its `history` with their
moments, and its `shipments`. What is done with models of their own is in model_desk.py.
"""

from __future__ import annotations

from typing import Any, Protocol

from playwright.sync_api import Route

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal
from step_defs.dsl.model_desk import SHOP, BrowserModelDesk, HttpModelDesk, ModelDesk
from step_defs.dsl.person import Person

GOODS = "/shop/goods/"
CHECKOUT = "/shop/checkout"
ORDERS = "/shop/orders"
Row = dict[str, Any]
ORDER_IT = 'form.checkout button[type="submit"]'
_CONSENT_PRICES = {"agreed_total": "data-agreed", "total": "data-now"}


class ShopDesk(ModelDesk, Protocol):
    """What a customer can see and do."""

    def puts_good(self, order_id: str, sku: str, *, quantity: int, ring_size: str | None) -> Row:
        """Puts a ready-made good into the open order; the order then. Without a size: the first there is. Raises Refusal."""

    def submits(self, order_id: str, body: Row, *, key: str) -> None:
        """Presses "order". Raises Refusal."""

    def submits_unheard(self, order_id: str, body: Row, *, key: str) -> None:
        """Presses "order", and the connection breaks before the answer is there."""

    def submits_again(self, order_id: str, body: Row, *, key: str) -> None:
        """The same press of the same button. Raises Refusal."""

    def shown(self, order_id: str) -> Row:
        """The order as it is now."""

    def answers_price(self, order_id: str, *, accept: bool, total: Row) -> None:
        """A word on the price that waits for it. Raises Refusal."""

    def cancels(self, order_id: str) -> int:
        """Asks to cancel: 200 it is cancelled, 202 it is asked for. Raises Refusal."""

    def letters(self, order_id: str) -> list[Row]:
        """What customer and sellers wrote to each other: side and text, the oldest first."""

    def writes(self, order_id: str, text: str) -> None:
        """Writes to the sellers. Raises Refusal."""

    def opens_case(self, order_id: str, kind: str, reason: str, text: str) -> None:
        """Returns the order, or complains of it: `return` or `complaint`, and a reason of the pages' list. Raises Refusal."""

    def cases(self, order_id: str) -> list[Row]:
        """The order's returns and complaints: kind, state, what sellers said as `answers`, and `return_to`."""

    def orders(self) -> list[Row]:
        """The customer's own list: order_id and number."""

    def close(self) -> None:
        """Leaves."""


class HttpShopDesk(HttpModelDesk):
    """By the API."""

    def puts_good(self, order_id: str, sku: str, *, quantity: int, ring_size: str | None) -> Row:
        line = {"kind": "ready_made", "sku": sku, "quantity": quantity}
        sizes = self._door.get(f"{SHOP}/products/{sku}")["ring_sizes"]
        if sizes:
            line["ring_size"] = ring_size or sizes[0]
        order: Row = self._door.post(f"{SHOP}/orders/{order_id}/lines", line)["order"]
        return order

    def submits(self, order_id: str, body: Row, *, key: str) -> None:
        self._door.post(f"{SHOP}/orders/{order_id}/submission", body, key=key)

    submits_again = submits
    # Whoever hears no answer knows nothing of it.
    submits_unheard = submits

    def shown(self, order_id: str) -> Row:
        order: Row = self._door.get(f"{SHOP}/orders/{order_id}").body
        return order

    def answers_price(self, order_id: str, *, accept: bool, total: Row) -> None:
        self._door.post(f"{SHOP}/orders/{order_id}/consent", {"accept": accept, "total": total})

    def cancels(self, order_id: str) -> int:
        return self._door.post(f"{SHOP}/orders/{order_id}/cancellation", {"reason": "I changed my mind"}).status

    def letters(self, order_id: str) -> list[Row]:
        items: list[Row] = self._door.get(f"{SHOP}/orders/{order_id}/letters")["items"]
        return items

    def writes(self, order_id: str, text: str) -> None:
        self._door.post(f"{SHOP}/orders/{order_id}/letters", {"text": text})

    def opens_case(self, order_id: str, kind: str, reason: str, text: str) -> None:
        self._door.post(f"{SHOP}/orders/{order_id}/letters", {"text": text, "kind": kind, "reason": reason})

    def cases(self, order_id: str) -> list[Row]:
        return [
            {
                "kind": case["kind"],
                "state": case["state"],
                "answers": [step["text"] for step in case["steps"] if step["side"] == "seller"],
                "return_to": case["return_to"],
            }
            for case in self._door.get(f"{SHOP}/orders/{order_id}/letters")["cases"]
        ]

    def orders(self) -> list[Row]:
        items: list[Row] = self._door.get(f"{SHOP}/orders")["items"]
        return items

    def close(self) -> None:
        """Nothing is open."""


class BrowserShopDesk(BrowserModelDesk):
    """By the pages, in a real browser. What a page offers no button for is refused by what the page shows instead."""

    def __init__(self, window: Window, door: Door) -> None:
        super().__init__(window, door)
        self._sent: dict[str, str] = {}

    def puts_good(self, order_id: str, sku: str, *, quantity: int, ring_size: str | None) -> Row:
        page = self._window.page
        self._window.goto(f"{GOODS}{sku}")
        sizes = [each["value"] for each in self._window.all('.put [name="ring_size"]')]
        if sizes:
            page.locator(f'.put label:has([value="{ring_size or sizes[0]}"])').click()
        page.locator('.put [name="quantity"]').fill(str(quantity))
        with page.expect_navigation():
            page.locator('.put button[type="submit"]').click()
        self._refused("cart line")
        self._window.check()
        [cart] = self._window.all("[data-cart]")
        assert cart["data-cart"] == order_id, f"it was put into {cart['data-cart']} and not into {order_id}"
        return self._order(order_id)

    def submits(self, order_id: str, body: Row, *, key: str) -> None:
        page = self._window.page
        self._fills_form(order_id, body)
        with page.expect_navigation():
            page.locator(ORDER_IT).click()
        self._refused("submission")
        self._window.check()
        assert page.url.endswith(f"{ORDERS}/{order_id}"), f"the order led to {page.url}"

    def submits_unheard(self, order_id: str, body: Row, *, key: str) -> None:
        page = self._window.page
        self._fills_form(order_id, body)
        page.route(f"**{CHECKOUT}", _breaks_off)
        page.locator(ORDER_IT).click()
        page.wait_for_url("chrome-error://**")
        page.unroute(f"**{CHECKOUT}")
        self._window.forgive("ERR_CONNECTION_RESET")
        self._window.goto(ORDERS)

    def _fills_form(self, order_id: str, body: Row) -> None:
        page = self._window.page
        self._window.goto(CHECKOUT)
        [total] = self._window.all("form.checkout [data-total]")
        assert total["data-total"] == body["agreed_total"]["amount"], f"the page shows {total['data-total']}"
        typed = body["delivery"] | {name: body["customer"][name] for name in ("name", "email", "phone")}
        for name, value in typed.items():
            page.locator(f'form.checkout [name="{name}"]').fill(value)
        page.locator('form.checkout [name="language"]').select_option(body["customer"]["language"])
        self._sent = page.evaluate(_FORM)
        assert self._sent["order"] == order_id, f"the form is about {self._sent['order']} and not about {order_id}"

    def submits_again(self, order_id: str, body: Row, *, key: str) -> None:
        led_to = self._window.page.evaluate(_SEND_AGAIN, [CHECKOUT, self._sent])
        assert led_to.endswith(f"{ORDERS}/{order_id}"), f"the same form led to {led_to}"

    def shown(self, order_id: str) -> Row:
        self._window.goto(f"{ORDERS}/{order_id}")
        [order] = self._window.all("[data-order]")
        totals = [each["data-total"] for each in self._window.all(".my-order [data-total]")]
        return {
            "order_id": order["data-order"],
            "number": order["data-number"],
            "status": order["data-status"],
            "total": {"amount": totals[0], "currency": "RUB"} if totals else None,
            "promise_at": order["data-promised"] or None,
            "submitted_at": order["data-submitted"] or None,
            "reason": next((each["data-reason"] for each in self._window.all("[data-reason]")), None),
            "consent": self._consent(),
            "history": [{"status": each["data-moment"]} for each in self._window.all("[data-moment]")],
            "shipments": [
                {"carrier": each["data-carrier"], "tracking_number": each["data-parcel"]}
                for each in self._window.all("[data-parcel]")
            ],
        }

    def _consent(self) -> Row | None:
        """What the page asks about the price, if it does."""
        asked = self._window.all("section.consent")
        if not asked:
            return None
        prices = {name: {"amount": asked[0][told], "currency": "RUB"} for name, told in _CONSENT_PRICES.items()}
        return {"reasons": asked[0]["data-reasons"].split()} | prices

    def answers_price(self, order_id: str, *, accept: bool, total: Row) -> None:
        self._window.goto(f"{ORDERS}/{order_id}")
        form = self._window.page.locator('form[data-action="consent"]')
        assert form.count(), "the page asks for no answer"
        assert form.locator('[name="amount"]').input_value() == total["amount"], "the page asks about another price"
        self._deeds("consent", f'button[value="{"accept" if accept else "decline"}"]')

    def cancels(self, order_id: str) -> int:
        shown = self.shown(order_id)
        fold = self._window.page.locator('details[data-fold="cancellation"]')
        if not fold.count():
            said = f"the page offers no cancellation, and shows {shown['status']}"
            raise Refusal("cancellation", 409, {"code": "cancellation-refused", "detail": said})
        fold.locator("summary").click()
        self._window.page.locator('form[data-action="cancellation"] [name="reason"]').fill("I changed my mind")
        self._deeds("cancellation", 'button[type="submit"]')
        [order] = self._window.all("[data-order]")
        return 200 if order["data-status"] == "CANCELLED" else 202

    def letters(self, order_id: str) -> list[Row]:
        self._window.goto(f"{ORDERS}/{order_id}")
        words = self._window.all("[data-letter] p")
        return [
            {"side": letter["data-letter"], "text": word["text"]}
            for letter, word in zip(self._window.all("[data-letter]"), words, strict=True)
        ]

    def writes(self, order_id: str, text: str) -> None:
        self._window.goto(f"{ORDERS}/{order_id}")
        self._window.page.locator('form[data-action="letters"] [name="text"]').fill(text)
        self._deeds("letters", 'button[type="submit"]')

    def opens_case(self, order_id: str, kind: str, reason: str, text: str) -> None:
        shown = self.shown(order_id)
        page = self._window.page
        wish = page.locator(f'form[data-action="cases"] [name="kind"][value="{kind}"]')
        if not wish.count():
            said = f"the page offers no {kind}, and shows {shown['status']}"
            code = "case-already-open" if kind == "complaint" else "return-too-early"
            raise Refusal(kind, 409, {"code": code, "detail": said})
        page.locator('details[data-fold="cases"] > summary').click()
        wish.check()
        page.locator('form[data-action="cases"] [name="reason"]').select_option(reason)
        page.locator('form[data-action="cases"] [name="text"]').fill(text)
        self._deeds("cases", 'button[type="submit"]')

    def cases(self, order_id: str) -> list[Row]:
        self._window.goto(f"{ORDERS}/{order_id}")
        found = self._window.all("[data-case]")
        return [
            {
                "kind": case["data-kind"],
                "state": case["data-state"],
                "answers": [each["text"] for each in self._window.all(f"{_of(case)} [data-case-step] p")],
                "return_to": next(
                    (each["data-return-to"] for each in self._window.all(f"{_of(case)} [data-return-to]")), None
                ),
            }
            for case in found
        ]

    def orders(self) -> list[Row]:
        self._window.goto(ORDERS)
        rows = self._window.all(".order-row")
        return [{"order_id": row["id"].removeprefix("o-"), "number": row["data-number"]} for row in rows]

    def _deeds(self, action: str, button: str) -> None:
        """Presses a button of the order's page, which htmx answers in its place."""
        with self._window.page.expect_response(lambda answer: answer.url.endswith(f"/{action}")):
            self._window.page.locator(f'form[data-action="{action}"] {button}').click()
        self._window.page.locator("#order:not(:has(.htmx-request))").wait_for()
        self._refused(action)

    def _refused(self, what: str) -> None:
        problem = self._window.all(".problem[data-code]")
        if problem:
            # The page's status says so too, and the browser reports that as a fault.
            self._window.forgive("status of 4")
            raise Refusal(what, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})


def _of(case: Row) -> str:
    return f'[data-case="{case["data-case"]}"]'


def shop_desk_of(person: Person) -> ShopDesk:
    """Somebody's place at the shop: its API or its pages, whichever this run is about."""
    door = person.door
    browser = person.world.backstage.browser
    if browser is None or person.shares_session or person.roles:
        return HttpShopDesk(door)
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserShopDesk(window, door)


def _breaks_off(route: Route) -> None:
    """The form arrives, and its answer does not."""
    route.fetch(max_redirects=0)
    route.abort("connectionreset")


_FORM = "() => Object.fromEntries(new FormData(document.querySelector('form.checkout')))"
_SEND_AGAIN = (
    """async ([address, form]) => (await fetch(address, { method: "POST", body: new URLSearchParams(form) })).url"""
)
