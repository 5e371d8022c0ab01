"""What sellers keep in mind about orders and customers: notes, and reminders. No customer ever reads either."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from system.crm.domain.errors import (
    ReminderAlreadyDone,
    ReminderChangedSinceRead,
    ReminderInThePast,
    ReminderNotYours,
)
from system.crm.domain.sales_order import Seller

ADMINISTRATORS = "administrator"
# Pages ask for a minute, and a minute that has just begun is not the past.
PAST_S_MAX = 60


@dataclass(frozen=True, slots=True)
class Subject:
    """What a note or a reminder is about: one order, or one customer."""

    order_id: UUID | None = None
    customer_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.order_id is None) == (self.customer_id is None):
            raise ValueError("it is about an order or about a customer")

    def __str__(self) -> str:
        return f"order {self.order_id}" if self.order_id else f"customer {self.customer_id}"


@dataclass(frozen=True, slots=True)
class Note:
    """What a seller wrote for the colleagues. It is never changed; a correction is a note that says which one it `corrects`."""

    id: UUID
    about: Subject
    author: Seller
    text: str
    at: datetime
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """Something to be done at a time, by one person, or by any one of the administrators (`for_whom` is None then).

    One that nobody made was made by the system, and is over when its order waits no more. `version` counts its changes.
    """

    id: UUID
    about: Subject
    text: str
    due_at: datetime
    for_whom: Seller | None
    made_by: Seller | None
    made_at: datetime
    version: int = 1
    done_by: Seller | None = None
    done_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.for_whom is None and self.made_by is not None:
            raise ValueError("people remind people")

    def concerns(self, who: Seller, *, administers: bool) -> bool:
        """Whether it is theirs: for them, of their making, or for the administrators of whom they are one."""
        return administers or who.id in {each.id for each in (self.for_whom, self.made_by) if each is not None}

    def done(self, who: Seller, *, administers: bool, now: datetime) -> Reminder:
        """It is done. Raises ReminderNotYours, ReminderAlreadyDone."""
        self._check_open(who, administers=administers)
        return replace(self, done_by=who, done_at=now, version=self.version + 1)

    def put_off(
        self, who: Seller, *, administers: bool, until: datetime, now: datetime, seen_version: int | None = None
    ) -> Reminder:
        """It comes due later. Raises ReminderNotYours, ReminderAlreadyDone, ReminderInThePast; ReminderChangedSinceRead when it
        was put off already since `seen_version`."""
        self._check_open(who, administers=administers)
        if seen_version is not None and seen_version != self.version:
            raise ReminderChangedSinceRead(due_at=self.due_at, present=self.version)
        check_moment(until, now=now)
        return replace(self, due_at=until, version=self.version + 1)

    def _check_open(self, who: Seller, *, administers: bool) -> None:
        if not self.concerns(who, administers=administers):
            raise ReminderNotYours(for_whom=self.for_whom.name if self.for_whom else None)
        if self.done_at is not None:
            raise ReminderAlreadyDone(done_by=self.done_by.name if self.done_by else None, done_at=self.done_at)


def check_moment(due_at: datetime, *, now: datetime) -> None:
    """Raises ReminderInThePast for a moment that is over."""
    if due_at <= now - timedelta(seconds=PAST_S_MAX):
        raise ReminderInThePast(due_at=due_at)
