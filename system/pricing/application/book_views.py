"""How pricing shows books, what differs between them, plans and previews: plain data, decimals as text."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from system.pricing.application.ports import BookRecord, EndedPlan
from system.pricing.application.views import money_view
from system.pricing.domain.book_changes import Change, changes_between
from system.pricing.domain.plan import Plan
from system.pricing.domain.preview import BARS, Move, Preview, QuoteMove, Tally

SHARE_UNIT = Decimal("0.0001")


def share_view(share: Decimal | None) -> str | None:
    """A share to a hundredth of a percent."""
    return None if share is None else f"{share.quantize(SHARE_UNIT, rounding=ROUND_HALF_EVEN):f}"


def record_view(record: BookRecord, *, quotes: int) -> dict[str, Any]:
    """One version in the list of books, and how many quotes were priced by it."""
    return {
        "version": record.version,
        "made_by": record.made_by,
        "made_at": record.made_at.isoformat(),
        "reason": record.reason,
        "quote_count": quotes,
    }


def change_view(change: Change) -> dict[str, Any]:
    """One value that differs; `path` as refusals of a book name it."""
    return {
        "path": ".".join(change.path),
        "before": change.before,
        "after": change.after,
        "share": share_view(change.share),
    }


def plan_view(plan: Plan) -> dict[str, Any]:
    """A planned book."""
    return {
        "plan_id": str(plan.plan_id),
        "made_from": plan.made_from,
        "changes": [change_view(change) for change in plan.changes],
        "reason": plan.reason,
        "made_by": plan.made_by,
        "made_at": plan.made_at.isoformat(),
        "starts_at": plan.starts_at.isoformat(),
    }


def ended_plan_view(known: EndedPlan) -> dict[str, Any]:
    """A planned book, and why it did not start if it could not."""
    return plan_view(known.plan) | {"outcome": known.outcome, "told": known.told}


def preview_view(preview: Preview) -> dict[str, Any]:
    """Everything a proposed book would do."""
    effect = preview.effect
    return {
        "replaces": preview.present.version,
        "currency": preview.proposed.currency,
        "changes": [change_view(change) for change in changes_between(preview.present, preview.proposed)],
        "quotes": {
            "open": preview.open_count,
            "recalculated": effect.all.count,
            "every": preview.step,
            **_tally(effect.all),
            "by_material": {code: _tally(tally) for code, tally in effect.by_material.items()},
            "bars": [
                {
                    "from": str(BARS[place - 1]) if place else None,
                    "to": str(BARS[place]) if place < len(BARS) else None,
                    "count": count,
                }
                for place, count in enumerate(effect.bars)
            ],
            "largest": [_quote_move(found) for found in effect.largest],
        },
        "catalogue": [{"sku": sku, **_move(move)} for sku, move in preview.catalogue.items()],
        "torus": [{"material": code, **_move(move)} for code, move in preview.torus.items()],
    }


def _move(move: Move) -> dict[str, Any]:
    return {
        "before": money_view(move.before),
        "after": money_view(move.after),
        "share": share_view(move.share),
        "direction": move.direction,
    }


def _tally(tally: Tally) -> dict[str, Any]:
    return {
        "count": tally.count,
        "up": tally.up,
        "down": tally.down,
        "same": tally.same,
        "gone": tally.gone,
        "remade": tally.remade,
        "before": money_view(tally.before),
        "after": money_view(tally.after),
        "share": share_view(tally.share),
        "least": share_view(tally.least),
        "most": share_view(tally.most),
    }


def _quote_move(found: QuoteMove) -> dict[str, Any]:
    return {
        "quote_id": str(found.quote_id),
        "material": found.material,
        "sku": found.sku,
        "quantity": found.quantity,
        "weight_g": None if found.weight_g is None else str(found.weight_g),
        "remade": found.remade,
        **_move(found.move),
    }
