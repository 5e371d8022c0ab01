"""The saga of an order: one table, read from top to bottom when it goes well and from bottom to top when it is undone.

A step sends a command (`do`) and waits for a `reply`. Without an answer by its deadline the same command goes out again; after the
retries the step is STUCK: shown to people, still willing to take the answer. When an order ends early every step that may have
taken effect is undone, the last one first. Commands and undos may arrive twice: their receivers promise that this changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Command(StrEnum):
    """What the saga tells others to do."""

    RESERVE_STOCK = "reserve_stock"
    RELEASE_STOCK = "release_stock"
    PRICE_ORDER = "price_order"
    AUTHORISE_PAYMENT = "authorise_payment"
    VOID_PAYMENT = "void_payment"
    RELEASE_WORK_ORDERS = "release_work_orders"
    WITHDRAW_WORK_ORDERS = "withdraw_work_orders"


class Fact(StrEnum):
    """What others answer."""

    STOCK_RESERVED = "StockReserved"
    STOCK_REFUSED = "StockRefused"
    ORDER_PRICED = "OrderPriced"
    ORDER_UNPRICEABLE = "OrderUnpriceable"
    PRICE_ACCEPTED = "PriceAccepted"
    PRICE_DECLINED = "PriceDeclined"
    ORDER_APPROVED = "OrderApproved"
    ORDER_REJECTED = "OrderRejected"
    LAST_WORK_ORDER_SHIPPED = "WorkOrderShipped (the last one)"
    LAST_PARCEL_DELIVERED = "ShipmentDelivered (the last one)"
    WITHDRAWAL_DECIDED = "WithdrawalDecided"


class Waits(StrEnum):
    """For whom a step waits once its command is out."""

    NOBODY = "nobody"  # Done as soon as it is committed: the relay delivers it, the reconciliation proves it.
    SERVICE = "service"  # Has a deadline, is sent again.
    PERSON = "person"  # The time budget of the status watches it.


class OnlyIf(StrEnum):
    """Which orders need the step."""

    ALWAYS = "always"
    READY_MADE = "it has ready-made goods"
    CONSENT = "the price needs the customer's consent"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table."""

    name: str
    do: Command | None = None
    undo: Command | None = None
    reply: Fact | None = None
    refusal: Fact | None = None
    undo_reply: Fact | None = None
    waits: Waits = Waits.SERVICE
    only_if: OnlyIf = OnlyIf.ALWAYS
    deadline: timedelta = timedelta(seconds=60)
    retries: int = 5


SAGA: tuple[Step, ...] = (
    Step("reserve_stock", do=Command.RESERVE_STOCK, undo=Command.RELEASE_STOCK,
         reply=Fact.STOCK_RESERVED, refusal=Fact.STOCK_REFUSED, only_if=OnlyIf.READY_MADE,
         deadline=timedelta(seconds=30), retries=10),
    Step("confirm_price", do=Command.PRICE_ORDER,
         reply=Fact.ORDER_PRICED, refusal=Fact.ORDER_UNPRICEABLE,
         deadline=timedelta(seconds=120), retries=5),
    Step("agree_price", only_if=OnlyIf.CONSENT,
         reply=Fact.PRICE_ACCEPTED, refusal=Fact.PRICE_DECLINED, waits=Waits.PERSON),
    Step("authorise_payment", do=Command.AUTHORISE_PAYMENT, undo=Command.VOID_PAYMENT, waits=Waits.NOBODY),
    Step("approve", reply=Fact.ORDER_APPROVED, refusal=Fact.ORDER_REJECTED, waits=Waits.PERSON),
    Step("release_work_orders", do=Command.RELEASE_WORK_ORDERS, undo=Command.WITHDRAW_WORK_ORDERS,
         undo_reply=Fact.WITHDRAWAL_DECIDED, waits=Waits.NOBODY,
         deadline=timedelta(seconds=30), retries=10),
    Step("make_and_ship", reply=Fact.LAST_WORK_ORDER_SHIPPED, waits=Waits.PERSON),
    Step("deliver", reply=Fact.LAST_PARCEL_DELIVERED, waits=Waits.PERSON),
)  # fmt: skip

BY_NAME: Mapping[str, Step] = {step.name: step for step in SAGA}


class State(StrEnum):
    """Where a step of one order is. A step without a run has not begun."""

    RUNNING = "RUNNING"
    STUCK = "STUCK"
    DONE = "DONE"
    SKIPPED = "SKIPPED"
    REFUSED = "REFUSED"
    UNDOING = "UNDOING"
    UNDO_STUCK = "UNDO_STUCK"
    UNDONE = "UNDONE"
    ABANDONED = "ABANDONED"


WAITING = frozenset({State.RUNNING, State.STUCK})
UNDO_WAITING = frozenset({State.UNDOING, State.UNDO_STUCK})
OVER = frozenset({State.DONE, State.SKIPPED})


@dataclass(frozen=True, slots=True)
class StepRun:
    """One step of one order. `attempts` counts the commands sent, `first_attempt` the first whose answer still counts."""

    name: str
    state: State
    attempts: int
    since: datetime
    deadline_at: datetime | None = None
    first_attempt: int = 1


@dataclass(frozen=True, slots=True)
class Sending:
    """A command that has to go out."""

    command: Command
    attempt: int = 1


@dataclass(frozen=True)
class Patience:
    """Deadlines and retries of the environment, where they differ from the table's."""

    deadlines: Mapping[str, timedelta] = field(default_factory=dict)
    retries: int | None = None

    def deadline_of(self, step: Step) -> timedelta:
        """How long one attempt of the step may take."""
        return self.deadlines.get(step.name, step.deadline)

    def retries_of(self, step: Step) -> int:
        """How often the step's command is sent again."""
        return step.retries if self.retries is None else self.retries


