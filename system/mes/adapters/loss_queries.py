"""Reads about metal: what was made in a period, and what was lost of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.mes.adapters import tables
from system.mes.application.views import grams_view
from system.mes.domain.losses import (
    Losses,
    Made,
    Norm,
    by_operator_and_alloy,
    norms_of,
    stands_out,
    total,
)
from system.mes.domain.weights import Weights
from system.mes.domain.work_order import Operator

MADE_MAX = 20_000
"""Work orders of one period; more are not made in a month."""

# The newest completion counts: what went back to the bench was not made yet. Its state is a literal, for the partial index.
MADE_BETWEEN = f"""
SELECT w.id, w.order_number, w.title, w.material, w.quantity, w.weight_g, w.claimed_by, w.claimed_by_name, made.at AS made_at,
       (SELECT grams FROM weighing WHERE work_order_id = w.id AND stage = 'cast' ORDER BY no DESC LIMIT 1) AS cast_g,
       (SELECT grams FROM weighing WHERE work_order_id = w.id AND stage = 'finished' ORDER BY no DESC LIMIT 1) AS finished_g
FROM (SELECT work_order_id, max(at) AS at FROM work_order_history
      WHERE {tables.MADE} AND at >= :begins AND at < :ends GROUP BY work_order_id) AS made
JOIN work_order AS w ON w.id = made.work_order_id
WHERE w.state IN ('COMPLETED', 'PACKING', 'SHIPPED') AND NOT EXISTS (
    SELECT FROM work_order_history AS later
    WHERE later.work_order_id = w.id AND later.{tables.MADE} AND later.at >= :ends)
ORDER BY made.at DESC, w.id DESC
LIMIT :most
"""  # noqa: S608 - constants of ours


class LossQueries:
    """What is asked about losses."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def losses(self, begins: datetime, ends: datetime, *, of_operator: UUID | None = None) -> dict[str, Any]:
        """What was made from `begins` until before `ends`: by operator and alloy, and each work order, the newest first.

        With `of_operator` only their own; what an alloy usually loses is still that of all operators."""
        async with self._engine.connect() as connection:
            found = await connection.execute(text(MADE_BETWEEN), {"begins": begins, "ends": ends, "most": MADE_MAX + 1})
            rows = found.mappings().all()
        everything = [_made_from(row) for row in rows[:MADE_MAX]]
        norms = norms_of(everything)
        own = [each for each in everything if of_operator is None or each.operator.id == of_operator]
        lines = by_operator_and_alloy(own, norms)
        return {
            "begins": begins.isoformat(),
            "ends": ends.isoformat(),
            "is_whole": len(rows) <= MADE_MAX,
            "lines": [_line_view(line) for line in lines],
            "total": _total_view(own, lines),
            "alloys": [_norm_view(norm) for norm in norms.values()],
            "work_orders": [_made_view(each, norms) for each in own],
        }


def _made_from(row: Mapping[Any, Any]) -> Made:
    quoted = None if row["weight_g"] is None else row["weight_g"] * row["quantity"]
    return Made(
        work_order_id=row["id"],
        order_number=row["order_number"],
        title=row["title"],
        material=row["material"],
        quantity=row["quantity"],
        operator=Operator(row["claimed_by"], row["claimed_by_name"]),
        made_at=row["made_at"],
        weights=Weights(quoted, row["cast_g"], row["finished_g"]),
    )


def _line_view(line: Losses) -> dict[str, Any]:
    return {
        "operator_id": str(line.operator.id),
        "operator_name": line.operator.name,
        "material": line.material,
        "weighed": line.weighed,
        "unweighed": line.unweighed,
        **grams_view(line.weights),
        "is_outlier": line.is_outlier,
    }


def _total_view(made: Sequence[Made], lines: Sequence[Losses]) -> dict[str, Any]:
    return {
        "weighed": sum(line.weighed for line in lines),
        "unweighed": sum(line.unweighed for line in lines),
        **grams_view(total([each for each in made if each.weights.is_weighed])),
    }


def _norm_view(norm: Norm) -> dict[str, Any]:
    return {
        "material": norm.material,
        "samples": norm.samples,
        "mean_percent": f"{norm.mean_percent:.2f}",
        "deviation_percent": f"{norm.deviation:.2f}",
    }


def _made_view(made: Made, norms: dict[str, Norm]) -> dict[str, Any]:
    return {
        "work_order_id": str(made.work_order_id),
        "order_number": made.order_number,
        "title": made.title,
        "material": made.material,
        "quantity": made.quantity,
        "operator_id": str(made.operator.id),
        "operator_name": made.operator.name,
        "made_at": made.made_at.isoformat(),
        **grams_view(made.weights),
        "is_outlier": stands_out(made, norms),
    }
