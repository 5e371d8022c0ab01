"""A planned price book: changes that come into force at a moment to come. Until then it can be withdrawn, and is never edited.

It keeps what changes and not the whole book: the spot prices that are set every day until then stay as they are set.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from system.kernel.errors import Invalid
from system.pricing.domain.book_changes import Change, with_changes
from system.pricing.domain.price_book import PriceBook

AHEAD_MAX = timedelta(days=366)
REASON_CHARACTERS_MAX = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes made from one version of the book, and when they start."""

    plan_id: UUID
    made_from: int
    changes: tuple[Change, ...]
    reason: str
    made_by: str
    actor_id: UUID
    made_at: datetime
    starts_at: datetime

    def applied_to(self, book: PriceBook) -> PriceBook:
        """The next book when the plan starts: what it changes wins, all else is as it is by then. Raises Invalid."""
        return with_changes(book, self.changes, version=book.version + 1)


def check_start(starts_at: datetime, *, now: datetime) -> None:
    """A plan starts after now and within a year. Raises Invalid."""
    if starts_at <= now:
        raise Invalid(
            "start-is-past", "A planned price book starts in the future. Choose a later moment, or publish it at once."
        )
    if starts_at > now + AHEAD_MAX:
        raise Invalid("start-is-too-far", f"Plan at most {AHEAD_MAX.days} days ahead.")


def check_reason(reason: str) -> str:
    """The reason without the blanks around it. Raises Invalid when there is none, or too much of it."""
    told = reason.strip()
    if not told:
        raise Invalid(
            "reason-missing", "Say why the prices change: whoever reads the list of books later wants to know."
        )
    if len(told) > REASON_CHARACTERS_MAX:
        raise Invalid("reason-too-long", f"Say it in at most {REASON_CHARACTERS_MAX} characters.")
    return told


def check_changes(changes: tuple[Change, ...]) -> None:
    """A book that changes nothing is not made. Raises Invalid."""
    if not changes:
        raise Invalid("nothing-changes", "These are the prices in force already: nothing would change.")
