"""An order's story in words that a seller understands: who did what, what hangs, and what to do about it.

Sentences are messages of the catalogue, filled where they are shown. What services said to each other is kept apart: it went well and
only support wants it; what did not go well is part of the story.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from system.crm.entrypoints.case_words import KINDS, REASONS, STATES
from system.pagekit.words import N_

Kind = Literal["status", "carrier", "letter", "notice", "case", "note", "trouble", "deed", "message"]
Action = Literal["decide", "repair", "assign", "work", "call", "close"]

SERVICES: Mapping[str, str] = {
    "crm": N_("sellers"),
    "files": N_("files"),
    "identity": N_("accounts"),
    "mes": N_("production"),
    "orchestrator": N_("coordination"),
    "pricing": N_("pricing"),
    "shop": N_("shop"),
}
MESSAGES: Mapping[str, str] = {
    "shop.order_initiated.v1": N_("the customer began an order"),
    "shop.file_uploaded.v1": N_("the model was uploaded"),
    "shop.order_submitted.v1": N_("the order was submitted"),
    "shop.price_accepted.v1": N_("the customer agreed to the price"),
    "shop.price_declined.v1": N_("the customer declined the price"),
    "shop.stock_reserved.v1": N_("stock was reserved"),
    "shop.stock_refused.v1": N_("stock was not enough"),
    "pricing.order_priced.v1": N_("the order was priced"),
    "pricing.order_unpriceable.v1": N_("the order cannot be priced"),
    "orchestrator.price_order.v1": N_("a price was asked for"),
    "orchestrator.reserve_stock.v1": N_("stock was asked for"),
    "orchestrator.release_stock.v1": N_("stock was given back"),
    "orchestrator.release_work_orders.v1": N_("the work was given to production"),
    "orchestrator.withdraw_work_orders.v1": N_("the work was asked back from production"),
    "orchestrator.order_changed.v1": N_("the order's new status"),
    "crm.order_approved.v1": N_("a seller approved the order"),
    "crm.order_rejected.v1": N_("a seller rejected the order"),
    "crm.shipment_delivered.v1": N_("the parcel was delivered"),
    "mes.work_order_claimed.v1": N_("an operator took the work"),
    "mes.work_order_returned.v1": N_("an operator gave the work back"),
    "mes.work_order_completed.v1": N_("the piece was made"),
    "mes.rework_started.v1": N_("the piece went back to the bench"),
    "mes.packing_started.v1": N_("packing began"),
    "mes.work_order_shipped.v1": N_("the parcel was handed to the carrier"),
    "mes.withdrawal_decided.v1": N_("production answered whether it could stop"),
}
UNREADABLE = N_("a message that cannot be read")

SENT = N_("%(service)s reported: %(what)s")
RECEIVED = N_("%(service)s heard: %(what)s")
TROUBLE: Mapping[str, str] = {
    "retry": N_("%(service)s could not act on this yet and tries again: %(what)s"),
    "waiting": N_("In %(service)s this waits for its turn: %(what)s"),
    "held": N_("In %(service)s this waits for an earlier message that is missing: %(what)s"),
    "parked": N_("Set aside in %(service)s after %(attempts)s attempts: %(what)s"),
    "pending": N_("Not yet on its way from %(service)s: %(what)s"),
    "refused": N_("%(service)s refused this, because it does not fit the order: %(what)s"),
    "dead": N_("%(service)s could not read this; an administrator has to mend it: %(what)s"),
}
"""By the state of a message; one that is not here went well."""
SETBACKS: Mapping[str, str] = {
    "worker-died": N_(
        "The calculation of the price was interrupted and taken over by another worker: attempt %(attempts)s"
    ),
    "lease-lost": N_("A worker stood still in the middle of the calculation of the price: attempt %(attempts)s"),
    "allowance-exceeded": N_("The model needs more memory or time than models of its size; it was measured again"),
    "measuring-killed": N_(
        "Memory ran out in the middle of the calculation of the price; it was tried again: attempt %(attempts)s"
    ),
    "dependency-away": N_("The model's file was out of reach; the price was tried again: attempt %(attempts)s"),
    "given-up": N_("The price was given up: the model brought %(attempts)s workers down"),
}
"""By what held a calculation up."""
DEEDS: Mapping[str, str] = {
    "replayed": N_("What was set aside was delivered again"),
    "resent": N_("The service that did not answer was asked once more"),
}
CASE_OPENS = N_("%(case)s: %(reason)s")
CASE_GOES = N_("%(case)s: %(state)s")
NOTICES: Mapping[str, str] = {
    "order-received": N_("We wrote to the customer that the order is with us"),
    "price-question": N_("We wrote to the customer that the price needs their word"),
    "order-approved": N_("We wrote to the customer that the order is confirmed"),
    "order-shipped": N_("We wrote to the customer that the order is on its way"),
    "order-closed": N_("We wrote to the customer that the order has arrived"),
    "order-cancelled": N_("We wrote to the customer that the order is cancelled"),
    "order-rejected": N_("We wrote to the customer that we cannot make the order"),
    "price-failed": N_("We wrote to the customer that the order has no price as it is"),
    "seller-wrote": N_("We wrote to the customer that a seller asks them something"),
}
"""By the kind of a letter by e-mail."""
NOTICE = N_("We wrote to the customer")
UNDELIVERED: Mapping[str, str] = {
    "waiting": N_("The letter waits for the mail server."),
    "refused": N_("The customer's mail server refused the letter: call them."),
    "given_up": N_("The letter could not be delivered: call the customer."),
}
"""By what became of a letter that has not arrived."""
CARRIER = N_("%(carrier)s %(tracking_number)s: %(event)s")

WHY: Mapping[str, tuple[str, str, Action]] = {
    "SUBMITTED": (
        N_("Pricing or the stock has not answered."),
        N_("Try it again here. If it hangs once more, call an administrator."),
        "repair",
    ),
    "AWAITING_CUSTOMER": (
        N_("The price has changed, and the customer has not said yes or no."),
        N_("Call the customer and ask them to answer on the order's page."),
        "call",
    ),
    "PRICE_CALCULATED": (N_("No seller has decided about it."), N_("Approve or reject it here."), "decide"),
    "MANUFACTURING_APPROVED": (
        N_("No operator has taken it."),
        N_("Give it to an operator on the board."),
        "assign",
    ),
    "MANUFACTURING_STARTED": (
        N_("It is being made for longer than planned."),
        N_("Ask the operator who holds it; give it to another one if it does not move."),
        "work",
    ),
    "MANUFACTURING_COMPLETED": (N_("It is made, and nobody packs it."), N_("Ask production to pack it."), "work"),
    "PACKAGING": (
        N_("It is packed, and not handed to the carrier."),
        N_("Ask production to hand it to the carrier and to note the parcel's number."),
        "work",
    ),
    "SHIPPED": (
        N_("The carrier has not reported the delivery."),
        N_("Ask the carrier; close the order by hand once it has arrived."),
        "close",
    ),
}
"""For each status that may last too long: why, what to do, and the deed that does it."""
UNANSWERED = N_("The customer was asked, and has not answered.")
CALL = N_("Call the customer; then approve or reject it here.")
SILENT_STEP = N_("A service does not answer, though it was asked more than once.")
PARKED = N_("Messages of this order were set aside, and somebody waits for them.")
TRY_AGAIN = N_("Try it again here. If it hangs once more, call an administrator.")
SILENT_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the story. `text` is a message of the catalogue; a status' code for `status`, what was written for `letter` and
    `note`."""

    at: datetime
    kind: Kind
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""
    reason: str | None = None
    trace_id: str | None = None
    reason_code: str | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """Why an order hangs, what to do, and the deed that does it. `since` is when it should have gone on."""

    why: str
    what_to_do: str
    action: Action
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything told of an order, the newest first. `not_heard` names the services whose part is missing."""

    lines: tuple[Line, ...]
    messages: tuple[Line, ...]
    advice: Advice | None
    not_heard: tuple[str, ...]


def story_of(
    order: Mapping[str, Any],
    told: Mapping[str, Any] | None,
    notices: Iterable[Mapping[str, Any]] | None = (),
    *,
    now: datetime,
    notes: Iterable[Mapping[str, Any]] = (),
) -> Story:
    """The story of an order as CRM shows it and sellers noted of it, with the orchestrator's timeline of it and the shop's letters by
    e-mail about it.

    Without one of them when that could not be had (None).
    """
    lines = [
        *_statuses(order["history"]),
        *_carrier(order["carrier_events"]),
        *_letters(order["letters"]),
        *_cases(order.get("cases", ())),
        *_notes(notes),
        *_notices(notices or ()),
    ]
    messages: list[Line] = []
    for entry in told["entries"] if told else ():
        line = _line(entry)
        if line is not None:
            (messages if line.kind == "message" else lines).append(line)
    missing = set(told["not_answering"]) if told else {"orchestrator"}
    silent = tuple(sorted(missing if notices is not None else missing | {"shop"}))
    return Story(_newest_first(lines), _newest_first(messages), advice_of(order, told, now=now), silent)


def advice_of(order: Mapping[str, Any], told: Mapping[str, Any] | None, *, now: datetime) -> Advice | None:
    """What to do about an order that hangs; None for one that does not. What is set aside comes before what is late."""
    due_at = datetime.fromisoformat(order["due_at"]) if order["due_at"] else None
    has_parked = any(entry["details"].get("state") == "parked" for entry in told["entries"]) if told else False
    if has_parked:
        return Advice(PARKED, TRY_AGAIN, "repair", due_at if due_at and due_at < now else None)
    if silent := silent_steps(told, now=now):
        return Advice(SILENT_STEP, TRY_AGAIN, "repair", datetime.fromisoformat(silent[0]["since"]))
    is_late = bool(order["allowed"]) and due_at is not None and due_at <= now
    if not is_late or order["status"] not in WHY:
        return None
    if order["status"] == "PRICE_CALCULATED" and order["waits_for_customer_since"]:
        return Advice(UNANSWERED, CALL, "call", datetime.fromisoformat(order["waits_for_customer_since"]))
    why, what_to_do, action = WHY[order["status"]]
    return Advice(why, what_to_do, action, due_at)


def silent_steps(told: Mapping[str, Any] | None, *, now: datetime) -> list[Mapping[str, Any]]:
    """The steps of the saga whose service was asked again and has not answered."""
    return [step for step in told["order"]["saga"] if _is_silent(step, now)] if told else []


def as_view(story: Story) -> dict[str, Any]:
    """The story as the API tells it, in English, the newest first."""
    advice = story.advice
    return {
        "lines": [_line_view(line) for line in story.lines],
        "messages": [_line_view(line) for line in story.messages],
        "advice": (
            {
                "why": advice.why,
                "what_to_do": advice.what_to_do,
                "action": advice.action,
                "since": advice.since.isoformat() if advice.since else None,
            }
            if advice
            else None
        ),
        "not_heard": list(story.not_heard),
    }


def _line_view(line: Line) -> dict[str, Any]:
    facts = dict(line.facts)
    if "service" in facts:
        facts |= {"service": SERVICES.get(facts["service"], facts["service"])}
        facts |= {"what": MESSAGES.get(facts["what"], UNREADABLE)}
    if line.kind == "case":
        facts = {"case": KINDS[facts["case"]], "reason": REASONS[facts["reason"]], "state": STATES[facts["state"]]}
    return {
        "at": line.at.isoformat(),
        "kind": line.kind,
        "text": line.text if line.kind in ("status", "letter", "note") else line.text % facts,
        "actor": line.actor or None,
        "reason": line.reason,
        "service": line.facts.get("service"),
        "type": line.facts.get("what") or None,
        "state": line.facts.get("state") if line.kind != "case" else None,
        "trace_id": line.trace_id,
    }


def _is_silent(step: Mapping[str, Any], now: datetime) -> bool:
    """Whether somebody was asked again and has not answered. A price that was just asked for anew counts its attempts on."""
    if step["state"] in ("STUCK", "UNDO_STUCK"):
        return True
    if step["deadline_at"] is None or step["attempts"] < 2:
        return False
    asked_for_s = (now - datetime.fromisoformat(step["since"])).total_seconds()
    return bool(step["state"] == "UNDOING" or (step["state"] == "RUNNING" and asked_for_s > SILENT_AFTER_S))


def _statuses(history: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for step in history:
        at = datetime.fromisoformat(step["at"])
        code = step.get("reason_code")
        yield Line(at, "status", step["status"], actor=step["actor"], reason=step["reason"], reason_code=code)


def _carrier(events: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for said in events:
        facts = {name: said[name] for name in ("carrier", "tracking_number", "event")}
        yield Line(datetime.fromisoformat(said["occurred_at"]), "carrier", CARRIER, facts)


def _letters(letters: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for letter in letters:
        actor = f"{letter['side']} {letter['author']}"
        yield Line(datetime.fromisoformat(letter["at"]), "letter", letter["text"], actor=actor)


def _cases(cases: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for case in cases:
        for number, step in enumerate(case["steps"]):
            facts = {"case": case["kind"], "reason": case["reason"], "state": step["state"]}
            at, actor = datetime.fromisoformat(step["at"]), f"{step['side']} {step['by']}"
            yield Line(at, "case", CASE_GOES if number else CASE_OPENS, facts, actor=actor, reason=step["text"] or None)


def _notes(notes: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for note in notes:
        facts = {"about": "order" if note["order_id"] else "customer", "corrected": note["corrected"]}
        yield Line(
            datetime.fromisoformat(note["at"]), "note", note["text"], facts, actor=f"seller {note['author']['name']}"
        )


def _notices(notices: Iterable[Mapping[str, Any]]) -> Iterable[Line]:
    for each in notices:
        if each["state"] != "withdrawn":
            at = datetime.fromisoformat(each["settled_at"] or each["written_at"])
            yield Line(at, "notice", NOTICES.get(each["kind"], NOTICE), reason=UNDELIVERED.get(each["state"]))


def _line(entry: Mapping[str, Any]) -> Line | None:
    at, details = datetime.fromisoformat(entry["at"]), entry["details"]
    if entry["kind"] == "status":
        return None  # CRM's own history tells it, and also when nobody else answers.
    if "setback" in details:
        said = SETBACKS.get(details["setback"])
        facts = {"service": "pricing", "what": "", "state": details["setback"], "attempts": details.get("attempt", 0)}
        return Line(at, "trouble", said, facts, trace_id=entry["trace_id"]) if said else None
    if "box" not in details:
        text = DEEDS.get(details.get("note", ""))
        if text is None:
            return None
        return Line(at, "deed", text, actor=str(details.get("actor", "")), trace_id=entry["trace_id"])
    facts = {
        "service": entry["service"],
        "what": details.get("type") or "",
        "attempts": details.get("attempts", 0),
        "state": details["state"],
    }
    state = details["state"]
    if state in TROUBLE:
        return Line(at, "trouble", TROUBLE[state], facts, reason=details.get("error"), trace_id=entry["trace_id"])
    text = SENT if details["box"] == "outbox" else RECEIVED
    return Line(at, "message", text, facts, trace_id=entry["trace_id"])


def _newest_first(lines: Iterable[Line]) -> tuple[Line, ...]:
    # Turned round as a whole: what came at one moment stays in the order in which it was told.
    return tuple(sorted(lines, key=lambda line: line.at)[::-1])
