"""What whoever supports customers sees of orders' roads, and what administrators see of what fails on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.breaking import TRIED_OUT_WITHIN_S, poison
from step_defs.dsl.trace_desk import OBSERVABILITY, Road
from step_defs.dsl.words import SYSTEMS

if TYPE_CHECKING:
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

TOLD_WITHIN_S = 30.0
"""How long spans and log lines may be on their way to where they are kept."""
TRIES_MIN = 3


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
    groups = eventually(
        lambda: [group for group in _groups(world) if last.order_id in _hit(group)],
        within_s=TOLD_WITHIN_S,
        what=f"a failure that hit {last.number}",
    )
    fresh = [group for group in groups if datetime.fromisoformat(group["first_at"]) >= began]
    assert not fresh, f"the same failure is listed once more: {[_named(group) for group in fresh]}"
    few = [group for group in groups if group["orders"] < orders]
    assert not few, f"less than {orders} orders are said to be hit by {[_named(group) for group in few]}"


def _groups(world: World) -> list[dict[str, Any]]:
    door = world.administrator().door
    listed = door.get(f"{OBSERVABILITY}/failures", service="crm").body["items"]
    return [door.get(f"{OBSERVABILITY}/failures/{group['fingerprint']}").body for group in listed]


def _hit(group: dict[str, Any]) -> set[str]:
    return {str(sample["order_id"]) for sample in group["samples"]}


def _named(group: dict[str, Any]) -> str:
    return f"{group['place']}: {group['exception']} {group['message']}"
