"""What MES says about the work orders of an order."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from system.messages.envelope import Message


class _WorkOrderFact(Message):
    work_order_id: UUID
    operator_id: UUID
    operator_name: str
    at: datetime


class WorkOrderClaimed(_WorkOrderFact):
    """An operator took the work order: claiming is starting."""

    TYPE: ClassVar[str] = "mes.work_order_claimed.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    claim_no: int


class WorkOrderReturned(_WorkOrderFact):
    """The operator gave the work order back to the board."""

    TYPE: ClassVar[str] = "mes.work_order_returned.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    claim_no: int
    reason: str


class WorkOrderCompleted(_WorkOrderFact):
    """The piece is made."""

    TYPE: ClassVar[str] = "mes.work_order_completed.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)


class ReworkStarted(_WorkOrderFact):
    """A made or packed piece goes back to the bench."""

    TYPE: ClassVar[str] = "mes.rework_started.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    reason: str


class PackingStarted(_WorkOrderFact):
    """Packing began."""

    TYPE: ClassVar[str] = "mes.packing_started.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)


class WorkOrderShipped(_WorkOrderFact):
    """The parcel was handed to the carrier."""

    TYPE: ClassVar[str] = "mes.work_order_shipped.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    carrier: str
    tracking_number: str


class WithdrawalDecided(Message):
    """Reply to orchestrator.withdraw_work_orders.v1: accepted when none was being made; a seller may withdraw a started one."""

    TYPE: ClassVar[str] = "mes.withdrawal_decided.v1"
    CONSUMERS: ClassVar[tuple[str, ...]] = ("orchestrator",)

    withdrawal_id: UUID
    accepted: bool
    held_by: str | None = None
    decided_at: datetime
