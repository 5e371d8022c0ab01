"""What a gate can say of a candidate."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """Only PASSED promotes; the other three are told apart because they ask for different people."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    """The candidate is bad: its author mends it."""
    ERRORED = "ERRORED"
    """The gate broke and says nothing of the candidate: the gate's owner mends the gate, then it runs again."""
    INCONCLUSIVE = "INCONCLUSIVE"
    """Measured, and still unknown (noise, nothing to compare with): run it again, or let a person decide by a waiver."""


# A bad candidate is the firmest knowledge, then a gate that needs mending, then one to be run again.
_GRAVITY = (Verdict.PASSED, Verdict.INCONCLUSIVE, Verdict.ERRORED, Verdict.FAILED)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of them. Nothing at all is ERRORED: silence is never a pass."""
    return max(verdicts, key=_GRAVITY.index, default=Verdict.ERRORED)
