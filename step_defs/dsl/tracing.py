"""What whoever supports customers sees of orders' roads, and what administrators see of what fails on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from step_defs.drivers.waiting import eventually
from step_defs.dsl.breaking import TRIED_OUT_WITHIN_S, poison
from step_defs.dsl.trace_desk import Road
from step_defs.dsl.words import STATUSES, SYSTEMS

if TYPE_CHECKING:
    from step_defs.dsl.administrator import Administrator
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

TOLD_WITHIN_S = 30.0
"""How long spans and log lines may be on their way to where they are kept."""
TRIES_MIN = 3
FAILS_IN = "crm"
TOLD_LATE_WITHIN_S = 60.0
LATE, RUNBOOK = "OrderPastBudget", "order-past-budget"
RUNBOOK_HEADINGS = ("What it means", "Who is hurt", "What to look at", "What to do")
PARTS = ("orders", "delivery", "apis", "pricing", "databases", "broker", "host", "stores")


def sees_road(world: World, table: list[list[str]]) -> None:
    """Support follows the order from its number: the road has no gap, passes all of these, and has log lines in it."""
    unknown = [row[0] for row in table[1:] if row[0] not in SYSTEMS]
    assert table[1:] and not unknown, f"nobody is called {unknown}; there are: {', '.join(SYSTEMS)}"
    wanted = {SYSTEMS[row[0]] for row in table[1:]}
    eventually(
        lambda: world.support.traces.follows(world.order.number),
        lambda road: road["whole"] and road["passed"] >= wanted and road["lines"],
        within_s=TOLD_WITHIN_S,
        what=f"the road of {world.order.number} is whole, passes {', '.join(sorted(wanted))} and has log lines",
    )


def message_fails(world: World, shopper: Shopper) -> None:
    """News about a new order of the customer fails until it is set aside."""
    began = datetime.now(UTC)
    order = poison(world, shopper)
    world.administrator().sees_set_aside(order, within_s=TRIED_OUT_WITHIN_S)
    world.failing.append((order, began))


def sees_attempts(world: World) -> None:
    """The road shows one message that was tried several times and set aside, and that work failed as often."""
    road: Road = eventually(
        lambda: world.support.traces.follows(world.order.number),
        lambda road: road["set_aside"] and road["failed"] >= max(road["set_aside"]),
        within_s=TOLD_WITHIN_S,
        what=f"the road of {world.order.number} shows the message that was set aside, and each try",
    )
    [tries] = road["set_aside"]
    assert tries >= TRIES_MIN, f"it was set aside after {tries} tries"
    assert road["whole"], f"the road has gaps: {road['gaps']}"


def is_one_failure(world: World, *, orders: int) -> None:
    """What failed last is in groups only that were there before, and that hit all of these orders."""
    assert len(world.failing) == orders, f"messages about {len(world.failing)} orders failed in this scenario"
    last, began = world.failing[-1]
    watches = world.administrator().watches
    groups = eventually(
        lambda: [group for group in watches.failures(FAILS_IN) if last.order_id in group["hit"]],
        within_s=TOLD_WITHIN_S,
        what=f"a failure that hit {last.number}",
    )
    fresh = [group["fingerprint"] for group in groups if datetime.fromisoformat(group["first_at"]) >= began]
    assert not fresh, f"the same failure is listed once more, as {fresh}"
    few = [group["fingerprint"] for group in groups if group["orders"] < orders]
    assert not few, f"less than {orders} orders are said to be hit by {few}"


def sees_times(world: World, administrator: Administrator, table: list[list[str]]) -> None:
    """The report of times knows these statuses, and every service that works on orders."""
    wanted = {STATUSES[row[0]] for row in table[1:]}
    eventually(
        administrator.watches.stages,
        lambda seen: seen[0] >= wanted and seen[1] >= set(SYSTEMS.values()),
        within_s=TOLD_WITHIN_S,
        what=f"how long orders stayed in {', '.join(sorted(wanted))}, and how long services worked on them",
    )


def sees_figures(administrator: Administrator) -> None:
    """Every part of the system has figures, and all of them could be asked."""
    for part in PARTS:
        seen = administrator.watches.figures(part)
        assert seen["drawn"] and not seen["silent"], f"of {part} {seen['drawn']} are drawn; silent: {seen['silent']}"


def reads_alert(world: World, administrator: Administrator, status: str) -> None:
    """The alert that orders are late in this status says what is wrong and what to do, and has a runbook with its four parts."""
    alert = eventually(
        lambda: administrator.watches.alert(LATE, status), within_s=TOLD_LATE_WITHIN_S, what=f"{LATE} names {status}"
    )
    assert alert is not None and alert["summary"] and alert["remedy"], f"whoever reads it is left alone: {alert}"
    headings = administrator.watches.runbook(RUNBOOK)
    missing = [heading for heading in RUNBOOK_HEADINGS if heading not in headings]
    assert not missing, f"the runbook has {headings}, and not {missing}"


def takes_alert(world: World, administrator: Administrator, status: str) -> None:
    """The administrator takes the alert; when the scenario ends, nobody has it any more."""
    watches = administrator.watches
    watches.takes(LATE, status)
    world.faults.mended_by(lambda: watches.hands_back(LATE, status))


def sees_taken(administrator: Administrator, status: str, *, by: str) -> None:
    """The alert says who has taken it."""
    alert = administrator.watches.alert(LATE, status)
    assert alert and alert["taken_by"] == by, f"it says {alert}"
