"""A seller's place at CRM, by its API or by its pages: the same questions and deeds, so that a scenario need not know which.

An order as both show it: order_id, status, decision (kind or None), decided_by. A story: `statuses` oldest first, the types of the
`messages` in it, the states of those that went wrong as `trouble`, who had it tried again as `deeds`, and the deed that helps an order
which hangs as `advice`, else None.
"""

from __future__ import annotations

from typing import Any, Protocol

from step_defs.drivers import picture
from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal
from step_defs.drivers.picture import Picture
from step_defs.dsl.desk import CUT_OFF, Stream

CRM = "/api/crm/v1"
QUEUE = "/crm/"
PAGES_MAX = 40
QUEUE_ROWS = "#queue > .row"
QUEUE_MORE = "#queue > .more a"
Shown = dict[str, Any]


OPENED_TRIES_MAX = 5
LOOKED_AFTER_MS = 100


class SalesDesk(Protocol):
    """What a seller can see and do."""

    def shown(self, order_id: str) -> Shown:
        """The order as it is now."""

    def engravings(self, order_id: str) -> list[str]:
        """What is engraved on the order's pieces."""

    def decides(self, order_id: str, what: str, **fields: str) -> None:
        """One decision: approval, rejection, closure, cancellation. Raises Refusal."""

    def asks(self, order_id: str, text: str) -> None:
        """Asks the order's customer."""

    def letters(self, order_id: str) -> list[Shown]:
        """What customer and sellers wrote to each other: side and text, the oldest first."""

    def has_in_queue(self, order_id: str) -> bool:
        """Whether the order is in the queue of orders that wait for approval."""

    def waits_for_word(self, order_id: str) -> bool:
        """Whether a return or a complaint about the order is among those that wait for us, above the queue."""

    def answers_case(self, order_id: str, what: str, text: str) -> None:
        """A word on the newest return or complaint about the order: acceptance, refusal, question, closure. Raises Refusal."""

    def picture(self, order_id: str) -> Picture | None:
        """What the order's first piece looks like in the queue; None while nothing is there."""

    def found_by(self, query: str) -> list[str]:
        """The ids of the orders that a search shows."""

    def story(self, order_id: str) -> Shown:
        """Everything that happened to the order, and what to do."""

    def repairs(self, order_id: str) -> None:
        """Has the order tried again, as its story offers. Raises Refusal."""

    def exports(self, order_id: str) -> bytes:
        """The archive of the order's scenario, as its story offers it."""

    def open_queue(self) -> None:
        """Opens the queue and leaves it open."""

    def on_open_queue(self, order_id: str) -> Shown | None:
        """What the queue that was opened shows of an order by now, without asking for anything."""

    def close(self) -> None:
        """Leaves."""


