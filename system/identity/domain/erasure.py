"""A person's data leaves: which services are asked, in which order, how often, and what is refused about it.

Two rounds. The first begins at once; the second when no access token of theirs can live any more and whatever was on its way has
arrived: it takes out what a message, a form or a seller's note may have brought in meanwhile. Only then is the account itself gone.

Refused
├── OrdersOpen       409: orders are still on their way
├── StaffStays       409: the account is one of our staff or of a partner
├── WordMissing      422: a guest did not type the word
└── DataIncomplete   503: a service does not answer, so that somebody's own copy would lack something
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from system.identity.domain.user import Role, User
from system.kernel.errors import Conflict, Invalid, Unavailable

FIRST = "shop"
"""It alone knows whose orders are whose and which models they were made from, so the others are asked after it."""

SERVICES = (FIRST, "files", "pricing", "crm", "orchestrator", "mes")
"""Whoever keeps anything of customers."""

TELLING = (FIRST, "files", "pricing", "crm")
"""Whoever keeps something of a customer that no other does: what the orchestrator and MES have is copied from the shop."""

ROUNDS = (1, 2)
WORDS = frozenset({"delete", "удалить"})
"""What a guest types in place of a password, in whichever language the page was."""


class OrdersOpen(Conflict):
    """Orders of this person are still on their way."""

    def __init__(self, numbers: Sequence[str]) -> None:
        super().__init__(
            "orders-open",
            f"These orders are still on their way: {', '.join(numbers)}. Cancel them, or wait until they have arrived.",
            numbers=list(numbers),
        )


class StaffStays(Conflict):
    """The account is one of our staff, or of a partner."""

    def __init__(self) -> None:
        super().__init__(
            "staff-stays", "This account does more than buy: ask an administrator to take its other roles away first."
        )


class WordMissing(Invalid):
    """A guest, who has no password, did not type the word."""

    def __init__(self) -> None:
        super().__init__("word-missing", "Send the word `delete`: it says that this is no mistake.")


class DataIncomplete(Unavailable):
    """A service does not answer."""

    def __init__(self, silent: Sequence[str]) -> None:
        super().__init__(
            "data-incomplete",
            f"Not everything could be collected: {', '.join(silent)} did not answer. Ask again in a moment, or with"
            " `incomplete=true` for what there is.",
            missing=list(silent),
        )


@dataclass(frozen=True, slots=True)
class ErasureTerms:
    """How long the second round waits, and how long the breaks grow while a service does not answer."""

    second_round_after: timedelta
    retry_first: timedelta
    retry_max: timedelta


@dataclass(frozen=True, slots=True)
class Step:
    """One service in one round. `told` is how the last try failed, in words for us."""

    round: int
    service: str
    next_attempt_at: datetime
    attempts: int = 0
    done_at: datetime | None = None
    told: str | None = None


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody's way out. `order_ids` and `model_ids` are what the shop said they had: what stays, without them."""

    user_id: UUID
    requested_at: datetime
    steps: tuple[Step, ...]
    order_ids: tuple[UUID, ...] = ()
    model_ids: tuple[UUID, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether every service has forgotten them, twice."""
        return all(step.done_at for step in self.steps)

    def due(self, now: datetime) -> list[Step]:
        """Whom to ask now: of the first round that is not done, the shop, and when it has answered the others."""
        for number in ROUNDS:
            of_round = [step for step in self.steps if step.round == number]
            waiting = [step for step in of_round if step.done_at is None]
            if not waiting:
                continue
            ready = [step for step in waiting if step.next_attempt_at <= now]
            if any(step.service == FIRST for step in waiting):
                return [step for step in ready if step.service == FIRST]
            return ready
        return []

    def answered(self, step: Step, *, now: datetime, remaining: int) -> Erasure:
        """The step is done; or, while something remains, is to be asked again at once."""
        if remaining:
            return self._with(replace(step, attempts=0, next_attempt_at=now, told=None))
        return self._with(replace(step, done_at=now, told=None))

    def failed(self, step: Step, *, now: datetime, told: str, terms: ErasureTerms) -> Erasure:
        """The step is to be tried again after a break, which doubles each time."""
        pause = min(terms.retry_first * 2 ** min(step.attempts, 20), terms.retry_max)
        return self._with(replace(step, attempts=step.attempts + 1, next_attempt_at=now + pause, told=told[:500]))

    def reaching(self, *, order_ids: Sequence[UUID], model_ids: Sequence[UUID]) -> Erasure:
        """With what the shop says that they had."""
        return replace(self, order_ids=tuple(order_ids), model_ids=tuple(model_ids))

    def _with(self, changed: Step) -> Erasure:
        key = (changed.round, changed.service)
        return replace(self, steps=tuple(changed if (step.round, step.service) == key else step for step in self.steps))


def begin_erasure(user_id: UUID, *, now: datetime, terms: ErasureTerms) -> Erasure:
    """Both rounds, as yet to be done."""
    starts = {1: now, 2: now + terms.second_round_after}
    steps = tuple(Step(number, service, starts[number]) for number in ROUNDS for service in SERVICES)
    return Erasure(user_id, now, steps)


def may_leave(user: User) -> None:
    """Raises StaffStays for whoever is more than a customer."""
    if user.roles != frozenset({Role.CUSTOMER}):
        raise StaffStays()


def is_the_word(typed: str) -> bool:
    """Whether a guest meant it."""
    return typed.strip().casefold() in WORDS
