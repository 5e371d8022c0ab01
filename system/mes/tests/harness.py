"""What the rules of MES are tried on: the same questions, answered from memory or from PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from system.kernel.clock import FixedClock
from system.kernel.ids import new_id
from system.kernel.money import Money
from system.mes.application import handlers, reactions
from system.mes.application.commands import ClaimWorkOrder
from system.mes.application.ports import MesUnitOfWork
from system.mes.domain.pay import PayEntry, PayRate
from system.mes.domain.rules import Terms
from system.mes.domain.work_order import Operator, WorkOrder
from system.messages.envelope import Message
from system.messages.orchestrator_v1 import (
    OrderChanged,
    OrderStatus,
    ReleaseWorkOrders,
    WithdrawWorkOrders,
    WorkOrderSpec,
)
from system.plumbing.unit_of_work import Answer

BUDGET_S = 3600
IDLE_S = 48 * 3600
UNDO_S = 600
# Few of the tests are about the limit, and in all others the same people take what they like.
TERMS = Terms(claim_budget_s=BUDGET_S, claims_max=10_000, idle_s=IDLE_S, undo_s=UNDO_S)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OLEG = Operator(UUID("00000000-0000-4000-8000-00000000000a"), "Oleg")
OLGA = Operator(UUID("00000000-0000-4000-8000-00000000000b"), "Olga")
RATES = (
    PayRate("*", START - timedelta(days=900), Money.of("600.00", "RUB"), Money.of("40.00", "RUB")),
    PayRate("silver_925", START - timedelta(days=900), Money.of("450.00", "RUB"), Money.of("25.00", "RUB")),
)


class Mes(Protocol):
    """MES under test."""

    clock: FixedClock

    def make_uow(self) -> MesUnitOfWork:
        """A new unit of work."""

    async def work_order(self, work_order_id: UUID) -> WorkOrder:
        """A work order as committed."""

    async def ledger(self, work_order_id: UUID) -> list[PayEntry]:
        """Committed entries of a work order, by claim and kind."""

    async def messages(self, order_id: UUID) -> list[dict[str, Any]]:
        """Committed messages of an order in sequence: their data and their `type`."""

    async def claimed_since_before(self, moment: datetime, *, limit: int) -> list[UUID]:
        """As `lapses.Claims` promises."""

    async def history(self, work_order_id: UUID) -> list[tuple[str, str | None]]:
        """Committed states and reasons of a work order, in order."""


def spec(*, material: str = "silver_925", quantity: int = 1, weight_g: str | None = "2.00") -> WorkOrderSpec:
    """A line to be made."""
    return WorkOrderSpec(
        work_order_id=new_id(),
        line_id=new_id(),
        title="Pave ring",
        kind="custom",
        material=material,
        quantity=quantity,
        ring_size="17.5",
        file_id=new_id(),
        weight_g=Decimal(weight_g) if weight_g is not None else None,
    )


def release_of(*specs: WorkOrderSpec, order_id: UUID | None = None) -> ReleaseWorkOrders:
    """The orchestrator's command for one approved order."""
    return ReleaseWorkOrders(
        order_id=order_id or new_id(),
        number="A-26000123",
        channel="shop",
        approved_at=START,
        promise_at=START + timedelta(days=21),
        work_orders=specs or (spec(),),
    )


def withdrawal_of(order_id: UUID, *, by_seller: bool = False, withdrawal_id: UUID | None = None) -> WithdrawWorkOrders:
    """The orchestrator's request to take an order's work back."""
    return WithdrawWorkOrders(
        order_id=order_id,
        withdrawal_id=withdrawal_id or new_id(),
        requested_by="Anna",
        by_seller=by_seller,
        reason="changed my mind",
    )


def changed_to(status: OrderStatus, order_id: UUID, *, version: int) -> OrderChanged:
    """The orchestrator's word on an order."""
    return OrderChanged(
        order_id=order_id,
        number="A-26000123",
        version=version,
        status=status,
        status_since=START,
        promise_at=START + timedelta(days=21),
    )


async def hear(mes: Mes, message: Message) -> None:
    """Lets MES react to a message, and commits as its consumer does."""
    react: Any = {
        ReleaseWorkOrders: reactions.on_release_work_orders,
        WithdrawWorkOrders: reactions.on_withdraw_work_orders,
        OrderChanged: reactions.on_order_changed,
    }[type(message)]
    async with mes.make_uow() as uow:
        await react(message, uow)
        await uow.commit()


async def released(mes: Mes, *specs: WorkOrderSpec) -> tuple[UUID, list[UUID]]:
    """An order on the board: its id, and those of its work orders."""
    command = release_of(*specs)
    await hear(mes, command)
    return command.order_id, [each.work_order_id for each in command.work_orders]


async def claim(mes: Mes, work_order_id: UUID, operator: Operator = OLEG, *, terms: Terms = TERMS) -> Answer:
    """An operator takes a work order."""
    return await handlers.claim_work_order(ClaimWorkOrder(work_order_id, operator), mes.make_uow(), terms=terms)
