"""`python -m step_defs.traces`: every order that the scenarios of this run made is one unbroken trace, or it is named.

Runs after the scenarios, on their system (step_defs.assembly run ... --then python -m step_defs.traces). Orders of scenarios that
kill processes are counted apart and not judged: the last spans of a killed process die with it. Exit status 1 when a trace is
broken, and when there was no order to judge.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from step_defs.assembly import given_address
from step_defs.drivers.http import Door, Refusal
from step_defs.dsl.backstage import Backstage
from step_defs.made_orders import MadeOrder, remembered

TRACE = "/api/observability/v1/orders/{}/trace"
ARRIVES_WITHIN_S = 30.0
"""How long the last spans of an order may be on their way."""
LOOKED_AGAIN_AFTER_S = 2.0
NAMED_MAX = 20

Answer = Mapping[str, Any]
Ask = Callable[[str], Answer]


@dataclass(frozen=True, slots=True)
class Broken:
    """An order whose trace is not whole, and what is wrong with it."""

    order: MadeOrder
    why: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How many orders were judged, those of them that are broken, and how many of struck scenarios were not."""

    judged: int
    broken: Sequence[Broken] = field(default_factory=tuple)
    struck: int = 0

    @property
    def is_good(self) -> bool:
        """Whether there were orders, and all of them are whole."""
        return self.judged > 0 and not self.broken

    def lines(self) -> list[str]:
        """What a person reads; the last line is for machines as well."""
        named = [f"{each.order.number} ({each.order.scenario}): {each.why}" for each in self.broken[:NAMED_MAX]]
        left = len(self.broken) - len(named)
        more = [f"... and {left} more"] if left else []
        apart = f" ({self.struck} of scenarios that kill processes not judged)" if self.struck else ""
        return [*named, *more, f"traces: {self.judged} orders, {len(self.broken)} broken{apart}"]


def fault_of(answer: Answer) -> str:
    """What is wrong with an order's trace; empty when nothing is. Raises KeyError for an answer that is none."""
    if not answer["spans"]:
        return "no span of it is known"
    if answer["unbroken"]:
        return ""
    return f"{len(answer['gaps'])} gaps: {'; '.join(gap['text'] for gap in answer['gaps'][:3])}"


def judge(
    orders: Sequence[MadeOrder],
    ask: Ask,
    *,
    within_s: float = ARRIVES_WITHIN_S,
    wait: Callable[[float], None] = time.sleep,
) -> Verdict:
    """Asks for the trace of each order; what is broken is asked for again until `within_s` have passed for all of them together."""
    known = {order.order_id: order for order in orders}
    judged = [order for order in known.values() if not order.is_struck]
    deadline = time.monotonic() + within_s
    broken = _broken(judged, ask)
    while broken and time.monotonic() < deadline:
        wait(LOOKED_AGAIN_AFTER_S)
        broken = _broken([each.order for each in broken], ask)
    return Verdict(len(judged), broken, len(known) - len(judged))


def _broken(orders: Sequence[MadeOrder], ask: Ask) -> list[Broken]:
    return [Broken(order, why) for order in orders if (why := fault_of(ask(order.order_id)))]


def asks(door: Callable[[], Door]) -> Ask:
    """Asks the running system. An order that it knows nothing of has no spans."""

    def ask(order_id: str) -> Answer:
        try:
            answer: Answer = door().get(TRACE.format(order_id)).body
        except Refusal as refusal:
            if refusal.status != 404:
                raise
            return {"spans": [], "unbroken": False, "gaps": []}
        return answer

    return ask


def main() -> int:
    """See the module's docstring."""
    address = given_address()
    if address is None:
        print(__doc__, file=sys.stderr)
        return 2
    backstage = Backstage(address)
    try:
        # The session of a long run would be over before its end: each question takes the one that is valid then.
        verdict = judge(remembered(), asks(lambda: backstage.admin))
    except (LookupError, AssertionError) as error:
        print(f"traces: not judged: {error}", file=sys.stderr)
        return 1
    finally:
        backstage.close()
    print("\n".join(verdict.lines()), flush=True)
    return 0 if verdict.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
