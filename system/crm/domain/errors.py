"""What CRM refuses.

Refused
├── NotFound       OrderNotFound
├── Conflict       OrderAlreadyDecided, OrderNotAwaitingApproval, OrderContentMissing, TransitionRefused,
│                 NothingToRepair
├── Stale          OrderChangedSinceRead
└── Refused (401)  WebhookNotTrusted
"""

from __future__ import annotations

from datetime import datetime

from system.kernel.errors import Conflict, NotFound, Refused, Stale


class OrderNotFound(NotFound):
    """CRM has not heard of this order."""

    def __init__(self, order: str) -> None:
        super().__init__(
            "order-not-found",
            f"There is no order {order} here. Search by its number, an e-mail or a reference.",
            order=order,
        )


class OrderAlreadyDecided(Conflict):
    """A seller was first; says who, what and when."""

    def __init__(
        self, *, decision: str, decided_by: str, decided_at: datetime, order_status: str, allowed: tuple[str, ...]
    ) -> None:
        super().__init__(
            "order-already-decided",
            f"{decided_by} has {decision} this order at {decided_at.isoformat()}. Open it to see where it is now.",
            decision=decision,
            decided_by=decided_by,
            decided_at=decided_at.isoformat(),
            order_status=order_status,
            allowed=list(allowed),
        )


class OrderNotAwaitingApproval(Conflict):
    """Only an order with a calculated price waits for a seller: it is too early, or too late."""

    def __init__(self, *, order_status: str, allowed: tuple[str, ...]) -> None:
        can = f"Possible now: {', '.join(allowed)}." if allowed else "Nothing more can be done with it."
        super().__init__(
            "order-not-awaiting-approval",
            f"An order that is {order_status} cannot be approved or rejected. {can}",
            order_status=order_status,
            allowed=list(allowed),
        )


class OrderContentMissing(Conflict):
    """Its price is known, but not yet what was ordered: nobody approves what they cannot see."""

    def __init__(self, *, order_status: str) -> None:
        super().__init__(
            "order-content-missing",
            "What was ordered has not arrived here yet. Wait a moment and open the order again.",
            order_status=order_status,
        )


class TransitionRefused(Conflict):
    """The orchestrator says that the order's status does not allow it."""

    def __init__(self, *, detail: str, order_status: str | None, allowed: tuple[str, ...]) -> None:
        super().__init__("transition-not-allowed", detail, order_status=order_status, allowed=list(allowed))


class NothingToRepair(Conflict):
    """No message of the order is parked and no step waits: trying again would change nothing."""

    def __init__(self) -> None:
        super().__init__(
            "nothing-to-repair",
            "Nothing of this order hangs in our own systems, so there is nothing to try again. Its card says who it waits for.",
        )


class OrderChangedSinceRead(Stale):
    """The order is not as the seller saw it."""

    def __init__(self, *, seen: int, present: int) -> None:
        super().__init__(
            "order-changed",
            f"You saw version {seen} of this order; it is at {present} now. Read it again before you decide.",
            version=present,
        )


class WebhookNotTrusted(Refused):
    """The message is not provably from the carrier, or not from now. Nothing of it is kept."""

    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__(
            "webhook-not-trusted", f"{reason} Sign `id.timestamp.body` with the shared secret (HMAC-SHA256)."
        )
