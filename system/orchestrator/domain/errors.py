"""What the orchestrator refuses.

Refused
├── NotFound   OrderUnknown             there is no such order here
├── Conflict   TransitionNotAllowed     the status does not allow it; `allowed` lists what it does allow
│              NothingToResend          no step of this order waits for an answer
└── Refused    FactDoesNotApply         a message about an order that this service never saw
"""

from __future__ import annotations

from system.kernel.errors import Conflict, NotFound, Refused
from system.orchestrator.domain.status import Status, Who, allowed_from


class OrderUnknown(NotFound):
    """There is no such order."""

    def __init__(self, order: str) -> None:
        super().__init__("order-not-found", f"There is no order {order}. Check its number or id.")


class TransitionNotAllowed(Conflict):
    """The present status does not allow the step; the problem names those it allows."""

    def __init__(self, *, status: Status, wanted: Status, who: Who) -> None:
        allowed = allowed_from(status, who)
        choice = ", ".join(allowed) if allowed else "nothing any more"
        super().__init__(
            "transition-not-allowed",
            f"An order in {status} cannot become {wanted} on the word of a {who}. It allows: {choice}.",
            order_status=status.value,
            wanted=wanted.value,
            allowed=[end.value for end in allowed],
        )


class NothingToResend(Conflict):
    """No step of the saga is waiting for an answer."""

    def __init__(self, number: str) -> None:
        super().__init__("nothing-to-resend", f"No step of order {number} waits for another service.")


class FactDoesNotApply(Refused):
    """A message about an order that this service does not know. It is kept, visible, and not retried."""

    def __init__(self, fact: str, order: str) -> None:
        super().__init__("fact-does-not-apply", f"{fact} names order {order}, which was never started here.")
