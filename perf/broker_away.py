"""`python -m perf.broker_away`: the whole broker is away for ten minutes while five orders a second are submitted.

Orders are taken all the same: they and their messages are rows. When the broker is back, everything that waited is published,
consumed and priced. Drained means: every outbox is empty, no inbox holds a message without its effect, and every accepted order is at
a seller's (PRICE_CALCULATED) or further. Counted from the moment the broker is told to start, so its own start is part of it.
Bar: 100 % of the orders accepted, drained within 2 minutes of the broker's return, none lost.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import time

from perf.actors import Person, Undone, client, customer, submit_ready_made
from perf.nodes import SENDERS
from perf.system import Target
from tools.prepare.topology import CLUSTER_NODES

BUYERS = 20
DRAINED_S_MAX = 120.0
PATIENCE_S = 600.0
"""After this it is measured no longer; the bar is missed long before."""
EARLY = ("INITIATED", "FILE_UPLOADED", "SUBMITTED")


async def buy(buyer: Person, *, every_s: float, until: float, accepted: list[str], refused: list[str]) -> None:
    """Submits an order every `every_s` until the moment `until`."""
    while time.monotonic() < until:
        begun = time.monotonic()
        try:
            accepted.append(await submit_ready_made(buyer))
        except Undone as error:
            refused.append(str(error))
        await asyncio.sleep(max(0.0, every_s - (time.monotonic() - begun)))


def waiting(target: Target) -> int:
    """Messages that were committed and have no effect yet, in every service."""
    count = 0
    for service in SENDERS:
        with target.database(service) as database:
            row = database.execute(
                "SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL)"
                " + (SELECT count(*) FROM inbox WHERE state IN ('retry', 'waiting', 'held', 'parked'))"
            ).fetchone()
            count += int(row[0]) if row else 0
    return count


def behind(target: Target, orders: list[str]) -> int:
    """How many of the orders no seller can see yet."""
    with target.database("orchestrator") as database:
        row = database.execute(
            "SELECT count(*) FROM orders WHERE order_id = ANY(%s::uuid[]) AND NOT status = ANY(%s)",
            [orders, list(EARLY)],
        ).fetchone()
    return len(orders) - (int(row[0]) if row else 0)


def nodes_there(target: Target) -> list[str]:
    """The broker's nodes in this system: one or three."""
    found = []
    for node in CLUSTER_NODES:
        try:
            target.docker("inspect", node)
        except subprocess.CalledProcessError:
            continue
        found.append(node)
    return found


async def measure(target: Target, *, minutes: float, rate: float) -> int:
    """The whole run; returns the exit status."""
    nodes = nodes_there(target)
    accepted: list[str] = []
    refused: list[str] = []
    async with client(target, connections=BUYERS) as http:
        buyers = [await customer(http) for _ in range(BUYERS)]
        for node in nodes:
            await asyncio.to_thread(target.docker, "kill", "--signal", "KILL", node)
        away = time.monotonic()
        print(f"the broker is away ({', '.join(nodes)})", flush=True)
        until = away + minutes * 60
        await asyncio.gather(
            *(buy(buyer, every_s=BUYERS / rate, until=until, accepted=accepted, refused=refused) for buyer in buyers)
        )
    print(f"{len(accepted)} orders accepted, {len(refused)} not, in {time.monotonic() - away:.0f} s", flush=True)
    back = time.monotonic()
    for node in nodes:
        await asyncio.to_thread(target.docker, "start", node)
    drained_s = None
    while drained_s is None and time.monotonic() - back < PATIENCE_S:
        left, unseen = await asyncio.to_thread(waiting, target), await asyncio.to_thread(behind, target, accepted)
        if left == 0 and unseen == 0:
            drained_s = time.monotonic() - back
        else:
            print(f"  {left} messages wait, {unseen} orders have no price", flush=True)
            await asyncio.sleep(2)
    lost = await asyncio.to_thread(behind, target, accepted)
    for reason in refused[:5]:
        print(f"  not accepted: {reason}")
    met = not refused and bool(accepted) and lost == 0 and drained_s is not None and drained_s < DRAINED_S_MAX
    print(
        f"broker_away: minutes={minutes:g} orders={len(accepted) + len(refused)} accepted={len(accepted)} lost={lost} "
        f"drained_s={f'{drained_s:.1f}' if drained_s is not None else 'never'} {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


def main() -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=5.0, help="orders submitted per second")
    arguments = parser.parse_args()
    return asyncio.run(measure(Target.find(), minutes=arguments.minutes, rate=arguments.rate))


if __name__ == "__main__":
    raise SystemExit(main())
