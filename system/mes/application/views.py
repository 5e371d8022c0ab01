"""What the API shows: one shape for reads and for the answers of commands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from system.kernel.money import Money
from system.mes.domain import rules
from system.mes.domain.pay import PayEntry, PayRate
from system.mes.domain.rates import RateWithdrawal
from system.mes.domain.rules import Terms
from system.mes.domain.weights import Weighing, Weights, weights_of
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
        "extras": work_order.extras,
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


def pay_rate_view(rate: PayRate) -> dict[str, Any]:
    """A rate as JSON."""
    return {
        "material": rate.material,
        "valid_from": rate.valid_from.isoformat(),
        "per_piece": money_view(rate.per_piece),
        "per_gram": money_view(rate.per_gram),
        "set_by": rate.set_by.name if rate.set_by else None,
        "set_at": _moment(rate.set_at),
        "reason": rate.reason,
    }


def rate_withdrawal_view(withdrawal: RateWithdrawal) -> dict[str, Any]:
    """A rate that was withdrawn, as JSON."""
    return pay_rate_view(withdrawal.rate) | {
        "withdrawn_by": withdrawal.withdrawn_by.name,
        "withdrawn_at": withdrawal.withdrawn_at.isoformat(),
        "withdrawn_because": withdrawal.because,
    }


def weights_view(work_order: WorkOrder, weighings: Sequence[Weighing]) -> dict[str, Any]:
    """What a work order weighs, and all that was written down of it, the oldest first, as JSON."""
    weights = weights_of(work_order, weighings)
    newest = {each.stage: each.no for each in sorted(weighings, key=lambda each: each.no)}
    return {
        "work_order_id": str(work_order.id),
        **grams_view(weights),
        "weighings": [
            {
                "at": each.at.isoformat(),
                "stage": str(each.stage),
                "no": each.no,
                "claim_no": each.claim_no,
                "grams": f"{each.grams:.2f}",
                "weighed_by": each.operator.name,
                "in_doubt": each.in_doubt,
                "counts": each.no == newest[each.stage],
            }
            for each in weighings
        ],
    }


def grams_view(weights: Weights) -> dict[str, str | None]:
    """Weights and the loss between them as JSON: grams and percent to a hundredth."""
    return {
        "quoted_g": _hundredths(weights.quoted_g),
        "cast_g": _hundredths(weights.cast_g),
        "finished_g": _hundredths(weights.finished_g),
        "lost_g": _hundredths(weights.lost_g),
        "lost_percent": _hundredths(weights.lost_percent),
    }


def _hundredths(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:.2f}"
