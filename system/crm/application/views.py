"""What the API shows of an order: one shape for reads and for the answers of commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from system.crm.domain.care import Note, Reminder, Subject
from system.crm.domain.case import Case, CaseKind, CaseState, CaseTerms
from system.crm.domain.letter import Letter
from system.crm.domain.sales_order import Assignment, Decision, SalesOrder, Seller
from system.kernel.money import Money


def money_view(money: Money | None) -> dict[str, str] | None:
    """Money as the APIs write it."""
    return {"amount": f"{money.amount:.2f}", "currency": money.currency} if money is not None else None


def summary_view(order: SalesOrder, *, now: datetime, at_risk_margin_s: int) -> dict[str, Any]:
    """An order as a line of a list."""
    content = order.content
    return {
        "order_id": str(order.order_id),
        "number": order.number,
        "status": order.status,
        "status_since": order.status_since.isoformat(),
        "version": order.version,
        "channel": content.channel if content else None,
        "customer": (
            {"id": content.customer["id"], "name": content.customer["name"], "email": content.customer["email"]}
            if content
            else None
        ),
        "partner_reference": content.partner_reference if content else None,
        "first_piece": _piece(content.lines[0]) if content and content.lines else None,
        "line_count": len(content.lines) if content else 0,
        "submitted_at": content.submitted_at.isoformat() if content else None,
        "agreed_total": money_view(content.agreed_total) if content else None,
        "total": money_view(order.total),
        "promise_at": order.promise_at.isoformat() if order.promise_at else None,
        "due_at": order.due_at.isoformat() if order.due_at else None,
        "at_risk": order.is_at_risk(now=now, margin_s=at_risk_margin_s),
        "cancellation_requested": order.cancellation_requested,
        "waits_for_customer_since": (
            order.waits_for_customer_since.isoformat() if order.waits_for_customer_since else None
        ),
        "decision": _decision(order.decision),
        "escalation": (
            {"level": str(order.escalation.level), "at": order.escalation.at.isoformat()} if order.escalation else None
        ),
        "taken_by": _assignment(order.assignment),
        "allowed": list(order.allowed),
        "allowed_actions": list(order.allowed_actions),
    }


def order_view(order: SalesOrder, *, now: datetime, at_risk_margin_s: int) -> dict[str, Any]:
    """Everything CRM knows of an order, except what carriers said and customers wrote."""
    content = order.content
    priced = {line["line_id"]: line for line in order.priced_lines}
    lines = [_line(line, priced.get(line["line_id"])) for line in content.lines] if content else []
    return summary_view(order, now=now, at_risk_margin_s=at_risk_margin_s) | {
        "customer": content.customer if content else None,
        "delivery": content.delivery if content else None,
        "lines": lines,
        "reason": order.reason,
        "reason_code": _reason_code(order),
        "consent": order.consent,
        "shipments": list(order.shipments),
        "history": [
            {
                "status": step["to_status"],
                "at": step["at"],
                "actor": step["actor"],
                "reason": step.get("reason"),
                "reason_code": step.get("reason_code"),
                "version": step["version"],
            }
            for step in order.history
        ],
    }


def _reason_code(order: SalesOrder) -> str | None:
    """The stable word for the order's reason, which is that of the last step."""
    last = order.history[-1] if order.history else {}
    return last.get("reason_code") if last.get("reason") == order.reason else None


def letter_view(letter: Letter) -> dict[str, Any]:
    """A letter between customer and sellers."""
    return {
        "letter_id": str(letter.id),
        "side": str(letter.side),
        "author": letter.author,
        "text": letter.text,
        "at": letter.at.isoformat(),
    }


def case_view(case: Case, *, terms: CaseTerms) -> dict[str, Any]:
    """A return or a complaint. `return_to`: where an accepted return goes."""
    is_to_come = case.wish.kind is CaseKind.RETURN and case.state is CaseState.ACCEPTED
    return {
        "case_id": str(case.id),
        "order_id": str(case.order_id),
        "kind": str(case.wish.kind),
        "reason": str(case.wish.reason),
        "line_ids": [str(each) for each in case.wish.line_ids],
        "state": str(case.state),
        "opened_at": case.opened_at.isoformat(),
        "due_at": case.due_at.isoformat() if case.due_at else None,
        "version": case.version,
        "allowed_actions": list(case.allowed_actions),
        "return_to": terms.return_address if is_to_come else None,
        "steps": [
            {
                "state": str(step.state),
                "side": "seller" if step.by_seller else "customer",
                "by": step.by,
                "at": step.at.isoformat(),
                "text": step.text,
            }
            for step in case.steps
        ],
    }


def note_view(note: Note) -> dict[str, Any]:
    """A note of the sellers."""
    return _about(note.about) | {
        "note_id": str(note.id),
        "author": _person(note.author),
        "text": note.text,
        "at": note.at.isoformat(),
        "corrects": str(note.corrects) if note.corrects else None,
    }


def reminder_view(reminder: Reminder, *, now: datetime) -> dict[str, Any]:
    """A reminder. `state`: done, due, or later."""
    state = "done" if reminder.done_at else "due" if reminder.due_at <= now else "later"
    return _about(reminder.about) | {
        "reminder_id": str(reminder.id),
        "text": reminder.text,
        "due_at": reminder.due_at.isoformat(),
        "state": state,
        "for_whom": _person(reminder.for_whom) if reminder.for_whom else None,
        "made_by": _person(reminder.made_by) if reminder.made_by else None,
        "made_at": reminder.made_at.isoformat(),
        "version": reminder.version,
        "done_by": _person(reminder.done_by) if reminder.done_by else None,
        "done_at": reminder.done_at.isoformat() if reminder.done_at else None,
    }


def _about(subject: Subject) -> dict[str, Any]:
    return {
        "order_id": str(subject.order_id) if subject.order_id else None,
        "customer_id": str(subject.customer_id) if subject.customer_id else None,
    }


def _person(seller: Seller) -> dict[str, Any]:
    return {"id": str(seller.id), "name": seller.name}


def _piece(line: dict[str, Any]) -> dict[str, Any]:
    return {"kind": line["kind"], "title": line["title"], "file_id": line.get("file_id")}


def _line(line: dict[str, Any], priced: dict[str, Any] | None) -> dict[str, Any]:
    return line | {
        "quote_id": priced["quote_id"] if priced else line["quote_id"],
        "total": priced["total"] if priced else None,
        "weight_g": priced.get("weight_g") if priced else None,
        # An order of earlier days came without.
        "extras": line.get("extras"),
    }


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "kind": str(decision.kind),
        "seller_id": str(decision.seller.id),
        "seller_name": decision.seller.name,
        "at": decision.at.isoformat(),
        "reason": decision.reason,
    }


def _assignment(assignment: Assignment | None) -> dict[str, Any] | None:
    if assignment is None:
        return None
    return {
        "seller_id": str(assignment.seller.id),
        "seller_name": assignment.seller.name,
        "at": assignment.at.isoformat(),
    }
