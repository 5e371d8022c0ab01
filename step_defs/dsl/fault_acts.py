"""What goes wrong on purpose while people are at work, one fault at a time, and what must be so afterwards."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from step_defs.drivers.http import Refusal, Trouble
from step_defs.drivers.waiting import eventually
from step_defs.dsl.order import SOON_S
from step_defs.dsl.shopper import Shopper
from step_defs.dsl.world import World

ROOM = "500MB"
"""What the broker may use, as its configuration has it."""
ANSWERED_WITHIN_S = 45.0
EVERYTHING = "#"
KEEPERS_QUEUE = "orchestrator.inbox.v1"


def claim_during_restart(world: World, *names: str) -> None:
    """Operators press the button while MES dies and comes back, and press again as long as nobody answers."""
    operators = [world.operator(name) for name in names]
    work_order_id = operators[0].finds_on_board(world.order)[0]["work_order_id"]
    path = f"/api/mes/v1/work-orders/{work_order_id}/claim"

    def press(door: Any) -> Any:
        key = str(uuid.uuid4())
        return eventually(
            lambda: _answer(lambda: door.post(path, key=key)), within_s=ANSWERED_WITHIN_S, what="the claim is answered"
        )

    with ThreadPoolExecutor(len(operators) + 1) as crowd:
        pressing = [crowd.submit(press, operator.door) for operator in operators]
        dying = crowd.submit(world.faults.restart, "mes")
        results = [press.result() for press in pressing]
        dying.result()
    world.rivals = list(zip(operators, results, strict=True))


def _answer(ask: Callable[[], Any]) -> Any:
    """The answer, or the refusal; nothing when the service is away. An AssertionError of `ask` means: not yet."""
    try:
        return ask()
    except Trouble:
        return None
    except Refusal as refusal:
        return refusal


def cancel_while_priced(world: World, shopper: Shopper) -> None:
    """The customer submits and changes their mind in the same moment, before anybody can have priced the order."""
    shopper.submits()
    status = shopper.cancels()
    assert status in (200, 202), f"the cancellation was answered {status}"


def fill_broker(world: World) -> None:
    """The broker has no memory left: it takes nothing from publishers. Whatever happens, it has some again at the end."""
    world.faults.mended_by(lambda: empty_broker(world))
    _broker_may_use(world, "1MB")
    broker = world.backstage.broker
    eventually(broker.is_up, lambda is_up: not is_up, within_s=SOON_S, what="the broker says that it has no room")


def empty_broker(world: World) -> None:
    """There is room again."""
    _broker_may_use(world, ROOM)


def _broker_may_use(world: World, much: str) -> None:
    world.backstage.containers.run("rabbitmq", "rabbitmqctl", "set_vm_memory_high_watermark", "absolute", much)


def repeat_everything(world: World, *, times: int) -> None:
    """Whatever was said about the order is delivered again to whoever takes it, each time in another order."""
    heard = world.faults.heard(world.order)
    assert heard, "nothing was said about the order"
    takers = _takers(world)
    again = [(queue, message) for message in heard for queue in takers[message.routing_key] if ".inbox." in queue]
    # By the order: the same shuffles when the scenario is run again on it.
    lot = random.Random(world.order.order_id)
    for _ in range(times):
        lot.shuffle(again)
        for queue, message in again:
            world.backstage.broker.publish(message, to_queue=queue)


def _takers(world: World) -> dict[str, list[str]]:
    """The queues that each type of message comes to, by the broker's own bindings."""
    takers: dict[str, list[str]] = {}
    for binding in world.backstage.broker.bindings():
        takers.setdefault(binding["routing_key"], []).append(binding["destination"])
    return takers


def poison(world: World, *, count: int) -> None:
    """Messages about the order that nobody can read reach the status keeper among the good ones."""
    takers = _takers(world)
    heard = [said for said in world.faults.heard(world.order) if KEEPERS_QUEUE in takers.get(said.routing_key, ())]
    assert heard, "nothing was said about the order to the status keeper"
    whole = heard[-1].envelope
    for _ in range(count):
        spoiled = whole | {"id": str(uuid.uuid4()), "data": {"spoiled": uuid.uuid4().hex}}
        world.backstage.broker.publish(heard[-1].with_body(spoiled), to_queue=KEEPERS_QUEUE)
    world.faults.damaged = (whole, spoiled)


def poison_is_shown(world: World, *, count: int) -> None:
    """Support sees each of them, and why it cannot be read."""
    admin = world.administrator()
    found = eventually(
        lambda: admin.set_aside(world.order),
        lambda messages: len(messages) == count,
        within_s=SOON_S,
        what=f"{count} unreadable messages are shown",
    )
    assert all(message["error"] for message in found), f"not explained: {json.dumps(found)[:500]}"


def mend_poison(world: World) -> None:
    """Support puts a readable body in the place of each, and has it delivered."""
    assert world.faults.damaged is not None, "no message was damaged"
    admin = world.administrator()
    for message in admin.set_aside(world.order):
        admin.replays(message, body=world.faults.damaged[0])
