"""Whoever is on call: hears of what goes wrong by the page of alerts and by mail, and hears when it is over."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from step_defs.drivers.prometheus import Prometheus
from step_defs.drivers.waiting import eventually

if TYPE_CHECKING:
    from step_defs.dsl.world import World

ADDRESS = "on-call@alexandrite.example"
ALERTS = "/api/observability/v1/alerts"
BLIND_S = 125.0
"""What is away is not told of before: services start after whoever watches them (system/deploy/prometheus/host.rules.yaml)."""
QUIET_WITHIN_S = 120.0
"""How long what an earlier scenario broke may still be told of."""
FIRING, RESOLVED = "firing", "resolved"
SAYS = ("summary", "remedy", "runbook")
"""What an alert tells whoever is on call: what is wrong for whom, what to do first, and where to read on."""
OR = " or "
ROWS_MAX = 500
CLOCKS_APART_S = 2.0
PAUSE_S = 1.0
"""What takes a minute need not be asked for ten times a second."""
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert that is to be heard of: its name, the word for the place that it has to name, and how soon after the break."""

    alert: str
    naming: str
    within_s: float

    def __str__(self) -> str:
        return f"{self.alert} ({self.naming})"

    @property
    def names(self) -> list[str]:
        """The names that it may have: of a process that is gone, the engine decides which of two alerts it is."""
        return self.alert.split(OR)

    def is_in(self, row: Row) -> bool:
        """Whether the page of alerts speaks of it in this row."""
        words = [*row["labels"].values(), row["summary"]]
        return row["name"] in self.names and any(self.naming in str(word) for word in words)


@dataclass(frozen=True, slots=True)
class Missing:
    """What has not been heard of yet, by page and by mail."""

    by_page: Sequence[Alarm]
    by_mail: Sequence[Alarm]

    def __bool__(self) -> bool:
        return bool(self.by_page or self.by_mail)

    def __repr__(self) -> str:
        page = ", ".join(map(str, self.by_page)) or "nothing"
        mail = ", ".join(map(str, self.by_mail)) or "nothing"
        return f"missing on the page of alerts: {page}; by mail: {mail}"


