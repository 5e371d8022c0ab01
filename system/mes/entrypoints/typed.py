"""What people type into forms, understood as they mean it: 12,5 and 1 250.50 are numbers, and a moment is the workshop's.

Refused
└── Invalid   NumberUnreadable, NumberTooExact, NumberOutOfRange, MomentUnreadable, MaterialUnchosen, ReasonMissing
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from system.kernel.errors import Invalid

NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+")
SPACES = re.compile(r"[\s\u00a0\u202f\u2009']+")
MATERIAL = re.compile(r"\*|[a-z0-9_]{1,60}")
NOTHING = Decimal(0)
A_TRIFLE = Decimal("0.01")
PLACES = 2
REASON_MAX = 500


class NumberUnreadable(Invalid):
    """This is no number."""

    def __init__(self, typed: str) -> None:
        super().__init__("number-unreadable", f"“{typed}” is not a number. Write it like 12.50.", typed=typed)


class NumberTooExact(Invalid):
    """More digits than are kept."""

    def __init__(self, typed: str) -> None:
        super().__init__(
            "number-too-exact", f"“{typed}” is too exact: two digits after the point are kept.", typed=typed
        )


class NumberOutOfRange(Invalid):
    """A number that cannot be meant."""

    def __init__(self, typed: str, *, least: Decimal, most: Decimal) -> None:
        super().__init__(
            "number-out-of-range",
            f"“{typed}” cannot be: from {least} to {most} it may be.",
            typed=typed,
            least=str(least),
            most=str(most),
        )


class MomentUnreadable(Invalid):
    """This is no date with a time."""

    def __init__(self, typed: str) -> None:
        super().__init__(
            "moment-unreadable", f"“{typed}” is not a day with a time. Write it like 2026-12-01 08:00.", typed=typed
        )


class MaterialUnchosen(Invalid):
    """A rate is one of some material, or of any."""

    def __init__(self) -> None:
        super().__init__("material-unchosen", "Choose a material, or all of them.")


class ReasonMissing(Invalid):
    """Others read later why."""

    def __init__(self) -> None:
        super().__init__("reason-missing", f"Say why, in at most {REASON_MAX} characters; others read it later.")


def number(typed: str, *, least: Decimal, most: Decimal) -> Decimal:
    """A number to a hundredth, with a point or a comma, and spaces between thousands. Raises what refuses it."""
    plain = SPACES.sub("", typed)
    if not NUMBER.fullmatch(plain):
        raise NumberUnreadable(typed.strip()[:40])
    value = Decimal(plain.replace(",", "."))
    if value != round(value, PLACES):
        raise NumberTooExact(typed.strip()[:40])
    if not least <= value <= most:
        raise NumberOutOfRange(typed.strip()[:40], least=least, most=most)
    return value


def moment(typed: str, zone: ZoneInfo) -> datetime | None:
    """A moment as a field of day and time sends it, on the workshop's clock; None for an empty one. Raises MomentUnreadable."""
    if not typed.strip():
        return None
    try:
        read = datetime.fromisoformat(typed.strip())
    except ValueError as error:
        raise MomentUnreadable(typed.strip()[:40]) from error
    return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)


def material(typed: str) -> str:
    """The code of a material, or that of any. Raises MaterialUnchosen."""
    if not MATERIAL.fullmatch(typed):
        raise MaterialUnchosen()
    return typed


def reason(typed: str) -> str:
    """Why somebody does what they do. Raises ReasonMissing."""
    said = typed.strip()
    if not said or len(said) > REASON_MAX:
        raise ReasonMissing()
    return said