class SagaRun:
    """The steps of one order, and what each change of them sends."""

    def __init__(self, runs: Iterable[StepRun] = ()) -> None:
        self.runs: dict[str, StepRun] = {run.name: run for run in runs}

    def state_of(self, name: str) -> State | None:
        """The state of a step; None when it has not begun."""
        run = self.runs.get(name)
        return run.state if run else None

    def waits_for(self, name: str) -> bool:
        """Whether an answer to the step would still count."""
        return self.state_of(name) in WAITING

    @property
    def is_stuck(self) -> bool:
        """Whether a command went out as often as allowed and nobody answered."""
        return any(run.state in (State.STUCK, State.UNDO_STUCK) for run in self.runs.values())

    def advance(self, *, needs: Callable[[OnlyIf], bool], now: datetime, patience: Patience) -> list[Sending]:
        """Begins steps, in the table's order, until one has to wait for somebody."""
        sendings: list[Sending] = []
        for step in SAGA:
            state = self.state_of(step.name)
            if state in OVER:
                continue
            if state is not None:
                break
            if not needs(step.only_if):
                self.runs[step.name] = StepRun(step.name, State.SKIPPED, 0, now)
                continue
            sendings += self._begin(step, now, patience)
            if step.waits is not Waits.NOBODY:
                break
        return sendings

    def answered(self, name: str, now: datetime) -> bool:
        """The step is done. False when it did not wait for this answer (it was repeated, or the order went another way)."""
        return self._settle(name, State.DONE, now)

    def refused(self, name: str, now: datetime) -> bool:
        """The step was refused, so it has nothing to undo. False when it did not wait for this answer."""
        return self._settle(name, State.REFUSED, now)

    def ask_again(self, name: str, now: datetime, patience: Patience) -> list[Sending]:
        """Runs a step anew: earlier answers no longer count, and the steps after it begin again."""
        run, step = self.runs[name], BY_NAME[name]
        for later in SAGA[SAGA.index(step) + 1 :]:
            self.runs.pop(later.name, None)
        attempt = run.attempts + 1
        self.runs[name] = StepRun(name, State.RUNNING, attempt, now, now + patience.deadline_of(step), attempt)
        return [Sending(step.do, attempt)] if step.do else []

    def counts(self, name: str, attempt: int) -> bool:
        """Whether an answer to this attempt belongs to what was asked last."""
        run = self.runs.get(name)
        return run is not None and attempt >= run.first_attempt

    def compensate(self, now: datetime) -> list[Sending]:
        """Undoes what may have taken effect, the last step first. A step that still waits may have taken effect, too."""
        sendings: list[Sending] = []
        for step in reversed(SAGA):
            run = self.runs.get(step.name)
            if run is None or run.state not in WAITING | UNDO_WAITING | {State.DONE}:
                continue
            if step.undo is not None and run.state not in UNDO_WAITING:
                sendings.append(Sending(step.undo))
            if step.undo is not None:
                self.runs[step.name] = replace(run, state=State.UNDONE, since=now, deadline_at=None)
            elif run.state in WAITING:
                self.runs[step.name] = replace(run, state=State.ABANDONED, since=now, deadline_at=None)
        return sendings

    def ask_undo(self, name: str, now: datetime, patience: Patience) -> None:
        """Begins an undo that may be refused; its command is the caller's to send, it says on whose behalf."""
        step = BY_NAME[name]
        self.runs[name] = StepRun(name, State.UNDOING, 1, now, now + patience.deadline_of(step))

    def undo_decided(self, name: str, *, accepted: bool, now: datetime) -> None:
        """The receiver took the step back, or kept it."""
        run = self.runs[name]
        self.runs[name] = replace(run, state=State.UNDONE if accepted else State.DONE, since=now, deadline_at=None)

    def overdue(self, name: str, now: datetime, patience: Patience) -> Sending | None:
        """The deadline passed: the command to send again, or None after the last retry: the step is STUCK."""
        run, step = self.runs[name], BY_NAME[name]
        if run.attempts - run.first_attempt >= patience.retries_of(step):
            stuck = State.UNDO_STUCK if run.state is State.UNDOING else State.STUCK
            self.runs[name] = replace(run, state=stuck, deadline_at=None)
            return None
        return self.resend(name, now, patience)

    def resend(self, name: str, now: datetime, patience: Patience) -> Sending | None:
        """Sends the waiting command once more and gives it a new deadline. None when the step waits for no service."""
        run, step = self.runs[name], BY_NAME[name]
        undoing = run.state in UNDO_WAITING
        command = step.undo if undoing else step.do
        if command is None or not (undoing or run.state in WAITING):
            return None
        state = State.UNDOING if undoing else State.RUNNING
        deadline_at = now + patience.deadline_of(step)
        self.runs[name] = replace(run, state=state, attempts=run.attempts + 1, deadline_at=deadline_at)
        return Sending(command, run.attempts + 1)

    def _begin(self, step: Step, now: datetime, patience: Patience) -> list[Sending]:
        attempts = 1 if step.do else 0
        if step.waits is Waits.NOBODY:
            self.runs[step.name] = StepRun(step.name, State.DONE, attempts, now)
        else:
            deadline_at = now + patience.deadline_of(step) if step.waits is Waits.SERVICE else None
            self.runs[step.name] = StepRun(step.name, State.RUNNING, attempts, now, deadline_at)
        return [Sending(step.do)] if step.do else []

    def _settle(self, name: str, state: State, now: datetime) -> bool:
        if not self.waits_for(name):
            return False
        self.runs[name] = replace(self.runs[name], state=state, since=now, deadline_at=None)
        return True
