"""A place at MES, by its API or by its pages: the same questions and deeds, so that a scenario need not know which.

A row is what both show of a work order: work_order_id, order_number, state, approved_at, claimed_by; a card also lapses_at.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import httpx
from playwright.sync_api import Locator

from step_defs.drivers import picture
from step_defs.drivers.address import trust
from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal, Trouble
from step_defs.drivers.picture import Picture

if TYPE_CHECKING:
    from step_defs.dsl.person import Person

MES = "/api/mes/v1"
PAGES = "/mes/"
CARD = "/mes/work-orders/"
PAGES_MAX = 40
CLAIM_AT_ONCE_IN_S = 0.4
RECONNECT_S = 0.5
# A thread that waits for a line hears of the end with the next beat at the latest.
BEAT_S_MAX = 8.0
Row = dict[str, Any]


class Desk(Protocol):
    """What an operator can see and do."""

    def rows(self, **filters: str) -> Iterator[Row]:
        """The board with these filters (status, material, channel, escalated, number), newest approved first."""

    def mine(self) -> list[Row]:
        """What the operator holds."""

    def picture(self, work_order_id: str, *, number: str) -> Picture | None:
        """What the piece looks like on the board's row; None while nothing is there."""

    def engraving(self, work_order_id: str) -> str | None:
        """What is to be engraved on the piece, as its card says."""

    def shown(self, work_order_id: str) -> Row:
        """One work order as it is now."""

    def act(self, work_order_id: str, action: str, **fields: str) -> Row:
        """One action on a work order. Raises Refusal."""

    def weighs(self, work_order_id: str, *, confirmed: bool = False, **grams: Decimal) -> None:
        """Enters what it weighs (cast, finished). `confirmed`: stands by what was just asked about. Raises Refusal."""

    def losses(self) -> list[Row]:
        """Metal lost in the last days, as far as one may see: operator_name, operator_id, material, lost_g."""

    def prints_label(self, work_order_id: str) -> Row:
        """What the label to be printed shows: order_number, the address in its code, and all its text."""

    def scans(self, code: str) -> Row:
        """Scans a code at the board: the card that opens."""

    def types(self, number: str) -> Row:
        """Types a number at the board: the card that opens."""

    def looks_at(self, work_order_id: str) -> None:
        """Has it before the eyes, with the hand at the button."""

    def claim_at(self, work_order_id: str, moment: float) -> None:
        """Presses the button at a moment (seconds since the epoch), after `looks_at`; `claimed` says how it ended."""

    def claimed(self, work_order_id: str) -> Row:
        """How `claim_at` ended. Raises Refusal."""

    def pay(self) -> list[Row]:
        """The own ledger, newest first: order_number, kind, amount."""

    def open_board(self) -> None:
        """Opens the board and leaves it open."""

    def on_open_board(self, work_order_id: str) -> Row | None:
        """What the board that was opened shows of a work order by now, without asking for anything."""

    def was_cut_off(self) -> bool:
        """Whether the open board noticed that it lost its connection, and said so. What that cost is forgiven."""

    def close(self) -> None:
        """Leaves."""


