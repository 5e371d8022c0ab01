"""What people ask of MES. `key` makes a repeated request answer as the first did; None where the state alone guards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from system.mes.domain.weights import Stage
from system.mes.domain.work_order import Operator, Parcel
from system.plumbing.unit_of_work import IdempotencyKey


@dataclass(frozen=True, slots=True)
class ClaimWorkOrder:
    """An operator takes a work order from the board."""

    work_order_id: UUID
    operator: Operator
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class AssignWorkOrder:
    """A seller or administrator gives an escalated work order to an operator. `operator_name` names one MES has not met."""

    work_order_id: UUID
    operator_id: UUID
    operator_name: str | None
    assigned_by: Operator
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class HandOverWorkOrder:
    """A seller or administrator gives claimed work to another operator. `operator_name` names one MES has not met."""

    work_order_id: UUID
    operator_id: UUID
    operator_name: str | None
    handed_over_by: Operator
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ReturnWorkOrder:
    """The holder gives the work order back to the board."""

    work_order_id: UUID
    operator: Operator
    reason: str
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """The holder is still making the piece, and wants to keep it."""

    work_order_id: UUID
    operator: Operator
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class CompleteWorkOrder:
    """The holder has made the piece, and may have weighed it: all pieces together. `confirmed` as with a weighing."""

    work_order_id: UUID
    operator: Operator
    finished_g: Decimal | None = None
    confirmed: bool = False
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class UndoCompletion:
    """The holder has not made the piece after all: the button was pressed by mistake."""

    work_order_id: UUID
    operator: Operator
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class StartRework:
    """The holder takes a made or packed piece back to the bench."""

    work_order_id: UUID
    operator: Operator
    reason: str
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class StartPacking:
    """The holder begins to pack."""

    work_order_id: UUID
    operator: Operator
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ShipWorkOrder:
    """The holder handed the parcel to the carrier."""

    work_order_id: UUID
    operator: Operator
    parcel: Parcel
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class WeighWorkOrder:
    """The holder weighed the work order's pieces, all together. `confirmed`: they stand by a weight that is unusual."""

    work_order_id: UUID
    operator: Operator
    grams: Mapping[Stage, Decimal]
    confirmed: bool = False
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class SetPayRate:
    """An administrator sets what a material pays, from a moment on; None is at once. `version`: of the rates they looked at."""

    material: str
    per_piece: Decimal
    per_gram: Decimal
    valid_from: datetime | None
    reason: str
    set_by: Operator
    version: int | None = None
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class WithdrawPayRate:
    """An administrator takes a planned rate back."""

    material: str
    valid_from: datetime
    reason: str
    withdrawn_by: Operator
    key: IdempotencyKey | None = None
