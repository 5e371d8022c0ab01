"""Deeds and outcomes of what hangs, was set aside and is mended. A step asserts or acts, and returns nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.order import SOON_S, Order
from step_defs.dsl.shopper import Shopper
from step_defs.dsl.words import STATUSES

if TYPE_CHECKING:
    from step_defs.dsl.world import World

TAKEN_OVER_WITHIN_S = 90.0
"""How long it may take until another worker has taken over from a dead one and finished a large model."""


def each_status_once(order: Order) -> None:
    """No status of the ordinary road came twice."""
    road = order.road()
    assert len(road) == len(set(road)), f"doubled: {road}"


def stuck_is_explained(world: World, status: str) -> None:
    """Support sees the order among the stuck ones, with the stage it hangs in and what to do."""
    admin = world.administrator()
    admin.sees_attention(world.order, "stuck")
    stuck = admin.sees_stuck_stage(world.order)
    assert stuck["stage"] == status, f"said to be stuck in {stuck['stage']}"
    assert stuck["overdue_s"] > 0 and stuck["what_to_do"], f"not explained: {stuck}"


def not_stuck(world: World) -> None:
    """The order left the list of stuck ones."""
    admin = world.administrator()
    eventually(
        lambda: admin.timeline(world.order)["stuck"],
        lambda stuck: not stuck,
        within_s=SOON_S,
        what="the order moved on",
    )


def order_quoted(shopper: Shopper) -> None:
    """Orders the piece of the last quote, at its firm price."""
    quote = shopper.waits_for_quote(within_s=TAKEN_OVER_WITHIN_S)
    shopper.starts_order()
    shopper.adds_quoted(quote, file_id=quote["file_id"])
    shopper.submits()


def damaged_is_shown(world: World) -> None:
    """Support sees the damaged message, where it lies and what is wrong with it."""
    shown = world.administrator().sees_set_aside(world.order)
    assert shown["service"] and shown["error"], f"not explained: {shown}"


def repair_and_replay(world: World) -> None:
    """Support puts back what the message lost and has it delivered again."""
    assert world.faults.damaged is not None, "no message was damaged"
    admin = world.administrator()
    whole, _ = world.faults.damaged
    admin.replays(admin.sees_set_aside(world.order), body=whole)


def nothing_set_aside(world: World) -> None:
    """No message about the order is set aside any more."""
    admin = world.administrator()
    eventually(
        lambda: admin.set_aside(world.order), lambda left: not left, within_s=SOON_S, what="nothing is set aside"
    )


def takeover_is_told(world: World) -> None:
    """The timeline says that a worker died at the calculation, and that a second attempt or a later one followed."""
    attempts = [each["attempt"] for each in _setbacks(world) if each["setback"] == "worker-died"]
    assert attempts and min(attempts) >= 2, f"the timeline tells of {_setbacks(world)}"


def standstill_is_told(world: World) -> None:
    """The timeline says that a worker stood still: others took it for dead, or it noticed when it went on."""
    told = {each["setback"] for each in _setbacks(world)}
    assert told & {"worker-died", "lease-lost"}, f"the timeline tells of {told}"


def memory_is_told(world: World) -> None:
    """The timeline says that memory ran out: a measuring process was ended, or the whole worker was."""
    told = {each["setback"] for each in _setbacks(world)}
    assert told & {"measuring-killed", "worker-died"}, f"the timeline tells of {told}"


def _setbacks(world: World) -> list[dict[str, Any]]:
    entries = world.administrator().timeline(world.order)["entries"]
    return [entry["details"] for entry in entries if "setback" in entry["details"]]


def timeline_tells(world: World, table: list[list[str]]) -> None:
    """The timeline shows the statuses of the table's rows, in this order, and messages of the services between them."""
    wanted = [STATUSES[row[0]] for row in table[1:]]
    entries = world.administrator().timeline(world.order)["entries"]
    told = [entry["details"]["to"] for entry in entries if entry["kind"] == "status"]
    assert told == wanted, f"the timeline tells {told}"
    services = {entry["service"] for entry in entries if entry["kind"] == "message"}
    assert {"shop", "pricing", "crm", "mes", "orchestrator"} <= services, f"only {services} are heard of"
