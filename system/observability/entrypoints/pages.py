"""What the pages of observability share: who may see them, their words, how long something lasted."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

from babel.numbers import format_decimal
from fastapi import Depends, Request

from system.observability.domain import figure
from system.observability.entrypoints import alert_words
from system.observability.settings import ObservabilitySettings
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages
from system.pagekit.reader import Language
from system.pagekit.words import N_
from system.plumbing.auth import require
from system.plumbing.tokens import Principal

BASE = "/observability"
NAMES: dict[str, dict[str, str]] = {
    **alert_words.NAMES,
    "gap": {
        "no-spans": N_("Nothing of this trace is kept."),
        "parent-missing": N_("Its parent is not in the trace"),
        "root-unlinked": N_("It enters the trace and does not say from where"),
        "link-missing": N_("It follows something that is not in the trace"),
        "too-long": N_("The trace has more steps than are looked at."),
    },
    "failure_state": {"new": N_("new"), "known": N_("known"), "resolved": N_("resolved")},
    "waits_for": {
        "customer": N_("the customer"),
        "seller": N_("a seller"),
        "operator": N_("an operator"),
        "carrier": N_("the carrier"),
        "machine": N_("machines"),
    },
    "delivery": {
        "published": N_("sent"),
        "done": N_("received"),
        "pending": N_("not sent yet"),
        "retry": N_("tried again soon"),
        "waiting": N_("waits for its turn"),
        "held": N_("waits for an earlier one"),
        "parked": N_("set aside"),
        "refused": N_("refused"),
        "dead": N_("not readable"),
        "replayed": N_("delivered again"),
    },
}
PROBLEMS: dict[str, str] = {
    **alert_words.PROBLEMS,
    "order-unknown": N_("There is no such order. Check the number."),
    "trace-unknown": N_("A trace is named by 32 hex digits."),
    "failure-unknown": N_("This failure is not kept any more."),
    "orchestrator-unavailable": N_("Orders cannot be looked up just now. Try again in a moment."),
    "orchestrator-slow": N_("Orders cannot be looked up just now. Try again in a moment."),
}
UNITS: dict[Language, tuple[str, str, str, str, str, str]] = {
    "en": ("µs", "ms", "s", "min", "h", "d"),
    "ru": ("мкс", "мс", "с", "мин", "ч", "дн"),
}
FIGURES_WORDS = Path(figure.__file__).parent / "locales"
"""Figures are described where they are asked for, and so are their Russian words."""

Support = Annotated[Principal, require("seller", "administrator")]
"""Whoever answers for an order."""
Administrator = Annotated[Principal, require("administrator")]


def pages_of(settings: ObservabilitySettings) -> Pages:
    """The pages of observability."""
    home = Path(__file__).parent
    return Pages(BASE, home, settings, problems=PROBLEMS, names=NAMES, catalogues=[FIGURES_WORDS])


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


Shown = Annotated[Pages, Depends(_pages)]


def lasting_of(request: Request) -> Any:
    """How the reader's language writes durations."""
    return partial(lasting, language_of(request))


def lasting(language: Language, time: timedelta | float) -> str:
    """A duration, given as such or in seconds, in the two largest units that say something."""
    seconds = time.total_seconds() if isinstance(time, timedelta) else float(time)
    micro, milli, second, minute, hour, day = UNITS[language]
    if seconds < 0.001:
        return f"{round(seconds * 1_000_000)} {micro}"
    if seconds < 1:
        return f"{format_decimal(seconds * 1000, '#,##0.#' if seconds < 0.1 else '#,##0', locale=language)} {milli}"
    if seconds < 60:
        return f"{format_decimal(seconds, '#,##0.#', locale=language)} {second}"
    for unit_s, unit, below_s, below in ((86_400, day, 3600, hour), (3600, hour, 60, minute), (60, minute, 1, second)):
        if seconds >= unit_s:
            rest = int(seconds % unit_s // below_s)
            return f"{int(seconds // unit_s)} {unit}" + (f" {rest} {below}" if rest else "")
    return ""
