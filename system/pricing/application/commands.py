"""What pricing is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from system.plumbing.unit_of_work import IdempotencyKey
from system.pricing.domain.engraving import Engraving
from system.pricing.domain.mesh import LengthUnit


@dataclass(frozen=True, slots=True)
class RequestQuote:
    """A price for a model in a material, or for a ready-made good. `sees_all_files` is true for our own staff.

    `asked_by` is the kind of person who asks, a role; whoever leads the shift sees it beside the calculation, and no name.
    """

    key: IdempotencyKey | None
    owner_id: UUID
    quantity: int
    file_id: UUID | None = None
    material: str | None = None
    sku: str | None = None
    ring_size: str | None = None
    unit: LengthUnit | None = None
    stones: Mapping[str, int] = field(default_factory=dict)
    plating: str | None = None
    engraving: Engraving | None = None
    sees_all_files: bool = False
    asked_by: str = "customer"


@dataclass(frozen=True, slots=True)
class CancelQuote:
    """A quote's calculation shall stop. `sees_all` is true for our own staff."""

    quote_id: UUID
    asked_by: UUID
    sees_all: bool = False


@dataclass(frozen=True, slots=True)
class ReplacePriceBook:
    """A new version of the price book, made from `replaces`."""

    replaces: int
    data: Mapping[str, Any]
    made_by: str
    actor_id: UUID
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PlanPriceBook:
    """A version of the price book that comes into force later, made from `replaces`. The same id again is the same plan."""

    plan_id: UUID
    replaces: int
    data: Mapping[str, Any]
    reason: str
    starts_at: datetime
    made_by: str
    actor_id: UUID


@dataclass(frozen=True, slots=True)
class WithdrawPlan:
    """A planned book shall not come into force."""

    plan_id: UUID
    reason: str
    withdrawn_by: str
    actor_id: UUID


@dataclass(frozen=True, slots=True)
class PreviewPriceBook:
    """What the next version of the book, made from `replaces`, would do."""

    replaces: int
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CalculateQuote:
    """A worker's command: measure the model of a quote and price it. `last_attempt` ends it whatever happens.

    `is_ours` says whether the worker still holds the calculation.
    """

    quote_id: UUID
    last_attempt: bool = False
    attempt: int = 1
    is_ours: Callable[[], bool] = lambda: True
