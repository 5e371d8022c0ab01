"""What sellers and carriers ask of CRM."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from system.crm.domain.care import Subject
from system.crm.domain.case import CaseState, CaseWish
from system.crm.domain.letter import Letter
from system.crm.domain.parcel import CarrierEvent
from system.crm.domain.sales_order import Seller
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import IdempotencyKey


@dataclass(frozen=True, slots=True)
class ApproveOrder:
    """A seller confirms an order for production. `seen_version` guards against deciding on an old view."""

    order_id: UUID
    seller: Seller
    key: IdempotencyKey | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True)
class RejectOrder:
    """A seller refuses an order; the customer reads the reason."""

    order_id: UUID
    seller: Seller
    reason: str
    key: IdempotencyKey | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """A seller closes a shipped order by hand."""

    order_id: UUID
    who: Principal
    reason: str
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A seller cancels an order, until it is shipped."""

    order_id: UUID
    who: Principal
    reason: str
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class RepairOrder:
    """A seller has a hanging order tried again."""

    order_id: UUID
    who: Principal
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """Somebody takes an order's road away as a scenario."""

    order_id: UUID
    who: Principal


@dataclass(frozen=True, slots=True)
class AskCustomer:
    """A seller asks the customer for a change, or a question; the customer answers on the order's page."""

    order_id: UUID
    seller: Seller
    text: str
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class ReceiveLetter:
    """A customer wrote on the order's page; with a `wish` they return something or complain."""

    letter: Letter
    wish: CaseWish | None = None


@dataclass(frozen=True, slots=True)
class DecideCase:
    """A seller's word on a return or a complaint, which the customer reads. `seen_version` guards against an old view."""

    order_id: UUID
    case_id: UUID
    seller: Seller
    state: CaseState
    text: str = ""
    key: IdempotencyKey | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiveCarrierEvent:
    """A carrier's message whose signature was checked."""

    event: CarrierEvent


@dataclass(frozen=True, slots=True)
class TakeOrder:
    """A seller looks after an order that waits. `instead_of` is the colleague whom they mean to relieve."""

    order_id: UUID
    seller: Seller
    key: IdempotencyKey | None = None
    instead_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class GiveBackOrder:
    """Whoever looks after an order that waits does so no more; an administrator may say it for them."""

    order_id: UUID
    seller: Seller
    administers: bool
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class WriteNote:
    """A seller writes something for the colleagues, anew or as the correction of a note."""

    about: Subject
    author: Seller
    text: str
    key: IdempotencyKey | None = None
    corrects: UUID | None = None


@dataclass(frozen=True, slots=True)
class SetReminder:
    """A seller reminds themselves, or a colleague, of something. `for_id` None: themselves."""

    about: Subject
    made_by: Seller
    text: str
    due_at: datetime
    key: IdempotencyKey | None = None
    for_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FinishReminder:
    """It is done."""

    reminder_id: UUID
    who: Seller
    administers: bool
    key: IdempotencyKey | None = None


@dataclass(frozen=True, slots=True)
class PutOffReminder:
    """It comes due later. `seen_version` guards against putting off twice what two pages show."""

    reminder_id: UUID
    who: Seller
    administers: bool
    until: datetime
    key: IdempotencyKey | None = None
    seen_version: int | None = None
