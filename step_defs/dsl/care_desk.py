"""What sellers and administrators keep in mind, by CRM's API or by its pages: reminders, notes, and orders that wait too long.

A reminder as both show it: id, order_id, text. Who looks after an order: their name, or None.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door, Refusal
from step_defs.dsl.desk import CUT_OFF, Stream

if TYPE_CHECKING:
    from step_defs.dsl.person import Person

CRM = "/api/crm/v1"
# A page is told a time by the workshop's clock, as the system is set up.
WORKSHOP = ZoneInfo("Europe/Moscow")
PAGES_MAX = 40
Shown = dict[str, Any]


class CareDesk(Protocol):
    """What somebody who looks after orders can see and do."""

    def looks_in(self) -> None:
        """Comes by, so that colleagues know of them."""

    def watches(self) -> None:
        """Keeps the reminders that are due before the eyes."""

    def before_the_eyes(self) -> list[Shown]:
        """The reminders that are due, as what is watched shows them by now."""

    def due(self) -> list[Shown]:
        """The reminders that are due, read anew."""

    def reminds(self, order_id: str, text: str, *, in_s: float, for_id: str | None) -> None:
        """Sets a reminder on the order, for a colleague when one is named. Raises Refusal."""

    def finishes(self, reminder_id: str) -> None:
        """Marks it as done. Raises Refusal."""

    def writes_note(self, order_id: str, text: str) -> None:
        """Notes something about the order."""

    def notes(self, order_id: str) -> list[str]:
        """What is noted about the order, the newest first."""

    def takes(self, order_id: str, *, instead_of: str | None) -> None:
        """Looks after the order from now on, instead of a colleague when one is named. Raises Refusal."""

    def gives_back(self, order_id: str) -> None:
        """Looks after the order no more. Raises Refusal."""

    def looks_after(self, order_id: str) -> str | None:
        """Who looks after the order, as the order itself says it."""

    def escalated(self) -> dict[str, str | None]:
        """The administrators' list: the orders that wait far too long, and who looks after each."""

    def orders_of(self, customer: str) -> list[str]:
        """The ids of all orders of the one customer whom this leads to."""

    def close(self) -> None:
        """Leaves."""


