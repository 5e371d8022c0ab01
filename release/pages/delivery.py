"""The page of delivery figures as data: the releases of the longest window, and a bar for every day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from release.dora import Attempt, Dora
from release.pages.facts import Facts
from release.pages.views import move_of
from release.pages.wording import Tone

DAYS = 90
BAR_WIDTH = 10
UNIT = 14
MARKS_EVERY_DAYS = 15
LABEL_HEIGHT = 20


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """One attempt to enter production."""

    attempt: Attempt
    subject: str
    tone: Tone
    outcome: str
    changes: int | None
    """None when git does not know its commits, or when it never got in."""
    longest_s: float | None
    restore_s: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's releases (above the line) or failures (below it)."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    said: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A day's name below the bars."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """In the units of the picture."""

    width: float
    height: float
    base: float
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    said: str


def rows(facts: Facts) -> list[ReleaseRow]:
    """The newest first."""
    leads = {id(lead.attempt): lead for lead in facts.dora.leads}
    commits = {digest: built.commit for digest, built in facts.candidates()}
    found = []
    for attempt in facts.dora.attempts:
        change = facts.change(commits[attempt.digest]) if attempt.digest in commits else None
        move = move_of(attempt, change.subject if change else "")
        lead = leads.get(id(attempt))
        seconds = lead.seconds if lead else ()
        restore_s = None
        if attempt.restored and attempt.served:
            restore_s = (attempt.restored - attempt.served).total_seconds()
        found.append(
            ReleaseRow(
                attempt,
                move.subject,
                move.tone,
                move.outcome,
                len(seconds) or None,
                max(seconds, default=None),
                restore_s,
            )
        )
    return found


def chart(dora: Dora) -> Chart:
    """Ninety days up to today."""
    today = dora.at.date()
    first = today - timedelta(days=DAYS - 1)
    deployed = Counter(one.settled.date() for one in dora.attempts if one.settled)
    failed = Counter(one.restored.date() for one in dora.attempts if one.failed and one.restored)
    highest = max([3, *deployed.values()])
    lowest = max([1, *failed.values()])
    base = highest * UNIT + UNIT
    bars: list[Bar] = []
    for number in range(DAYS):
        day = first + timedelta(days=number)
        x = number * BAR_WIDTH + 1
        if up := deployed[day]:
            said = f"{day}: {_count(up, 'release')}"
            bars.append(Bar(x, base - up * UNIT, BAR_WIDTH - 2, up * UNIT, "deployed", said))
        if down := failed[day]:
            bars.append(Bar(x, base, BAR_WIDTH - 2, down * UNIT, "failed", f"{day}: {down} taken back"))
    marks = [
        Mark(number * BAR_WIDTH, f"{first + timedelta(days=number):%d %b}")
        for number in range(0, DAYS, MARKS_EVERY_DAYS)
    ]
    said = f"{_count(_total(deployed.values()), 'release')} in {DAYS} days, {_total(failed.values())} taken back"
    height = base + lowest * UNIT + LABEL_HEIGHT
    return Chart(DAYS * BAR_WIDTH, height, base, tuple(bars), tuple(marks), said)


def _total(counts: Iterable[int]) -> int:
    return sum(counts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
