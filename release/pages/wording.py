"""How moments, durations and verdicts are written for people. Every colour has its word and its sign beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from release.verdict import Verdict

HOUR_S = 3600
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Tone:
    """How a state looks: a CSS class, a sign and a word, all three always together."""

    name: str
    sign: str
    word: str


GOOD = Tone("good", "✓", "passed")
TONES = {
    Verdict.PASSED: GOOD,
    Verdict.FAILED: Tone("bad", "✗", "failed"),
    Verdict.ERRORED: Tone("broken", "!", "errored"),
    Verdict.INCONCLUSIVE: Tone("unsure", "?", "cannot tell"),
}
NOT_RUN = Tone("none", "–", "not run")
WAIVED = Tone("waived", "✎", "waived")


def moment(value: datetime | None) -> str:
    """UTC to the minute."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if value else "–"


def duration(seconds: float | None) -> str:
    """Two units at most: 4.2 s, 3 min 20 s, 5 h 10 min, 2 d 3 h."""
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < HOUR_S:
        return _two(whole, 60, "min", 1, "s")
    if whole < DAY_S:
        return _two(whole, HOUR_S, "h", 60, "min")
    return _two(whole, DAY_S, "d", HOUR_S, "h")


def _two(whole: int, large_s: int, large: str, small_s: int, small: str) -> str:
    rest = whole % large_s // small_s
    return f"{whole // large_s} {large}" + (f" {rest} {small}" if rest else "")


def figure(value: float) -> str:
    """Without digits that say nothing."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def rate(per_day: float) -> str:
    """How often something happens, in the unit that leaves a number above one."""
    if not per_day:
        return "none"
    return f"{figure(per_day)} a day" if per_day >= 1 else f"one in {1 / per_day:.1f} days"


def percent(share: float | None) -> str:
    """A share of one as per cent."""
    return "–" if share is None else f"{share * 100:.0f} %"


def short(digest: str) -> str:
    """Twelve digits of an image's digest."""
    return digest.removeprefix("sha256:")[:12]


def size(count: int) -> str:
    """Bytes for people."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