class HttpDesk:
    """By the API. An open board is its stream of changes."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._claims: dict[str, tuple[threading.Thread, list[Any]]] = {}
        self._stream: Stream | None = None

    def rows(self, **filters: str) -> Iterator[Row]:
        number = filters.pop("number", "")
        for row in self._pages(f"{MES}/work-orders", **filters):
            if str(row["order_number"]).startswith(number):
                yield row

    def mine(self) -> list[Row]:
        return list(self._pages(f"{MES}/work-orders", mine="true"))

    def picture(self, work_order_id: str, *, number: str) -> Picture | None:
        [file_id] = [row["file_id"] for row in self.rows(number=number) if row["work_order_id"] == work_order_id]
        try:
            return picture.fetched(self._door, file_id)
        except Refusal:
            return None

    def engraving(self, work_order_id: str) -> str | None:
        extras = self.shown(work_order_id)["extras"]
        return extras["engraving"]["text"] if extras and extras["engraving"] else None

    def shown(self, work_order_id: str) -> Row:
        row: Row = self._door.get(f"{MES}/work-orders/{work_order_id}").body
        return row

    def act(self, work_order_id: str, action: str, **fields: str) -> Row:
        row: Row = self._door.post(f"{MES}/work-orders/{work_order_id}/{action}", fields).body
        return row

    def weighs(self, work_order_id: str, *, confirmed: bool = False, **grams: Decimal) -> None:
        weights = {f"{stage}_g": str(weight) for stage, weight in grams.items()}
        self._door.post(f"{MES}/work-orders/{work_order_id}/weighings", weights | {"confirmed": confirmed})

    def losses(self) -> list[Row]:
        lines: list[Row] = self._door.get(f"{MES}/losses").body["lines"]
        return lines

    def prints_label(self, work_order_id: str) -> Row:
        page = str(self._door.get(f"{CARD}{work_order_id}/slip").body)
        label = page.split('<article class="label"')[1].split("</article>")[0]
        attributes = dict(re.findall(r'data-(\w+)="([^"]*)"', label))
        return _label(attributes, re.sub(r"\s*<[^>]*>\s*", " ", f"<{label}"))

    def scans(self, code: str) -> Row:
        reply = self._door.get("/mes/scan", code=code)
        assert reply.status == 303, f"{code} opened no card: {reply.status}"
        return self.shown(reply.headers["location"].removeprefix(CARD))

    types = scans

    def looks_at(self, work_order_id: str) -> None:
        assert self.shown(work_order_id)["state"] == "RELEASED", "it is not free"

    def claim_at(self, work_order_id: str, moment: float) -> None:
        result: list[Any] = []

        def press() -> None:
            time.sleep(max(0.0, moment - time.time()))
            try:
                result.append(self.act(work_order_id, "claim"))
            except AssertionError as error:
                result.append(error)

        thread = threading.Thread(target=press)
        thread.start()
        self._claims[work_order_id] = thread, result

    def claimed(self, work_order_id: str) -> Row:
        thread, result = self._claims.pop(work_order_id)
        thread.join()
        if isinstance(result[0], AssertionError):
            raise result[0]
        row: Row = result[0]
        return row

    def pay(self) -> list[Row]:
        return [entry | {"amount": entry["amount"]["amount"]} for entry in self._pages(f"{MES}/pay")]

    def open_board(self) -> None:
        self._stream = Stream(self._door, "/mes/events", name="work-order", key="work_order_id")

    def on_open_board(self, work_order_id: str) -> Row | None:
        assert self._stream is not None, "no board is open"
        return self._stream.rows.get(work_order_id)

    def was_cut_off(self) -> bool:
        assert self._stream is not None, "no board is open"
        return self._stream.interruptions > 0

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _pages(self, path: str, **filters: Any) -> Iterator[Row]:
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self._door.get(path, limit=100, cursor=cursor, **filters).body
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return
        raise AssertionError(f"more than {PAGES_MAX} pages of {path}")


class Stream:
    """The stream that keeps a list fresh, read in a thread. `rows` has the newest word on each thing, by its `key`.

    As a browser does: one that ends is asked for again, from the last event that came.
    """

    def __init__(self, door: Door, path: str, *, name: str, key: str) -> None:
        assert door.token is not None, "nobody is signed in"
        self._name, self._key = name, key
        self.rows: dict[str, Row] = {}
        self.interruptions = 0
        self._last = ""
        self._closed = threading.Event()
        self._client = httpx.Client(verify=trust(door.address.ca_file), timeout=httpx.Timeout(5, read=30))
        self._address = f"{door.address.url}{path}"
        self._token = f"Bearer {door.token}"
        # The first one here, so that a list that cannot be opened fails at once.
        response = self._open = self._ask()
        self._thread = threading.Thread(target=self._keep_reading, args=(response,), daemon=True)
        self._thread.start()

    def _ask(self) -> httpx.Response:
        headers = {"Authorization": self._token} | ({"Last-Event-ID": self._last} if self._last else {})
        response = self._client.send(self._client.build_request("GET", self._address, headers=headers), stream=True)
        if response.status_code != 200:
            response.close()
            raise Trouble(f"the stream {self._address} answered {response.status_code}")
        return response

    def _keep_reading(self, response: httpx.Response) -> None:
        opened: httpx.Response | None = response
        while not self._closed.is_set():
            try:
                opened = self._open = opened or self._ask()
                self._read(opened)
            except (httpx.HTTPError, httpx.StreamError, Trouble, RuntimeError):
                self._closed.wait(RECONNECT_S)
            finally:
                if opened is not None:
                    opened.close()
                opened = None
            if not self._closed.is_set():
                self.interruptions += 1

    def _read(self, response: httpx.Response) -> None:
        name = ""
        for line in response.iter_lines():
            if self._closed.is_set():
                return
            field, _, value = line.partition(": ")
            if field == "id":
                self._last = value
            elif field == "event":
                name = value
            elif field == "data" and name == self._name:
                said = json.loads(value)
                self.rows[said[self._key]] = said

    def close(self) -> None:
        """Ends it."""
        self._closed.set()
        self._open.close()
        self._thread.join(timeout=BEAT_S_MAX)
        self._client.close()


class BrowserDesk:
    """By the pages, in a real browser. What a page offers no button for is refused by what the page shows instead."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._board: Window | None = None

    def rows(self, **filters: str) -> Iterator[Row]:
        query = "&".join(f"{name}={value}" for name, value in filters.items())
        self._window.goto(f"{PAGES}?{query}" if query else PAGES)
        seen = 0
        for _ in self._window.pages_of("#board > .row", more="#board > .more a"):
            rows = self._window.all("#board > .row")[seen:]
            yield from (self._row(row) for row in rows)
            seen += len(rows)

    def mine(self) -> list[Row]:
        self._window.goto("/mes/mine")
        return [self._card(card) for card in self._window.all(".work")]

    def picture(self, work_order_id: str, *, number: str) -> Picture | None:
        self._window.goto(f"{PAGES}?number={number}")
        return picture.shown(self._window, f"#wo-{work_order_id} img.thumbnail")

    def engraving(self, work_order_id: str) -> str | None:
        self.shown(work_order_id)
        return next((text["text"] for text in self._window.all(".work .engraved")), None)

    def shown(self, work_order_id: str) -> Row:
        self._window.goto(f"/mes/work-orders/{work_order_id}")
        return self._card(self._window.all(".work")[0])

    def act(self, work_order_id: str, action: str, **fields: str) -> Row:
        card = self.shown(work_order_id)
        form = self._window.page.locator(f'.actions form[data-action="{action}"]')
        if not form.count():
            raise self._not_offered(action, card)
        if not form.is_visible():
            self._window.page.locator(f'.actions details:has(form[data-action="{action}"]) > summary').click()
        for name, value in fields.items():
            field = form.locator(f'[name="{name}"]')
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)
        return self._sends(form, action)

    def _sends(self, form: Locator, action: str) -> Row:
        # An answer that has come is not yet shown: what is on the page now is marked, and waited out.
        work = self._window.page.locator(".work")
        work.first.evaluate("work => work.dataset.asked = ''")
        with self._window.page.expect_response(lambda answer: answer.url.endswith(f"/{action}")):
            form.locator('button[type="submit"]').click()
        self._window.page.locator(".work:not([data-asked])").first.wait_for()
        problem = self._window.all(".work .problem")
        if problem:
            raise Refusal(action, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})
        return self._card(self._window.all(".work")[0])

    def weighs(self, work_order_id: str, *, confirmed: bool = False, **grams: Decimal) -> None:
        form = self._window.page.locator('form[data-action="weighing"]')
        # What was asked about is on the page still, and is confirmed there.
        if not confirmed:
            card = self.shown(work_order_id)
            if not form.count():
                raise self._not_offered("weighing", card)
        for stage, weight in grams.items():
            form.locator(f'[name="{stage}"]').fill(str(weight).replace(".", ","))
        self._sends(form, "weighing")

    def losses(self) -> list[Row]:
        self._window.goto("/mes/losses")
        names = {"operator_name": "data-operator", "operator_id": "data-operator-id", "material": "data-material"}
        return [
            {name: row[attribute] for name, attribute in names.items()} | {"lost_g": row["data-lost"] or None}
            for row in self._window.all("[data-loss]")
        ]

    def prints_label(self, work_order_id: str) -> Row:
        self.shown(work_order_id)
        self._window.page.locator("[data-slip]").click()
        self._window.page.locator(".label .code svg").wait_for()
        self._window.check()
        [label] = self._window.all(".label")
        return _label({name.removeprefix("data-"): value for name, value in label.items()}, label["text"])

    def scans(self, code: str) -> Row:
        self._window.goto(PAGES)
        # As a scanner does: keys without a pause, wherever the keyboard is, and Enter.
        self._window.page.keyboard.type(code)
        return self._opened()

    def types(self, number: str) -> Row:
        self._window.goto(PAGES)
        self._window.page.locator("[data-scan]").fill(number)
        return self._opened()

    def _opened(self) -> Row:
        self._window.page.keyboard.press("Enter")
        self._window.page.locator(".work").wait_for()
        return self._card(self._window.all(".work")[0])

    def looks_at(self, work_order_id: str) -> None:
        self._window.goto(PAGES)
        self._window.page.locator(_BUTTON.format(work_order_id)).wait_for()

    def claim_at(self, work_order_id: str, moment: float) -> None:
        self._window.page.evaluate(
            "([selector, at]) => setTimeout(() => document.querySelector(selector)?.click(), at - Date.now())",
            [_BUTTON.format(work_order_id), moment * 1000],
        )

    def claimed(self, work_order_id: str) -> Row:
        window = self._window
        row = f"#wo-{work_order_id}"
        window.page.locator(f"{row}:not(.released)").wait_for()
        shown = self._row(window.all(row)[0])
        if shown["mine"]:
            return shown
        raise self._not_offered("claim", shown)

    def pay(self) -> list[Row]:
        self._window.goto("/mes/pay")
        return [
            {"order_number": row["data-number"], "kind": row["data-kind"], "amount": row["data-amount"]}
            for row in self._window.all("[data-kind]")
        ]

    def open_board(self) -> None:
        self._board = self._window.another(PAGES)
        self._board.page.locator(".live.on").wait_for()
        self._board.page.evaluate(_NOTE_WHEN_LOST)

    def on_open_board(self, work_order_id: str) -> Row | None:
        assert self._board is not None, "no board is open"
        found = self._board.all(f"#wo-{work_order_id}")
        return self._row(found[0]) if found else None

    def was_cut_off(self) -> bool:
        assert self._board is not None, "no board is open"
        self._board.forgive(*CUT_OFF)
        return bool(self._board.all("body[data-was-lost]"))

    def close(self) -> None:
        self._window.close()

    @staticmethod
    def _row(row: dict[str, str]) -> Row:
        return {
            "work_order_id": row["id"].removeprefix("wo-"),
            "order_number": row["data-number"],
            "state": row["data-state"],
            "approved_at": row["data-approved"],
            "claimed_by": row["data-by-name"] or None,
            "mine": "mine" in row["class"].split(),
        }

    @staticmethod
    def _card(card: dict[str, str]) -> Row:
        return {
            "work_order_id": card["id"].removeprefix("card-"),
            "order_number": card["data-number"],
            "state": card["data-state"],
            "claimed_by": card["data-by-name"] or None,
            "lapses_at": card["data-lapses-at"] or None,
            "mine": card["data-mine"] == "yes",
        }

    @staticmethod
    def _not_offered(action: str, shown: Row) -> Refusal:
        """What somebody understands from a page that offers no such button."""
        if shown["state"] == "WITHDRAWN":
            code = "work-order-withdrawn"
        elif action == "claim":
            code = "work-order-already-claimed"
        elif (action, shown["state"]) == ("assignment", "RELEASED"):
            code = "work-order-not-escalated"
        elif shown["claimed_by"] and not shown["mine"]:
            code = "not-the-holder"
        else:
            code = "work-order-state"
        said = f"the page offers no {action}, and shows {shown['state']} by {shown['claimed_by']}"
        return Refusal(action, 409, {"code": code, "detail": said, "claimed_by": shown["claimed_by"]})


def desk_of(person: Person) -> Desk:
    """Somebody's place at MES: its API or its pages, whichever this run is about."""
    door = person.door
    browser = person.world.backstage.browser
    if browser is None or person.shares_session:
        return HttpDesk(door)
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserDesk(window)


def _label(attributes: dict[str, str], text: str) -> Row:
    return {"order_number": attributes["number"], "address": attributes["address"], "text": text}


_BUTTON = "#wo-{} .act form button"
# What a browser writes into its console when nobody answers, or only the gateway does.
CUT_OFF = ("502", "503", "504", "net::ERR_")
# A short absence puts out the light alone, a longer one shows the bar.
_NOTE_WHEN_LOST = """() => {
  const bar = document.querySelector(".lost");
  const light = document.querySelector(".live");
  const seen = new MutationObserver(() => {
    if (!bar.hidden) document.body.dataset.wasLost = bar.textContent;
    else if (!light.classList.contains("on")) document.body.dataset.wasLost = light.textContent;
  });
  for (const part of [bar, light]) seen.observe(part, { attributes: true });
}"""