class HttpCareDesk:
    """By the API. What is before the eyes is read when the stream of changes says so."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._stream: Stream | None = None

    def looks_in(self) -> None:
        self._door.get(f"{CRM}/colleagues")

    def watches(self) -> None:
        self._stream = Stream(self._door, "/crm/events", name="reminder", key="reminder_id")

    def before_the_eyes(self) -> list[Shown]:
        assert self._stream is not None, "nothing is watched"
        told = dict(self._stream.rows)
        return [each for each in self.due() if each["id"] in told] if told else []

    def due(self) -> list[Shown]:
        items = self._all(f"{CRM}/reminders", which="due")
        return [{"id": each["reminder_id"], "order_id": each["order_id"], "text": each["text"]} for each in items]

    def reminds(self, order_id: str, text: str, *, in_s: float, for_id: str | None) -> None:
        due_at = datetime.now(UTC) + timedelta(seconds=in_s)
        body = {"text": text, "due_at": due_at.isoformat(), "for_id": for_id}
        self._door.post(f"{CRM}/orders/{order_id}/reminders", body)

    def finishes(self, reminder_id: str) -> None:
        self._door.post(f"{CRM}/reminders/{reminder_id}/completion")

    def writes_note(self, order_id: str, text: str) -> None:
        self._door.post(f"{CRM}/orders/{order_id}/notes", {"text": text})

    def notes(self, order_id: str) -> list[str]:
        return [each["text"] for each in self._door.get(f"{CRM}/orders/{order_id}/notes").body["items"]]

    def takes(self, order_id: str, *, instead_of: str | None) -> None:
        self._door.post(f"{CRM}/orders/{order_id}/taking", {"instead_of": instead_of})

    def gives_back(self, order_id: str) -> None:
        self._door.post(f"{CRM}/orders/{order_id}/giving-back")

    def looks_after(self, order_id: str) -> str | None:
        return _name(self._door.get(f"{CRM}/orders/{order_id}").body["taken_by"])

    def escalated(self) -> dict[str, str | None]:
        return {each["order_id"]: _name(each["taken_by"]) for each in self._all(f"{CRM}/escalations")}

    def orders_of(self, customer: str) -> list[str]:
        [found] = self._door.get(f"{CRM}/customers", query=customer).body["items"]
        return [each["order_id"] for each in self._all(f"{CRM}/customers/{found['customer_id']}/orders")]

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def _all(self, path: str, **filters: str) -> list[Shown]:
        items: list[Shown] = []
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self._door.get(path, limit=100, cursor=cursor, **filters).body
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items
        raise AssertionError(f"more than {PAGES_MAX} pages of {path}")


class BrowserCareDesk:
    """By the pages, in a real browser. What is before the eyes is above the queue that stays open."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._queue: Window | None = None

    def looks_in(self) -> None:
        self._window.goto("/crm/reminders")

    def watches(self) -> None:
        self._queue = self._window.another("/crm/")
        self._queue.page.locator(".live.on").wait_for()

    def before_the_eyes(self) -> list[Shown]:
        assert self._queue is not None, "nothing is watched"
        self._queue.forgive(*CUT_OFF)
        # The header counts what is above the queue.
        return _reminders(self._queue, "#due") if self._queue.all("[data-badge]:not([hidden])") else []

    def due(self) -> list[Shown]:
        self._opens("/crm/reminders", rows="#reminders [data-reminder]", more="#reminders .more a")
        return _reminders(self._window, "#reminders")

    def reminds(self, order_id: str, text: str, *, in_s: float, for_id: str | None) -> None:
        at = (datetime.now(WORKSHOP) + timedelta(seconds=in_s)).strftime("%Y-%m-%dT%H:%M:%S")
        fields = {"text": text, "at": at}
        self._sends(order_id, "reminders", fields, chosen={"for_id": for_id} if for_id else {})

    def finishes(self, reminder_id: str) -> None:
        self._window.goto("/crm/reminders")
        page = self._window.page
        row = page.locator(f'[data-reminder="{reminder_id}"]')
        with page.expect_response(lambda answer: answer.url.endswith("/completion")):
            row.locator('form[data-action="completion"] button').click()
        # Done, it leaves the list by itself as soon as the page hears of it.
        page.locator(f'[data-reminder="{reminder_id}"][data-state="due"]:not(:has(.problem))').wait_for(
            state="detached"
        )
        problem = self._window.all(f'[data-reminder="{reminder_id}"] .problem')
        if problem:
            raise Refusal("completion", 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})

    def writes_note(self, order_id: str, text: str) -> None:
        self._sends(order_id, "notes", {"text": text})

    def notes(self, order_id: str) -> list[str]:
        self._window.goto(f"/crm/orders/{order_id}")
        return [each["text"] for each in self._window.all("[data-note] .text")]

    def takes(self, order_id: str, *, instead_of: str | None) -> None:
        self._presses(order_id, "taking")

    def gives_back(self, order_id: str) -> None:
        self._presses(order_id, "giving-back")

    def _presses(self, order_id: str, action: str) -> None:
        self._window.goto(f"/crm/orders/{order_id}")
        page = self._window.page
        form = page.locator(f'#order form[data-action="{action}"]')
        if not form.count():
            raise Refusal(action, 409, {"code": "order-taken", "detail": f"the page offers no {action}"})
        with page.expect_response(lambda answer: answer.url.endswith(f"/{action}")):
            form.locator("button").click()
        page.locator("#order:not(:has(.htmx-request))").wait_for()
        problem = self._window.all("#order .problem")
        if problem:
            raise Refusal(action, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})

    def looks_after(self, order_id: str) -> str | None:
        self._window.goto(f"/crm/orders/{order_id}")
        shown = self._window.all("#order .taking")
        return (shown[0]["data-taken-by"] or None) if shown else None

    def escalated(self) -> dict[str, str | None]:
        self._opens("/crm/escalations", rows="#escalated > .row", more="#escalated > .more a")
        rows = self._window.all("#escalated > .row")
        return {row["id"].removeprefix("o-"): row["data-taken-by"] or None for row in rows}

    def orders_of(self, customer: str) -> list[str]:
        page = self._window.page
        self._window.goto("/crm/customers")
        page.locator('main [name="query"]').fill(customer)
        page.locator("main .filters button").click()
        page.locator("#customers .person .what").first.click()
        page.locator(".customer").wait_for()
        self._window.check()
        return [row["id"].removeprefix("o-") for row in self._window.all("#found > .row")]

    def close(self) -> None:
        self._window.close()

    def _opens(self, path: str, *, rows: str, more: str) -> None:
        """The list to its end."""
        self._window.goto(path)
        for _ in self._window.pages_of(rows, more=more):
            pass

    def _sends(self, order_id: str, action: str, fields: Shown, *, chosen: Shown | None = None) -> None:
        self._window.goto(f"/crm/orders/{order_id}")
        page = self._window.page
        form = page.locator(f'#care form[data-action="{action}"]').first
        for name, value in fields.items():
            form.locator(f'[name="{name}"]').fill(value)
        for name, value in (chosen or {}).items():
            form.locator(f'[name="{name}"]').select_option(value)
        with page.expect_response(lambda answer: answer.url.endswith(f"/{action}")):
            form.locator('button[type="submit"]').click()
        page.locator("#care:not(:has(.htmx-request))").wait_for()
        problem = self._window.all("#care > .problem")
        if problem:
            raise Refusal(action, 409, {"code": problem[0]["data-code"], "detail": problem[0]["text"]})


def care_desk_of(person: Person) -> CareDesk:
    """Somebody's place at CRM: its API or its pages, whichever this run is about."""
    door = person.door
    browser = person.world.backstage.browser
    if browser is None or person.shares_session:
        return HttpCareDesk(door)
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserCareDesk(window)


def _reminders(window: Window, place: str) -> list[Shown]:
    rows = window.all(f'{place} [data-reminder]:not([data-state="done"])')
    texts = window.all(f'{place} [data-reminder]:not([data-state="done"]) .text')
    if len(rows) != len(texts):
        # One came or went between the two looks: whoever waits looks again.
        return []
    return [
        {"id": row["data-reminder"], "order_id": row["data-about"], "text": text["text"].strip()}
        for row, text in zip(rows, texts, strict=True)
    ]


def _name(taken: Shown | None) -> str | None:
    return taken["seller_name"] if taken else None
