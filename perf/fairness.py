"""`python -m perf.fairness`: a partner asks for the prices of two hundred models, and then the shop for one.

The models lie in storage and nothing waits before the clock starts. First customers of the shop ask alone, one after the other; then
the partner asks for everything it has, and as many other customers, with the partner's calculations waiting and running, ask for one
model each: whoever asks again and again has had a share already. It counts from the request to the firm price, at the quote's own
stream.

Bar: with the flood the shop waits less than twice as long (medians). Exit status 0: it holds; 1: it does not; 2: nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from statistics import median

import httpx

from perf.actors import Person, Undone, client, customer
from perf.pricing import Uploaded, asked_for_all, firm_after, uploaded
from perf.system import Target

RATIO_MAX = 2.0
NOTHING_WAITS_WITHIN_S = 300.0
_WAITING = "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"


def judged(solo_s: list[float], flooded_s: list[float]) -> tuple[str, bool]:
    """The line that is printed, and whether the bar is met."""
    alone, among = median(solo_s), median(flooded_s)
    ratio = among / alone
    met = ratio < RATIO_MAX
    line = f"fairness: solo_s={alone:.2f} flooded_s={among:.2f} ratio={ratio:.2f} rounds={len(solo_s)}"
    return f"{line} {'met' if met else 'MISSED'}", met


async def waits(models: list[Uploaded]) -> list[float]:
    """What is waited for each of these, one after the other. Raises Undone."""
    return [await firm_after(what, since=time.monotonic()) for what in models]


async def nothing_waits(target: Target, *, within_s: float) -> None:
    """Returns when no calculation of anybody waits or runs. Raises TimeoutError."""
    with target.database("pricing") as database:
        async with asyncio.timeout(within_s):
            while database.execute(_WAITING).fetchone() != (0,):
                await asyncio.sleep(1)


async def still_waiting(partner: Person) -> int:
    """How many of the partner's latest hundred are not final yet."""
    page = await partner.send("GET", "/api/pricing/v1/quotes", params={"limit": 100, "state": "open"})
    return sum(item["status"] not in ("READY", "FAILED") for item in page["items"])


async def measure(target: Target, *, flood: int, rounds: int, model: str, flood_model: str) -> int:
    """The whole run; returns the exit status. Raises Undone, httpx.HTTPError, TimeoutError."""
    async with client(target, connections=40) as http:
        shop, partner = [await customer(http) for _ in range(2 * rounds)], await customer(http)
        print(f"  {flood} models of the partner and {2 * rounds} of the shop are uploaded", flush=True)
        theirs = await uploaded(partner, flood_model, flood)
        ours = [each for person in shop for each in await uploaded(person, model, 1)]
        await nothing_waits(target, within_s=NOTHING_WAITS_WITHIN_S)
        solo_s = await waits(ours[:rounds])
        await asked_for_all(theirs)
        flooded_s = await waits(ours[rounds:])
        left = await still_waiting(partner)
    print(f"  solo {_told(solo_s)}; flooded {_told(flooded_s)}; of the partner's {left} or more still wait", flush=True)
    if left == 0:
        print("fairness: not measured: the flood was over before the shop was; take a larger one", file=sys.stderr)
        return 2
    line, met = judged(solo_s, flooded_s)
    print(line)
    return 0 if met else 1


def _told(seconds: list[float]) -> str:
    return " ".join(f"{each:.1f}" for each in seconds)


def main() -> int:
    """Prints the figures; the exit status says whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--flood", type=int, default=200, help="models of the partner")
    parser.add_argument("--rounds", type=int, default=5, help="models of the shop, alone and then among the partner's")
    parser.add_argument("--model", default="pave-ring-1m", help="what the shop asks for: one of fixtures/models3d")
    parser.add_argument("--flood-model", default="pave-ring-100k", help="what the partner asks for")
    options = parser.parse_args()
    try:
        return asyncio.run(
            measure(
                Target.find(),
                flood=options.flood,
                rounds=options.rounds,
                model=options.model,
                flood_model=options.flood_model,
            )
        )
    except (Undone, httpx.HTTPError, TimeoutError) as error:
        print(f"fairness: not measured: {error!r}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
