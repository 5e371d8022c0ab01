"""A notice: one letter about one occasion. The same occasion is the same notice, however often it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol
from uuid import UUID

from system.kernel.guests import is_guest_email
from system.kernel.ids import derived_id

Language = Literal["ru", "en"]


class NoticeState(StrEnum):
    """What became of a notice. All but `waiting` are final."""

    WAITING = "waiting"
    SENT = "sent"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Notice:
    """What is written to whom, and why. `about` is the thing it is about: an order, a request.

    `occasion` tells apart what may happen to that thing more than once. `facts` are plain JSON as of now: the words are made
    when the letter is sent, so that a fault in them stops a letter and never its cause.
    """

    kind: str
    about: UUID
    to: str
    language: Language
    facts: Mapping[str, Any]
    occasion: str = ""

    @property
    def id(self) -> UUID:
        """The same for the same kind, thing and occasion, on every machine."""
        return derived_id(self.about, f"{self.kind} {self.occasion}".strip())


@dataclass(frozen=True, slots=True)
class KeptNotice:
    """A notice with what became of it so far."""

    notice: Notice
    state: NoticeState
    created_at: datetime
    attempts: int = 0
    settled_at: datetime | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The words of a notice: a subject of one line, and a plain text whose paragraphs stand apart by an empty line."""

    subject: str
    text: str


class Writer(Protocol):
    """Finds the words of a service's notices."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that it can write."""

    def write(self, notice: Notice) -> Written:
        """The words, in the notice's language."""


class Notices(Protocol):
    """The notices of one transaction."""

    async def post(self, notice: Notice) -> bool:
        """Keeps it and has it sent if the transaction commits. False when it was kept before, or nobody could get it."""

    async def withdraw(self, kind: str, *, about: UUID) -> int:
        """Those of this kind that wait are not sent any more; how many."""


class HeldNotices(Notices, Protocol):
    """The notices of a transaction in which many causes of letters come together."""

    def post_at_commit(self, notice: Notice) -> None:
        """As `post`, together with the other notices of this transaction."""


def can_be_written_to(address: str) -> bool:
    """Whether there can be somebody behind this e-mail: not a guest's stand-in."""
    return "@" in address and not is_guest_email(address.strip().lower())