class HttpSalesDesk:
    """By the API. An open queue is its stream of changes."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._stream: Stream | None = None

    def shown(self, order_id: str) -> Shown:
        return _of_api(self._door.get(f"{CRM}/orders/{order_id}").body)

    def engravings(self, order_id: str) -> list[str]:
        lines = self._door.get(f"{CRM}/orders/{order_id}").body["lines"]
        extras = [line["extras"] for line in lines if line["extras"]]
        return [each["engraving"]["text"] for each in extras if each["engraving"]]

    def decides(self, order_id: str, what: str, **fields: str) -> None:
        self._door.post(f"{CRM}/orders/{order_id}/{what}", fields)

    def asks(self, order_id: str, text: str) -> None:
        self._door.post(f"{CRM}/orders/{order_id}/questions", {"text": text})

    def letters(self, order_id: str) -> list[Shown]:
        written = self._door.get(f"{CRM}/orders/{order_id}").body["letters"]
        return [{"side": letter["side"], "text": letter["text"]} for letter in written]

    def has_in_queue(self, order_id: str) -> bool:
        return self._in_queue(order_id) is not None

    def _in_queue(self, order_id: str) -> Shown | None:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self._door.get(f"{CRM}/approvals", limit=100, cursor=cursor).body
            found: list[Shown] = [item for item in page["items"] if item["order_id"] == order_id]
            if found:
                return found[0]
            cursor = page["next"]
            if cursor is None:
                return None
        raise AssertionError(f"more than {PAGES_MAX} pages of orders wait for approval")

    def waits_for_word(self, order_id: str) -> bool:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self._door.get(f"{CRM}/cases", limit=100, cursor=cursor).body
            if order_id in {item["order_id"] for item in page["items"]}:
                return True
            cursor = page["next"]
            if cursor is None:
                return False
        raise AssertionError(f"more than {PAGES_MAX} pages of returns and complaints")

    def answers_case(self, order_id: str, what: str, text: str) -> None:
        case = self._door.get(f"{CRM}/orders/{order_id}").body["cases"][-1]
        self._door.post(f"{CRM}/orders/{order_id}/cases/{case['case_id']}/{what}", {"text": text})

    def picture(self, order_id: str) -> Picture | None:
        order = self._in_queue(order_id)
        try:
            return picture.fetched(self._door, order["first_piece"]["file_id"]) if order else None
        except Refusal:
            return None

    def found_by(self, query: str) -> list[str]:
        return [item["order_id"] for item in self._door.get(f"{CRM}/orders", query=query).body["items"]]

    def story(self, order_id: str) -> Shown:
        told = self._door.get(f"{CRM}/orders/{order_id}/story").body
        lines = told["lines"]
        return {
            "statuses": [line["text"] for line in reversed(lines) if line["kind"] == "status"],
            "messages": {line["type"] for line in (*lines, *told["messages"]) if line["type"]},
            "trouble": [line["state"] for line in lines if line["kind"] == "trouble"],
            "deeds": [line["actor"] for line in lines if line["kind"] == "deed"],
            "advice": told["advice"]["action"] if told["advice"] else None,
        }

    def repairs(self, order_id: str) -> None:
        self._door.post(f"{CRM}/orders/{order_id}/repair")

    def exports(self, order_id: str) -> bytes:
        return self._door.fetch(f"{CRM}/orders/{order_id}/scenario")

    def open_queue(self) -> None:
        self._stream = Stream(self._door, "/crm/events", name="order", key="order_id")

    def on_open_queue(self, order_id: str) -> Shown | None:
        assert self._stream is not None, "no queue is open"
        said = self._stream.rows.get(order_id)
        return said and {name: said[name] for name in ("order_id", "status", "waits", "decided_by")}

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class BrowserSalesDesk:
    """By the pages, in a real browser. What a page offers no button for is refused by what the page shows instead."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._queue: Window | None = None

    def shown(self, order_id: str) -> Shown:
        self._window.goto(f"/crm/orders/{order_id}")
        if self._window.all('form[action="/sign-in"]'):
            raise Refusal("open an order", 401, {"code": "sign-in-required", "detail": "the page leads to the sign-in"})
        return self._order()

    def engravings(self, order_id: str) -> list[str]:
        self.shown(order_id)
        return [text["text"] for text in self._window.all("#order .engraved")]

    def decides(self, order_id: str, what: str, **fields: str) -> None:
        before = self.shown(order_id)
        page = self._window.page
        form = page.locator(f'#order form[data-action="{what}"]')
        if not form.count():
            raise self._not_offered(what, before)
        # A press that meets the moment in which the order is shown anew opens what is no longer there.
        for _ in range(OPENED_TRIES_MAX):
            if form.is_visible():
                break
            page.locator(f'#order details[data-fold="{what}"] > summary').click()
            page.wait_for_timeout(LOOKED_AFTER_MS)
        for name, value in fields.items():
            form.locator(f'[name="{name}"]').fill(value)
        with page.expect_response(lambda answer: answer.url.endswith(f"/{what}")):
            form.locator('button[type="submit"]').click()
        # The answer replaces the order; the form that was sent is gone, or is there again without its request.
        page.locator("#order:not(:has(.htmx-request))").wait_for()
        problem = self._window.all("#order .problem")
        if problem:
            raise Refusal(what, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})

    def asks(self, order_id: str, text: str) -> None:
        self.decides(order_id, "question", text=text)

    def letters(self, order_id: str) -> list[Shown]:
        self._window.goto(f"/crm/orders/{order_id}")
        return [
            {"side": letter["data-letter"], "text": letter["text"].splitlines()[0]}
            for letter in self._window.all("[data-letter]")
        ]

    def has_in_queue(self, order_id: str) -> bool:
        self._window.goto(QUEUE)
        pages = self._window.pages_of(QUEUE_ROWS, more=QUEUE_MORE)
        return any(self._window.all(f'#o-{order_id}[data-waits="yes"]') for _ in pages)

    def waits_for_word(self, order_id: str) -> bool:
        self._window.goto(QUEUE)
        if self._window.all(f'#cases [data-order="{order_id}"]'):
            return True
        # Above the queue stand the first few; the others have a page of their own.
        self._window.goto("/crm/cases")
        pages = self._window.pages_of("#case-list [data-order]", more="#case-list .more a")
        return any(self._window.all(f'#case-list [data-order="{order_id}"]') for _ in pages)

    def answers_case(self, order_id: str, what: str, text: str) -> None:
        before = self.shown(order_id)
        page = self._window.page
        fold = page.locator(f'#order .case details:has(form[data-action$="/{what}"])').last
        if not fold.count():
            raise self._not_offered(what, before)
        for _ in range(OPENED_TRIES_MAX):
            if fold.locator("form").is_visible():
                break
            fold.locator("summary").click()
            page.wait_for_timeout(LOOKED_AFTER_MS)
        fold.locator('[name="text"]').fill(text)
        with page.expect_response(lambda answer: answer.url.endswith(f"/{what}")):
            fold.locator('button[type="submit"]').click()
        page.locator("#order:not(:has(.htmx-request))").wait_for()
        problem = self._window.all("#order .problem")
        if problem:
            raise Refusal(what, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})

    def picture(self, order_id: str) -> Picture | None:
        return picture.shown(self._window, f"#o-{order_id} img.thumbnail") if self.has_in_queue(order_id) else None

    def found_by(self, query: str) -> list[str]:
        self._window.goto("/crm/search")
        page = self._window.page
        page.locator('main [name="query"]').fill(query)
        page.locator("main .filters button").click()
        page.wait_for_load_state()
        self._window.check()
        order = self._window.all("#order")
        if order:
            return [order[0]["data-order"]]
        return [row["id"].removeprefix("o-") for row in self._window.all("#found > .row")]

    def story(self, order_id: str) -> Shown:
        self._window.goto(f"/crm/orders/{order_id}")
        self._window.page.locator("#story .story").wait_for()
        self._window.check()
        lines = self._window.all("#story .history > li")
        advice = self._window.all(".advice")
        return {
            "statuses": [line["data-code"] for line in reversed(lines) if line["data-kind"] == "status"],
            "messages": {line["data-type"] for line in lines if line["data-kind"] in ("message", "trouble")},
            "trouble": [line["data-state"] for line in lines if line["data-kind"] == "trouble"],
            "deeds": [line["data-by"] for line in lines if line["data-kind"] == "deed"],
            # What hangs in our own systems comes before what only takes too long.
            "advice": next((each["data-advice"] for each in reversed(advice)), None),
        }

    def repairs(self, order_id: str) -> None:
        page = self._window.page
        self.story(order_id)
        form = page.locator('form[data-action="repair"]').first
        with page.expect_response(lambda answer: answer.url.endswith("/repair")):
            form.locator("button").click()
        page.locator("#order:not(:has(.htmx-request))").wait_for()
        problem = self._window.all("#order .problem")
        if problem:
            raise Refusal("repair", 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})

    def exports(self, order_id: str) -> bytes:
        self.story(order_id)
        with self._window.page.expect_download() as saved:
            self._window.page.locator("#story [data-export]").click()
        return saved.value.path().read_bytes()

    def open_queue(self) -> None:
        self._queue = self._window.another(QUEUE)
        self._queue.page.locator(".live.on").wait_for()
        # To its end: the newest order waits longest, and comes to a page that is loaded already only when all are.
        for _ in self._queue.pages_of(QUEUE_ROWS, more=QUEUE_MORE):
            pass

    def on_open_queue(self, order_id: str) -> Shown | None:
        assert self._queue is not None, "no queue is open"
        self._queue.forgive(*CUT_OFF)
        found = self._queue.all(f"#o-{order_id}")
        if not found:
            return None
        row = found[0]
        return {
            "order_id": order_id,
            "status": row["data-status"],
            "waits": row["data-waits"] == "yes",
            "decided_by": row["data-by"] or None,
        }

    def close(self) -> None:
        self._window.close()

    def _order(self) -> Shown:
        order = self._window.all("#order")[0]
        return {
            "order_id": order["data-order"],
            "status": order["data-status"],
            "decision": order["data-decision"] or None,
            "decided_by": order["data-by"] or None,
        }

    @staticmethod
    def _not_offered(what: str, shown: Shown) -> Refusal:
        """What somebody understands from a page that offers no such button."""
        if what in ("approval", "rejection"):
            code = "order-already-decided" if shown["decision"] else "order-not-awaiting-approval"
        else:
            code = "transition-not-allowed"
        return Refusal(what, 409, {"code": code, "detail": f"the page offers no {what}, and shows {shown['status']}"})


def _of_api(view: Shown) -> Shown:
    decision = view["decision"] or {}
    return {
        "order_id": view["order_id"],
        "status": view["status"],
        "decision": decision.get("kind"),
        "decided_by": decision.get("seller_name"),
    }
