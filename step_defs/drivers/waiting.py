"""Waiting for a condition with a deadline: the one place where time is let pass."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE_S_MIN = 0.02
PAUSE_S_MAX = 0.15


class NotInTime(AssertionError):
    """A condition did not come true before its deadline; the message carries the last value that was seen."""


def eventually(
    probe: Callable[[], T],
    is_right: Callable[[T], object] = bool,
    *,
    within_s: float = 10,
    what: str = "",
    pause_s_max: float = PAUSE_S_MAX,
) -> T:
    """The first value of `probe()` for which `is_right(value)` is true; asks again, ever slower, for `within_s`.

    An AssertionError of the probe counts as "not yet". Raises NotInTime with `what` and the last value (or error).
    """
    started = time.monotonic()
    pause_s = PAUSE_S_MIN
    tries = 0
    while True:
        tries += 1
        try:
            value = probe()
            if is_right(value):
                return value
            last = repr(value)
        except AssertionError as error:
            last = str(error) or type(error).__name__
        waited_s = time.monotonic() - started
        if waited_s >= within_s:
            subject = what or getattr(probe, "__name__", "the condition")
            raise NotInTime(f"{subject}: not within {within_s:g} s ({tries} tries); last seen: {last[:1500]}")
        time.sleep(min(pause_s, max(within_s - waited_s, 0.001)))
        pause_s = min(pause_s * 1.4, pause_s_max)


def holds_for(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Watches a condition that must stay true for `seconds`. Raises AssertionError at the first moment it is not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"{what}: stopped being true"
        time.sleep(PAUSE_S_MIN)
