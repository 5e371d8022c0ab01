"""Plays an order's saga as a dialogue: given an order, expect commands, reply with facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from system.kernel.ids import derived_id
from system.kernel.money import Money
from system.orchestrator.domain import ending, making, submitting
from system.orchestrator.domain.budgets import BUDGETED, Budgets
from system.orchestrator.domain.making import Parcel
from system.orchestrator.domain.order import Contact, Line, Order, Policy
from system.orchestrator.domain.saga import Command, Patience
from system.orchestrator.domain.status import Status, Who
from system.orchestrator.domain.submitting import Price
from system.orchestrator.domain.work import WorkFact

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ORDER_ID = UUID("0195e000-0000-7000-8000-000000000001")
POLICY = Policy(Budgets(timedelta(days=21), dict.fromkeys(BUDGETED, timedelta(days=2))), Patience(retries=2))


def rub(amount: str) -> Money:
    """So many roubles."""
    return Money.of(amount, "RUB")


def a_line(number: int, kind: Any = "custom") -> Line:
    """One line for 100 roubles."""
    custom = kind == "custom"
    return Line(
        line_id=derived_id(ORDER_ID, f"line {number}"),
        kind=kind,
        title=f"Ring {number}",
        material="gold_585",
        quantity=1,
        quote_id=derived_id(ORDER_ID, f"quote {number}"),
        agreed_total=rub("100.00"),
        file_id=derived_id(ORDER_ID, f"file {number}") if custom else None,
        sku=None if custom else f"ring-{number}",
    )


class Play:
    """One order on a stage. Every reply takes a minute; `expect` looks at the commands since the last look."""

    def __init__(self, *kinds: str, policy: Policy = POLICY) -> None:
        self.policy = policy
        self.now = START
        self.order = Order.initiate(
            order_id=ORDER_ID,
            number="A-26000001",
            channel="shop",
            customer_id=derived_id(ORDER_ID, "customer"),
            initiated_at=START,
            now=START,
            policy=policy,
        )
        self.lines = tuple(a_line(number, kind) for number, kind in enumerate(kinds or ("custom",), start=1))

    # -- replies ------------------------------------------------------------------------------------------------

    def file_uploaded(self) -> Play:
        return self._tick(lambda: submitting.file_uploaded(self.order, now=self.now))

    def submitted(self) -> Play:
        total = Money.total((line.agreed_total for line in self.lines), "RUB")
        contact = Contact(self.order.contact.customer_id, "Anna", "anna@example.com", None)
        return self._tick(
            lambda: submitting.submitted(
                self.order,
                contact=contact,
                lines=self.lines,
                agreed_total=total,
                submitted_at=self.now,
                now=self.now,
                policy=self.policy,
            )
        )

    def stock_reserved(self) -> Play:
        return self._tick(lambda: submitting.stock_reserved(self.order, now=self.now, policy=self.policy))

    def stock_refused(self) -> Play:
        return self._tick(
            lambda: submitting.stock_refused(self.order, sku="ring-1", asked=1, available=0, now=self.now)
        )

    def priced(
        self, each: str = "100.00", *, remade: tuple[str, ...] = (), attempt: int = 1, valid_h: float = 24
    ) -> Play:
        until = self.now + timedelta(hours=valid_h)
        prices = {
            line.line_id: Price(derived_id(line.quote_id, each), rub(each), None, until, remade) for line in self.lines
        }
        total = Money.total((price.total for price in prices.values()), "RUB")
        return self._tick(
            lambda: submitting.priced(
                self.order, attempt=attempt, prices=prices, total=total, now=self.now, policy=self.policy
            )
        )

    def unpriceable(self, *, attempt: int = 1) -> Play:
        return self._tick(
            lambda: submitting.unpriceable(
                self.order, attempt=attempt, code="mesh-not-closed", detail="The model has holes.", now=self.now
            )
        )

    def price_accepted(self, total: str, *, after: timedelta = timedelta(0)) -> Play:
        self.now += after
        return self._tick(
            lambda: submitting.price_accepted(
                self.order, total=rub(total), accepted_at=self.now, now=self.now, policy=self.policy
            )
        )

    def price_declined(self) -> Play:
        return self._tick(lambda: submitting.price_declined(self.order, now=self.now))

    def approved(self) -> Play:
        return self._tick(
            lambda: submitting.approved(
                self.order, seller="Sofia", approved_at=self.now, now=self.now, policy=self.policy
            )
        )

    def rejected(self) -> Play:
        return self._tick(
            lambda: submitting.rejected(self.order, seller="Sofia", reason="We cannot set such a stone.", now=self.now)
        )

    def work(self, fact: WorkFact, line: int = 1, *, parcel: str | None = None, operator: str = "Oleg") -> Play:
        tracked = Parcel("CDEK", parcel or f"T{line}") if fact is WorkFact.SHIPPED else None
        return self._tick(
            lambda: making.work_order_moved(
                self.order,
                fact,
                work_order_id=self.lines[line - 1].work_order_id(ORDER_ID),
                operator=operator,
                now=self.now,
                policy=self.policy,
                parcel=tracked,
            )
        )

    def delivered(self, tracking_number: str) -> Play:
        return self._tick(
            lambda: making.delivered(
                self.order, carrier="CDEK", tracking_number=tracking_number, delivered_at=self.now, now=self.now
            )
        )

    def cancel(self, who: Who = Who.CUSTOMER) -> ending.CancellationAnswer:
        self.now += timedelta(minutes=1)
        return ending.cancel(
            self.order, who=who, actor=str(who), reason="No longer needed", now=self.now, policy=self.policy
        )

    def withdrawal_decided(self, *, accepted: bool, withdrawal_id: UUID | None = None) -> Play:
        pending = self.order.cancellation
        decided = withdrawal_id or (pending.withdrawal_id if pending else ORDER_ID)
        return self._tick(
            lambda: ending.withdrawal_decided(
                self.order,
                withdrawal_id=decided,
                accepted=accepted,
                held_by=None if accepted else "Oleg",
                now=self.now,
            )
        )

    def close(self) -> Play:
        return self._tick(lambda: ending.close(self.order, actor="seller Sofia", reason="He called", now=self.now))

    def silence(self, step: str) -> Play:
        """Nobody answers: time passes beyond the step's deadline, and the timer looks."""
        run = self.order.saga.runs[step]
        self.now = max(self.now, run.deadline_at or self.now) + timedelta(seconds=1)
        ending.step_overdue(self.order, step, now=self.now, policy=self.policy)
        return self

    # -- whole stretches ----------------------------------------------------------------------------------------

    def until(self, status: Status) -> Play:
        """Plays the good road until the order is in `status`, for all its lines, and forgets the commands."""
        stretches: list[tuple[Status, Any]] = [
            (Status.SUBMITTED, self.submitted),
            (Status.PRICE_CALCULATED, lambda: (self._has_stock() and self.stock_reserved(), self.priced())),
            (Status.MANUFACTURING_APPROVED, self.approved),
            (Status.MANUFACTURING_STARTED, lambda: self._all(WorkFact.CLAIMED)),
            (Status.MANUFACTURING_COMPLETED, lambda: self._all(WorkFact.COMPLETED)),
            (Status.PACKAGING, lambda: self._all(WorkFact.PACKING)),
            (Status.SHIPPED, lambda: self._all(WorkFact.SHIPPED)),
            (Status.CLOSED, lambda: [self.delivered(f"T{n}") for n in range(1, len(self.lines) + 1)]),
        ]
        for reached, play in stretches:
            if self.order.status is status:
                break
            play()
            assert self.order.status is reached, f"{self.order.status} instead of {reached}"
        self.order.outgoing.clear()
        return self

    def _has_stock(self) -> bool:
        return any(line.kind == "ready_made" for line in self.lines)

    def _all(self, fact: WorkFact) -> None:
        for number in range(1, len(self.lines) + 1):
            self.work(fact, number)

    # -- what is expected ---------------------------------------------------------------------------------------

    def expect(self, *commands: Command) -> Play:
        """Exactly these commands went out since the last look, in this order."""
        sent = [outgoing.command for outgoing in self.order.outgoing]
        assert sent == list(commands), f"sent {sent}"
        self.order.outgoing.clear()
        return self

    def expect_status(self, status: Status) -> Play:
        assert self.order.status is status
        return self

    def expect_note(self, kind: str) -> Play:
        assert kind in [note.kind for note in self.order.notes], [note.kind for note in self.order.notes]
        return self

    @property
    def road(self) -> list[Status]:
        """The statuses the order went through."""
        return [step.end for step in self.order.history]

    def _tick(self, play: Any) -> Play:
        self.now += timedelta(minutes=1)
        play()
        return self
