"""The orders that the scenarios of a run made, written down for whoever judges the run as a whole.

A run that wants them names a file in ALEXANDRITE_ORDERS (step_defs.assembly does); every scenario adds a line for each of its orders.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

ORDERS_VARIABLE = "ALEXANDRITE_ORDERS"
KILLS = "exclusive"
"""The tag of scenarios that break shared parts: what a killed process had not sent yet of its work is lost with it."""


@dataclass(frozen=True, slots=True)
class MadeOrder:
    """An order, and the scenario that made it; `is_struck` when that scenario may have killed a process that worked on it."""

    order_id: str
    number: str
    scenario: str
    is_struck: bool


def remember(orders: Iterable[tuple[str, str]], *, scenario: str, tags: Collection[str]) -> None:
    """Writes down the orders (id and number) of one scenario, if this run wants them."""
    named = os.environ.get(ORDERS_VARIABLE)
    lines = [
        json.dumps(asdict(MadeOrder(order_id, number, scenario, KILLS in tags)), ensure_ascii=False)
        for order_id, number in orders
    ]
    if named and lines:
        # One write in append mode: several workers share the file.
        with Path(named).open("a", encoding="utf-8") as kept:
            kept.write("".join(f"{line}\n" for line in lines))


def remembered() -> list[MadeOrder]:
    """What was written down so far in this run. Raises LookupError when no file was named."""
    named = os.environ.get(ORDERS_VARIABLE)
    if not named:
        raise LookupError(f"no file of orders is named: run it by step_defs.assembly, or set {ORDERS_VARIABLE}")
    path = Path(named)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [MadeOrder(**json.loads(line)) for line in lines]
