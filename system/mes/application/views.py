"""What the API shows: one shape for reads and for the answers of commands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from system.kernel.money import Money
from system.mes.domain import rules
from system.mes.domain.pay import PayEntry
from system.mes.domain.rules import Terms
from system.mes.domain.work_order import WorkOrder


def money_view(money: Money) -> dict[str, str]:
    """Money as the APIs write it."""
    return {"amount": f"{money.amount:.2f}", "currency": money.currency}


def work_order_view(
    work_order: WorkOrder, *, pay: Money, now: datetime, terms: Terms, order: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A work order as JSON. `pay` is what its claim earned or would earn now; `order` what is known of the order's status."""
    claim, parcel = work_order.claim, work_order.parcel
    state_since = work_order.state_since or work_order.released_at
    undo_until = rules.undo_ends_at(work_order.state, state_since, undo_s=terms.undo_s)
    return {
        "work_order_id": str(work_order.id),
        "order_id": str(work_order.order_id),
        "order_number": work_order.order_number,
        "order": order,
        "line_id": str(work_order.line_id),
        "channel": work_order.channel,
        "title": work_order.title,
        "kind": work_order.kind,
        "material": work_order.material,
        "quantity": work_order.quantity,
        "ring_size": work_order.ring_size,
        "file_id": str(work_order.file_id) if work_order.file_id else None,
        "sku": work_order.sku,
        "weight_g": str(work_order.weight_g) if work_order.weight_g is not None else None,
        "approved_at": work_order.approved_at.isoformat(),
        "promise_at": work_order.promise_at.isoformat(),
        "released_at": work_order.released_at.isoformat(),
        "escalated": rules.is_escalated(
            work_order.state, work_order.released_at, now=now, claim_budget_s=terms.claim_budget_s
        ),
        "escalates_at": rules.escalates_at(work_order.released_at, terms.claim_budget_s).isoformat(),
        "state": str(work_order.state),
        "state_since": state_since.isoformat(),
        "claim_no": work_order.claim_no,
        "claimed_by": claim.operator.name if claim else None,
        "claimed_by_id": str(claim.operator.id) if claim else None,
        "claimed_at": claim.claimed_at.isoformat() if claim else None,
        "lapses_at": _moment(rules.lapses_at(work_order.state, state_since, idle_s=terms.idle_s)),
        "undo_until": _moment(undo_until if undo_until and undo_until > now else None),
        "rework_count": work_order.rework_count,
        "shipment": {"carrier": parcel.carrier, "tracking_number": parcel.tracking_number} if parcel else None,
        "pay": money_view(pay),
        "allowed_actions": list(work_order.allowed_actions),
    }


def _moment(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def pay_entry_view(entry: PayEntry) -> dict[str, Any]:
    """A ledger entry as JSON."""
    return {
        "work_order_id": str(entry.work_order_id),
        "claim_no": entry.claim_no,
        "kind": str(entry.kind),
        "operator_id": str(entry.operator.id),
        "order_id": str(entry.order_id),
        "order_number": entry.order_number,
        "title": entry.title,
        "amount": money_view(entry.amount),
        "at": entry.at.isoformat(),
    }
