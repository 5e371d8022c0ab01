"""A badge: a code that an operator carries, and what keeps guessing apart from mistyping.

The code is 20 digits, and digits only: a scanner types like a keyboard, and digits are the only keys that give the same
characters under a Latin and a Russian layout, with and without Caps Lock. The last two are check digits (ISO 7064, MOD
97-10), so that a code that was read in part is told from one that is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from system.identity.domain.errors import BadgeLocked, BadgeUnreadable
from system.identity.domain.session import SessionTerms
from system.identity.domain.throttle import ThrottleTerms

CODE_DIGITS = 20
CODE_NUMBERS = 10 ** (CODE_DIGITS - 2)
"""How many codes there are: more than can be tried, so that a plain digest of one cannot be searched for while it is slowed down."""

ONE_TIME_CODE_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Badge:
    """A badge of one person, who has at most one that is not revoked. Only the digest of its code is kept."""

    badge_id: UUID
    user_id: UUID
    code_digest: bytes
    issued_at: datetime
    issued_by: str


@dataclass(frozen=True, slots=True)
class BadgeTerms:
    """How long a session by badge lives, how many wrong PINs lock it, how a workstation is slowed down."""

    session: SessionTerms
    tries_max: int
    one_time_code_lifetime: timedelta
    workstation: ThrottleTerms


@dataclass(frozen=True, slots=True)
class Pin:
    """What opens a badge, of one person: the PIN's hash, the one-time code's for who has none, and the wrong ones in a row.

    It belongs to the person and not to the badge: who lost a badge keeps the PIN.
    """

    user_id: UUID
    pin_hash: str | None = None
    one_time_hash: str | None = None
    one_time_until: datetime | None = None
    tries: int = 0
    locked_at: datetime | None = None

    def tried(self, *, now: datetime, tries_max: int) -> Pin:
        """One more try is spent, before anybody knows whether it is right: a burst of guesses gets no more than others.

        Raises BadgeLocked when all were spent.
        """
        if self.locked_at is not None:
            raise BadgeLocked()
        tries = self.tries + 1
        return replace(self, tries=tries, locked_at=now if tries >= tries_max else None)

    def forgiven(self) -> Pin:
        """The right one came, or an administrator unlocked it: the count begins anew."""
        return replace(self, tries=0, locked_at=None)

    def chosen(self, pin_hash: str) -> Pin:
        """The person chose a PIN; a one-time code is of no use any more. A lock stays until it is forgiven."""
        return replace(self, pin_hash=pin_hash, one_time_hash=None, one_time_until=None)

    def given_one_time_code(self, code_hash: str, *, now: datetime, terms: BadgeTerms) -> Pin:
        """An administrator, who knows the person, lets them choose a PIN anew: the old one ends, and so does a lock."""
        until = now + terms.one_time_code_lifetime
        return replace(self, pin_hash=None, one_time_hash=code_hash, one_time_until=until).forgiven()

    def one_time_hash_at(self, now: datetime) -> str | None:
        """The hash of the one-time code, while it holds."""
        return self.one_time_hash if self.one_time_until is not None and now < self.one_time_until else None


def code_of(number: int) -> str:
    """The badge code of a number below CODE_NUMBERS: its digits and two that check them."""
    return f"{number:0{CODE_DIGITS - 2}d}{98 - number * 100 % 97:02d}"


def is_code(text: str) -> bool:
    """Whether this is a whole badge code, known or not."""
    whole = len(text) == CODE_DIGITS and text.isascii() and text.isdigit()
    return whole and int(text) % 97 == 1


def read_code(scanned: str) -> str:
    """The code in what a scanner typed, or a person with spaces between. Raises BadgeUnreadable for anything else."""
    code = "".join(scanned.split())
    if not is_code(code):
        raise BadgeUnreadable()
    return code