class OnCall:
    """The person on call, in one scenario."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.broken: dict[Alarm, datetime] = {}
        """What is to be heard of, and since when it is so."""
        self._since = datetime.now(UTC)

    @cached_property
    def prometheus(self) -> Prometheus:
        """Where the figures are, past the gateway."""
        return Prometheus(self._world.backstage.address)

    def close(self) -> None:
        """Ends the connection."""
        if "prometheus" in self.__dict__:
            self.prometheus.close()

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def listens_for(self, alarms: Sequence[Alarm]) -> None:
        """Waits until nothing of this is told of from before, and until the eyes are open. Raises NotInTime with what still is."""
        eventually(
            lambda: self.prometheus.value("alexandrite:watched_seconds") or 0.0,
            lambda watched_s: watched_s > BLIND_S,
            within_s=BLIND_S + QUIET_WITHIN_S,
            what="Prometheus has watched for so long that it may say that something is away",
        )
        eventually(
            lambda: [row["name"] for row in self._rows(FIRING) for alarm in alarms if alarm.is_in(row)],
            lambda told: not told,
            within_s=QUIET_WITHIN_S,
            what="nothing of it is told of before it is broken",
        )
        self._since = datetime.now(UTC)
        self.broken = {}

    def breaks(self, alarm: Alarm, break_it: Callable[[World], None]) -> None:
        """Breaks something; its time counts from when it is broken."""
        break_it(self._world)
        self.broken[alarm] = datetime.now(UTC)

    # -- what is heard -------------------------------------------------------------------------------------------

    def is_told(self, *, by_page: bool = True) -> None:
        """Waits until each was told of, by mail and by page, in its time. Raises AssertionError with what is missing or late."""
        assert self.broken, "nothing is broken in this scenario"
        last = max(at + timedelta(seconds=alarm.within_s) for alarm, at in self.broken.items())
        left_s = max(0.0, (last - datetime.now(UTC)).total_seconds())
        self._waits(lambda: self._missing(FIRING, by_page=by_page), left_s, "told of")
        late = [*self._late(self._letters_of), *(self._late(self._rows_of) if by_page else [])]
        assert not late, f"told too late: {'; '.join(late)}"
        if by_page:
            self._says_what_to_do()

    def is_told_over(self, *, within_s: float, by_page: bool = True) -> None:
        """Waits until each was told to be over, and the page shows none of it any more. Raises NotInTime with what is missing."""
        self._waits(lambda: self._not_over(by_page=by_page), within_s, "told to be over")

    def _not_over(self, *, by_page: bool) -> Missing:
        missing = self._missing(RESOLVED, by_page=by_page)
        if not by_page:
            return missing
        still = self._rows(FIRING)
        firing = [alarm for alarm in self.broken if any(alarm.is_in(row) for row in still)]
        return Missing(
            [*missing.by_page, *(alarm for alarm in firing if alarm not in missing.by_page)], missing.by_mail
        )

    def _waits(self, missing: Callable[[], Missing], within_s: float, what: str) -> None:
        try:
            eventually(
                missing,
                lambda left: not left,
                within_s=within_s,
                what=f"all {len(self.broken)} are {what}",
                pause_s_max=PAUSE_S,
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\nPrometheus holds: {self._held()}") from error

    def _held(self) -> list[str]:
        """What Prometheus itself says of the alerts: it is one thing not to notice, and another not to tell."""
        names = {name for alarm in self.broken for name in alarm.names}
        return [
            f"{alert['labels']['alertname']} {alert['state']} {alert['labels']}"
            for alert in self.prometheus.alerts()
            if alert["labels"]["alertname"] in names
        ]

    def _missing(self, state: str, *, by_page: bool) -> Missing:
        rows = self._rows(state) if by_page else []
        letters = self._letters()
        return Missing(
            [alarm for alarm in self.broken if by_page and not self._rows_of(alarm, state, rows)],
            [alarm for alarm in self.broken if not self._letters_of(alarm, state, letters)],
        )

    def _late(self, told: Callable[[Alarm, str], list[datetime]]) -> list[str]:
        late = []
        for alarm, at in self.broken.items():
            took_s = (min(told(alarm, FIRING)) - at).total_seconds()
            if took_s > alarm.within_s + CLOCKS_APART_S:
                late.append(f"{alarm} after {took_s:.0f} s instead of {alarm.within_s:.0f}")
        return late

    def _says_what_to_do(self) -> None:
        """Each alert on the page says what is wrong, what to do, and where to read on. Raises AssertionError."""
        rows = self._rows(FIRING)
        mute = [
            f"{alarm} has no {word}"
            for alarm in self.broken
            for row in rows
            for word in SAYS
            if alarm.is_in(row) and not row[word]
        ]
        assert not mute, f"whoever is on call is left alone: {'; '.join(mute)}"

    def _rows_of(self, alarm: Alarm, state: str, rows: list[Row] | None = None) -> list[datetime]:
        """When the page was told of it in this state, since it was listened for."""
        known = self._rows(state) if rows is None else rows
        moments = [datetime.fromisoformat(row[_MOMENT[state]]) for row in known if alarm.is_in(row)]
        return [moment for moment in moments if moment >= self._since]

    def _letters_of(self, alarm: Alarm, state: str, letters: list[Row] | None = None) -> list[datetime]:
        """When letters told of it in this state, since it was listened for."""
        known = self._letters() if letters is None else letters
        return [datetime.fromisoformat(letter["received_at"]) for letter in known if tells_of(letter, alarm, state)]

    def _rows(self, state: str) -> list[Row]:
        """What the page of alerts shows in this state. Raises Trouble while it is away."""
        found: list[Row] = self._world.backstage.admin.get(ALERTS, state=state, limit=ROWS_MAX).body["items"]
        return found

    def _letters(self) -> list[Row]:
        letters = self._world.backstage.post.letters(ADDRESS)
        return [letter for letter in letters if datetime.fromisoformat(letter["received_at"]) >= self._since]


_MOMENT = {FIRING: "told_at", RESOLVED: "end_told_at"}


def tells_of(letter: Row, alarm: Alarm, state: str) -> bool:
    """Whether a letter tells of this alert in this state, and names its place. What is over comes last, below a line of its own."""
    if not any(re.search(rf"(^|\] ){name}\b", letter["subject"]) for name in alarm.names):
        return False
    firing, *over = re.split(r"^Over:\r?$", letter["text"], maxsplit=1, flags=re.MULTILINE)
    return alarm.naming in (firing if state == FIRING else "".join(over))
