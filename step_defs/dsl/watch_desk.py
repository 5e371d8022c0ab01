"""Where administrators watch the system, by the API or by the pages: alerts, what fails, where the time goes, figures.

An alert as both show it: summary, remedy, taken_by (None: nobody). A failure: fingerprint, first_at, how many `orders` it hit, and the
ids of the orders that it hit lately as `hit`. Figures of a part: how many are `drawn`, and how many could not be asked as `silent`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from step_defs.drivers.browser import Window
from step_defs.drivers.http import Door
from step_defs.dsl.own_desk import PAGE
from step_defs.dsl.trace_desk import OBSERVABILITY

if TYPE_CHECKING:
    from step_defs.dsl.person import Person

PAGES = "/observability"
HEADING = re.compile(r"<h[23][^>]*>\s*([^<]+?)\s*</h[23]>")
ALERTS_MAX = 500
Row = dict[str, Any]


class WatchDesk(Protocol):
    """What an administrator sees of the system, and does about alerts."""

    def alert(self, name: str, naming: str) -> Row | None:
        """The alert of this name that fires and names this place, if there is one."""

    def takes(self, name: str, naming: str) -> None:
        """Takes care of it from now on. Raises Refusal."""

    def hands_back(self, name: str, naming: str) -> None:
        """Takes care of it no more. Raises Refusal."""

    def runbook(self, name: str) -> list[str]:
        """The headings of what is written about an alert."""

    def failures(self, service: str) -> list[Row]:
        """What failed lately in a service, the last one first."""

    def stages(self) -> tuple[set[str], set[str]]:
        """The statuses in which orders stayed lately, and the services that worked on orders."""

    def figures(self, part: str) -> Row:
        """The figures of one part of the system."""

    def close(self) -> None:
        """Leaves."""


class HttpWatchDesk:
    """By the API."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def alert(self, name: str, naming: str) -> Row | None:
        items = self._door.get(f"{OBSERVABILITY}/alerts", name=name, state="firing", limit=ALERTS_MAX).body["items"]
        return next((item for item in items if naming in item["labels"].values()), None)

    def takes(self, name: str, naming: str) -> None:
        self._door.post(f"{OBSERVABILITY}/alerts/{self._held(name, naming)}/taking")

    def hands_back(self, name: str, naming: str) -> None:
        self._door.ask("DELETE", f"{OBSERVABILITY}/alerts/{self._held(name, naming)}/taking")

    def _held(self, name: str, naming: str) -> str:
        alert = self.alert(name, naming)
        assert alert is not None, f"{name} ({naming}) does not fire"
        return str(alert["alert_id"])

    def runbook(self, name: str) -> list[str]:
        # There is no API of runbooks: whoever has no browser reads the page.
        page = self._door.ask("GET", f"{PAGES}/runbooks/{name}", headers=PAGE).body
        return HEADING.findall(str(page))

    def failures(self, service: str) -> list[Row]:
        listed = self._door.get(f"{OBSERVABILITY}/failures", service=service).body["items"]
        groups = [self._door.get(f"{OBSERVABILITY}/failures/{each['fingerprint']}").body for each in listed]
        return [
            {
                "fingerprint": group["fingerprint"],
                "first_at": group["first_at"],
                "orders": int(group["orders"]),
                "hit": {str(sample["order_id"]) for sample in group["samples"]},
            }
            for group in groups
        ]

    def stages(self) -> tuple[set[str], set[str]]:
        report = self._door.get(f"{OBSERVABILITY}/stages").body
        assert report["is_whole"], "the report says that somebody could not be asked"
        return {each["status"] for each in report["stages"]}, {each["service"] for each in report["services"]}

    def figures(self, part: str) -> Row:
        figures = self._door.get(f"{OBSERVABILITY}/figures", part=part, period="15m").body["figures"]
        return {
            "drawn": sum(bool(figure["series"]) for figure in figures),
            "silent": [figure["key"] for figure in figures if not figure["answered"]],
        }

    def close(self) -> None:
        """Nothing is open."""


class BrowserWatchDesk:
    """By the pages, in a real browser."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def _card(self, name: str, naming: str) -> Any:
        card = f'article.alert[data-alert="{name}"][data-state="firing"]'
        return self._window.page.locator(card).filter(has_text=naming).first

    def alert(self, name: str, naming: str) -> Row | None:
        self._window.goto(f"{PAGES}/alerts")
        card = self._card(name, naming)
        if not card.count():
            return None
        said, taken = card.locator('p[lang="en"]').all_inner_texts(), card.locator("[data-taken-by]")
        return {
            "summary": said[0],
            "remedy": said[1] if len(said) > 1 else "",
            "taken_by": taken.get_attribute("data-taken-by") if taken.count() else None,
        }

    def takes(self, name: str, naming: str) -> None:
        self._presses(name, naming, "/taking")

    def hands_back(self, name: str, naming: str) -> None:
        self._presses(name, naming, "/handing-back")

    def _presses(self, name: str, naming: str, action: str) -> None:
        self._window.goto(f"{PAGES}/alerts")
        form = self._card(name, naming).locator(f'form[action$="{action}"]')
        with self._window.page.expect_navigation():
            form.locator("button").click()
        self._window.check()
        problem = self._window.all("#alerts-now .problem")
        assert not problem, f"the page says: {problem[0]['text']}"

    def runbook(self, name: str) -> list[str]:
        self._window.goto(f"{PAGES}/runbooks/{name}")
        return [heading["text"] for heading in self._window.all("[data-runbook] h2, [data-runbook] h3")]

    def failures(self, service: str) -> list[Row]:
        self._window.goto(f"{PAGES}/failures?hours=24&state=all&service={service}")
        rows = self._window.all("tr[data-fingerprint]")
        orders = [each["text"] for each in self._window.all("tr[data-fingerprint] td:nth-child(3)")]
        return [
            self._failure(row["data-fingerprint"], orders=int(re.sub(r"\D", "", hit)))
            for row, hit in zip(rows, orders, strict=True)
        ]

    def _failure(self, fingerprint: str, *, orders: int) -> Row:
        self._window.goto(f"{PAGES}/failures/{fingerprint}")
        hit = self._window.all('.samples a[href^="/observability/orders/"]')
        return {
            "fingerprint": fingerprint,
            "first_at": self._window.all(".facts time")[0]["datetime"],
            "orders": orders,
            "hit": {link["href"].rpartition("/")[2] for link in hit},
        }

    def stages(self) -> tuple[set[str], set[str]]:
        self._window.goto(f"{PAGES}/stages?days=1")
        stages = {row["data-stage"] for row in self._window.all("tr[data-stage]")}
        return stages, {row["data-service"] for row in self._window.all("tr[data-service]")}

    def figures(self, part: str) -> Row:
        self._window.goto(f"{PAGES}/?part={part}&period=15m")
        return {
            "drawn": len(self._window.all("#figures-now .charts .chart:not([data-empty]):not([data-unanswered])")),
            "silent": [each["data-figure"] for each in self._window.all("[data-unanswered]")],
        }

    def close(self) -> None:
        self._window.close()


def watch_desk_of(person: Person) -> WatchDesk:
    """An administrator's place to watch from: the API or the pages, whichever this run is about."""
    door = person.door
    browser = person.world.backstage.browser
    if browser is None or person.shares_session:
        return HttpWatchDesk(door)
    window = browser.window()
    window.sign_in(email=person.email, password=person.password)
    return BrowserWatchDesk(window)
