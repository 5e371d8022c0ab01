"""What a run left behind, as plain facts: read from the services' tables, the broker, the mailbox and the people themselves."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Moved:
    """One row of an order's history. `start` is None for its birth."""

    order_id: str
    seq: int
    start: str | None
    end: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One row of an outbox."""

    service: str
    event_id: str
    type: str
    order_id: str
    is_published: bool
    is_parked: bool


@dataclass(frozen=True, slots=True)
class Received:
    """One row of an inbox."""

    service: str
    event_id: str
    type: str
    order_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Paid:
    """One row of the pay ledger: `kind` is earn or reverse."""

    work_order_id: str
    kind: str
    operator_id: str


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """A work order as MES has it."""

    work_order_id: str
    order_id: str
    line_id: str
    state: str


@dataclass(frozen=True, slots=True)
class StockMoved:
    """Pieces reserved for an order or given back: `kind` is reserve or release."""

    order_id: str
    sku: str
    kind: str
    pieces: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is on the shelf of one good, and what all orders ever took from it less what they gave back."""

    sku: str
    stocked: int
    available: int
    taken: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an order as the shop has it; `sku` is empty for a customer's own model."""

    order_id: str
    line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter as the service that writes it has it."""

    notice_id: str
    about: str
    kind: str
    occasion: str
    state: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as the mailbox took it."""

    to: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the broker: what lies in it, and what was handed out and not acknowledged."""

    name: str
    ready: int
    unacknowledged: int


@dataclass
class Heard:
    """What the people of a run were told. Keys are the Idempotency-Keys they sent."""

    created: dict[str, str] = field(default_factory=dict)
    """Orders by the key that started them."""
    submitted: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    """Orders whose cancellation was answered with 200: it is cancelled."""
    won: dict[str, set[str]] = field(default_factory=dict)
    """Operators who were told that a work order is theirs, by work order."""
    answers: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """For each key, every answer it got: the status and a digest of what it was about."""
    undone: list[str] = field(default_factory=list)
    """What nobody answered for good, or what was refused though it should not have been."""


@dataclass
class Evidence:
    """Everything that the invariants look at."""

    heard: Heard
    statuses: dict[str, str] = field(default_factory=dict)
    """Orders of the run's customers as the orchestrator has them."""
    attention: set[str] = field(default_factory=set)
    """Orders that the orchestrator lists as stuck, with the reason, for people to see."""
    shop_orders: list[str] = field(default_factory=list)
    history: list[Moved] = field(default_factory=list)
    consumers: dict[str, set[str]] = field(default_factory=dict)
    """Services by the type of message that the broker brings them."""
    sent: list[Sent] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    work_orders: list[WorkOrder] = field(default_factory=list)
    paid: list[Paid] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    stock_moved: list[StockMoved] = field(default_factory=list)
    shelves: list[Shelf] = field(default_factory=list)
    kept_keys: dict[str, int] = field(default_factory=dict)
    """How often each of the people's keys is kept by the services, in all."""
    notices: list[Notice] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    queues: list[Queue] = field(default_factory=list)
    unsettled: dict[str, int] = field(default_factory=dict)
    """Messages of anybody that wait in an outbox or inbox, by service and state."""
    findings: list[str] = field(default_factory=list)
    """The reconciliation report."""
    planted: int = 0
    """Bodies that nobody can read, thrown in on purpose."""
    dead_seen: int = 0
    """How many of those people could see and repair."""
    dead_left: int = 0
    """Dead letters that are still open."""
