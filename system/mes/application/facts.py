"""MES's facts in the published language."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from system.mes.domain.withdrawal import Withdrawal
from system.mes.domain.work_order import Operator, Parcel, WorkOrder
from system.messages.mes_v1 import (
    PackingStarted,
    ReworkStarted,
    WithdrawalDecided,
    WorkOrderClaimed,
    WorkOrderCompleted,
    WorkOrderReturned,
    WorkOrderShipped,
)


class _Common(TypedDict):
    order_id: UUID
    work_order_id: UUID
    operator_id: UUID
    operator_name: str
    at: datetime


def _common(work_order: WorkOrder, operator: Operator, at: datetime) -> _Common:
    return {
        "order_id": work_order.order_id,
        "work_order_id": work_order.id,
        "operator_id": operator.id,
        "operator_name": operator.name,
        "at": at,
    }


def claimed(work_order: WorkOrder, operator: Operator, *, at: datetime) -> WorkOrderClaimed:
    """Somebody took it."""
    return WorkOrderClaimed(**_common(work_order, operator, at), claim_no=work_order.claim_no)


def returned(work_order: WorkOrder, operator: Operator, *, reason: str, at: datetime) -> WorkOrderReturned:
    """It is on the board again."""
    return WorkOrderReturned(**_common(work_order, operator, at), claim_no=work_order.claim_no, reason=reason)


def completed(work_order: WorkOrder, operator: Operator, *, at: datetime) -> WorkOrderCompleted:
    """It is made."""
    return WorkOrderCompleted(**_common(work_order, operator, at))


def rework_started(work_order: WorkOrder, operator: Operator, *, reason: str, at: datetime) -> ReworkStarted:
    """It is on the bench again."""
    return ReworkStarted(**_common(work_order, operator, at), reason=reason)


def packing_started(work_order: WorkOrder, operator: Operator, *, at: datetime) -> PackingStarted:
    """It is being packed."""
    return PackingStarted(**_common(work_order, operator, at))


def shipped(work_order: WorkOrder, operator: Operator, parcel: Parcel, *, at: datetime) -> WorkOrderShipped:
    """The carrier has it."""
    return WorkOrderShipped(
        **_common(work_order, operator, at), carrier=parcel.carrier, tracking_number=parcel.tracking_number
    )


def withdrawal_decided(withdrawal: Withdrawal) -> WithdrawalDecided:
    """The answer to a request to take an order's work back."""
    return WithdrawalDecided(
        order_id=withdrawal.order_id,
        withdrawal_id=withdrawal.id,
        accepted=withdrawal.accepted,
        held_by=withdrawal.held_by,
        decided_at=withdrawal.decided_at,
    )
