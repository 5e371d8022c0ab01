"""`python -m perf.cluster`: two thousand orders are made while each of the broker's three nodes is struck again and again.

Five times a node is killed, five times paused for 25 s, five times cut off from the network for 25 s; once one is restarted and once
one is lost with its disk and joins anew. The strikes go round the nodes, and each waits until the cluster is whole again.

"Publishing resumes" is, for one strike: the longest time in which any service had something to publish and nothing of it was
confirmed, between this strike and the next one. It is read from the outboxes (committed, confirmed), so it holds the
broker's election, the clients' noticing and their way to another node.
Bar: p95 of that below 15 s; 0 lost, 0 doubled, every order closed, the reconciliation report empty.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from perf import nodes
from perf.nodes import SENDERS, longest_stall_s, sent_by
from perf.system import Target, percentile
from perf.workday import Run, submitted, work

RESUMED_S_MAX = 15.0
WHOLE_S_MAX = 120.0
ROUNDS = 5
KINDS: tuple[Callable[[Target, str], None], ...] = (nodes.kill, nodes.pause, nodes.cut_off)
ONCE: tuple[Callable[[Target, str], None], ...] = (nodes.restart, nodes.replace)


@dataclass(slots=True)
class Strike:
    """One blow at one node, when it fell, and the seconds until all nodes were there again; None when they were not in time."""

    kind: str
    node: str
    at: datetime
    whole_after_s: float | None = None


def plan(names: tuple[str, ...], rounds: int) -> list[tuple[Callable[[Target, str], None], str]]:
    """Each kind `rounds` times and the rare ones once: of a round, every kind strikes another node."""
    strikes = [(kind, names[(turn + place) % len(names)]) for turn in range(rounds) for place, kind in enumerate(KINDS)]
    return strikes + [(kind, names[place + 1]) for place, kind in enumerate(ONCE)]


async def destroy(run: Run, strikes: list[Strike], rounds: int) -> None:
    """All strikes, spread over the orders."""
    planned = plan(nodes.nodes_of(run.target), rounds)
    for number, (blow, node) in enumerate(planned):
        await submitted(run, int(run.wanted * 0.95 * (number + 1) / (len(planned) + 1)))
        strike = Strike(blow.__name__, node, datetime.now(UTC))
        strikes.append(strike)
        begun = time.monotonic()
        await asyncio.to_thread(blow, run.target, node)
        while time.monotonic() - begun < WHOLE_S_MAX:
            if await asyncio.to_thread(nodes.is_whole, run.target):
                strike.whole_after_s = time.monotonic() - begun
                break
            await asyncio.sleep(1)
        whole = f"{strike.whole_after_s:.0f} s" if strike.whole_after_s is not None else "NOT in time"
        print(f"  {strike.kind} {node} at {len(run.submitted)} orders; whole again after {whole}", flush=True)


def resumed_s(target: Target, strikes: list[Strike], until: datetime) -> list[float]:
    """Per strike, how long publishing stood still, of the service for which it was longest."""
    stalls = []
    for number, strike in enumerate(strikes):
        end = strikes[number + 1].at if number + 1 < len(strikes) else until
        by_service = {
            service: longest_stall_s(sent_by(target, service, strike.at), since=strike.at, until=end)
            for service in SENDERS
        }
        slowest = max(by_service, key=lambda service: by_service[service])
        stalls.append(by_service[slowest])
        print(f"  {strike.kind:8} {strike.node:10} publishing resumed after {stalls[-1]:.1f} s ({slowest})", flush=True)
    return stalls


async def measure(target: Target, *, orders: int, rate: float, rounds: int) -> int:
    """The whole run; returns the exit status."""
    nodes.nodes_of(target)
    strikes: list[Strike] = []
    outcome = await work(
        target, orders=orders, rate=rate, destroy=lambda run: destroy(run, strikes, rounds), closing_s_max=600
    )
    stalls = await asyncio.to_thread(resumed_s, target, strikes, datetime.now(UTC))
    p95 = percentile(stalls, 0.95)
    whole = all(strike.whole_after_s is not None for strike in strikes)
    met = outcome.whole and p95 < RESUMED_S_MAX and whole
    print(
        f"cluster: orders={orders} strikes={len(strikes)} lost={outcome.lost} doubled={outcome.doubled} "
        f"findings={len(outcome.findings)} resumed_p95_s={p95:.1f} resumed_max_s={max(stalls):.1f} "
        f"whole_again={'yes' if whole else 'NO'} elapsed_s={outcome.elapsed_s:.0f} {'met' if met else 'MISSED'}"
    )
    return 0 if met else 1


def main() -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=2.0, help="orders submitted per second")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each kind of strike falls")
    arguments = parser.parse_args()
    return asyncio.run(measure(Target.find(), orders=arguments.orders, rate=arguments.rate, rounds=arguments.rounds))


if __name__ == "__main__":
    raise SystemExit(main())
