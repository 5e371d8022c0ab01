"""What CRM refuses.

Refused
├── NotFound       OrderNotFound, CustomerNotFound, NoteNotFound, ReminderNotFound, ColleagueUnknown, CaseNotFound
├── Conflict       OrderAlreadyDecided, OrderNotAwaitingApproval, OrderContentMissing, TransitionRefused,
│                 NothingToRepair, OrderTaken, NoteAlreadyCorrected, ReminderAlreadyDone,
│                 ReturnTooEarly, ReturnTooLate, CaseAlreadyOpen, CaseHasEnded
├── Stale          OrderChangedSinceRead, ReminderChangedSinceRead, CaseChangedSinceRead
├── Forbidden      ReminderNotYours
├── Invalid        ReminderInThePast, PieceNotOfOrder, AnswerMissing
└── Refused (401)  WebhookNotTrusted
"""

from __future__ import annotations

from datetime import datetime

from system.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused, Stale


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


class CustomerNotFound(NotFound):
    """Nobody of this id has ordered anything that CRM has heard of."""

    def __init__(self, customer: str) -> None:
        super().__init__(
            "customer-not-found",
            f"No customer {customer} has ordered anything. Search by a name, an e-mail or a phone.",
            customer=customer,
        )


class NoteNotFound(NotFound):
    """There is no such note about this order or customer."""

    def __init__(self, note: str) -> None:
        super().__init__("note-not-found", f"There is no note {note} here; read the notes again.", note=note)


class ReminderNotFound(NotFound):
    """There is no such reminder."""

    def __init__(self, reminder: str) -> None:
        super().__init__(
            "reminder-not-found", f"There is no reminder {reminder}; read your reminders again.", reminder=reminder
        )


class ColleagueUnknown(NotFound):
    """CRM has not met this person: whoever looks after orders comes in once, and is known from then on."""

    def __init__(self, colleague: str) -> None:
        super().__init__(
            "colleague-unknown",
            f"Nobody here has met {colleague} yet. Choose one of the colleagues, or ask them to open their queue once.",
            colleague=colleague,
        )


class OrderTaken(Conflict):
    """A colleague looks after it, and was not the one whom the seller meant to relieve."""

    def __init__(self, *, taken_by: str, taken_by_id: str, taken_at: datetime) -> None:
        super().__init__(
            "order-taken",
            f"{taken_by} looks after this order since {taken_at.isoformat()}. Take it over from {taken_by} if you agreed on that.",
            taken_by=taken_by,
            taken_by_id=taken_by_id,
            taken_at=taken_at.isoformat(),
        )


class NoteAlreadyCorrected(Conflict):
    """Somebody was first; their correction is what can be corrected further."""

    def __init__(self) -> None:
        super().__init__(
            "note-already-corrected", "This note was corrected meanwhile. Read the notes again, and correct the newest."
        )


class ReminderAlreadyDone(Conflict):
    """It is done; says who, unless it ended by itself, and when."""

    def __init__(self, *, done_by: str | None, done_at: datetime) -> None:
        super().__init__(
            "reminder-already-done",
            f"{done_by or 'The system'} marked this reminder done at {done_at.isoformat()}. Nothing is left to do.",
            done_by=done_by,
            done_at=done_at.isoformat(),
        )


class ReminderChangedSinceRead(Stale):
    """The reminder was put off meanwhile."""

    def __init__(self, *, due_at: datetime, present: int) -> None:
        super().__init__(
            "reminder-changed",
            f"This reminder was put off meanwhile, until {due_at.isoformat()}. Read it again before you change it.",
            due_at=due_at.isoformat(),
            version=present,
        )


class ReminderNotYours(Forbidden):
    """It is somebody else's, and not of one's own making."""

    def __init__(self, *, for_whom: str | None) -> None:
        super().__init__(
            "reminder-not-yours",
            f"This reminder is for {for_whom or 'the administrators'}. Ask them, or an administrator.",
            for_whom=for_whom,
        )


class ReminderInThePast(Invalid):
    """Nobody can be reminded of something before now."""

    def __init__(self, *, due_at: datetime) -> None:
        super().__init__(
            "reminder-in-the-past",
            f"{due_at.isoformat()} is over. Choose a moment that is still to come.",
            due_at=due_at.isoformat(),
        )


class CaseNotFound(NotFound):
    """There is no such return or complaint about this order."""

    def __init__(self, case: str) -> None:
        super().__init__(
            "case-not-found",
            f"There is no return or complaint {case} about this order; read the order again.",
            case=case,
        )


class ReturnTooEarly(Conflict):
    """Nothing was sent yet, so nothing can come back."""

    def __init__(self, *, order_status: str) -> None:
        super().__init__(
            "return-too-early",
            f"An order that is {order_status} has not left us, so it cannot be returned. Complain, or write what is wrong.",
            order_status=order_status,
        )


class ReturnTooLate(Conflict):
    """It was delivered too long ago."""

    def __init__(self, *, until: datetime, days: int) -> None:
        super().__init__(
            "return-too-late",
            f"It could be returned within {days} days, until {until.isoformat()}. Complain, if something is wrong with it.",
            until=until.isoformat(),
            days=days,
        )


class CaseAlreadyOpen(Conflict):
    """One return or complaint about an order is looked at at a time."""

    def __init__(self) -> None:
        super().__init__(
            "case-already-open",
            "We are looking into this order already. Write a letter about it; what you write is read together with it.",
        )


class CaseHasEnded(Conflict):
    """A seller has decided about it; says who, what and when."""

    def __init__(self, *, state: str, by: str, at: datetime, allowed: tuple[str, ...]) -> None:
        can = f"Possible now: {', '.join(allowed)}." if allowed else "Nothing more can be done about it."
        super().__init__(
            "case-has-ended",
            f"It is {state}, by {by} at {at.isoformat()}. {can}",
            case_state=state,
            by=by,
            at=at.isoformat(),
            allowed=list(allowed),
        )


class CaseChangedSinceRead(Stale):
    """It is not as the seller saw it."""

    def __init__(self, *, present: int) -> None:
        super().__init__(
            "case-changed", "This changed since you read it. Read it again before you decide.", version=present
        )


class PieceNotOfOrder(Invalid):
    """Nothing of this order has that id."""

    def __init__(self, line_id: str) -> None:
        super().__init__(
            "piece-not-of-order",
            f"This order has no line {line_id}. Name lines of the order, or none.",
            line_id=line_id,
        )


class AnswerMissing(Invalid):
    """The customer would read nothing."""

    def __init__(self) -> None:
        super().__init__("answer-missing", "Write what the customer should read: why, or what happens next.")
