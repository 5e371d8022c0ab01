"""`python -m perf.firm_price`: how long a model of a million triangles waits for its firm price, alone and among twenty.

Counted from the moment the storage has the last byte, so that our own look at the file is in it and the customer's line is not; every
model is one that nobody sent before. Alone: one after the other. Twenty at once: all are uploaded first, then asked for at one moment.
Again: the same model once more, which is priced from what was kept.

Bars: alone 3 s (p95), twenty within 60 s, again 200 ms (p95). Exit status 0: all hold; 1: one does not; 2: nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

import httpx

from perf.actors import Undone, client, customer
from perf.pricing import Uploaded, firm_after, uploaded
from perf.system import Target, percentile
from perf.upload import MATERIAL

MODEL = "pave-ring-1m"
ALONE_S, TWENTY_S, AGAIN_MS = 3.0, 60.0, 200.0


def judged(alone_s: list[float], many_s: list[float], again_ms: list[float]) -> tuple[str, bool]:
    """The line that is printed, and whether every bar is met."""
    alone, all_s, again = percentile(alone_s, 0.95), max(many_s), percentile(again_ms, 0.95)
    bars = [alone <= ALONE_S, all_s <= TWENTY_S, again <= AGAIN_MS]
    alone_told, all_told, again_told = ("met" if bar else "MISSED" for bar in bars)
    line = (
        f"firm_price: alone_p95_s={alone:.2f} {alone_told} all_{len(many_s)}_s={all_s:.1f} {all_told} "
        f"again_p95_ms={again:.0f} {again_told}"
    )
    return line, all(bars)


async def asked_again(what: Uploaded) -> float:
    """Milliseconds until a model that was priced before is priced again. Raises Undone."""
    begun = time.monotonic()
    wanted = {"file_id": what.file_id, "material": MATERIAL, "quantity": 1}
    again = await what.person.send("POST", "/api/pricing/v1/quotes", json=wanted)
    if again["status"] != "READY":
        raise Undone(f"the same model again is {again['status']}")
    return (time.monotonic() - begun) * 1000


async def measure(target: Target, *, rounds: int, at_once: int) -> int:
    """The whole run; returns the exit status. Raises Undone, httpx.HTTPError, TimeoutError."""
    alone_s, again_ms = [], []
    async with client(target, connections=at_once + 10) as http:
        person = await customer(http)
        for _ in range(rounds):
            [what] = await uploaded(person, MODEL, 1)
            alone_s.append(await firm_after(what, since=what.complete_at))
            again_ms += [await asked_again(what) for _ in range(3)]
        # Eight streams for each person: the twenty are of three people and more.
        people = [await customer(http) for _ in range(-(-at_once // 5))]
        models = [(await uploaded(people[number // 5], MODEL, 1))[0] for number in range(at_once)]
        begun = time.monotonic()
        many_s = list(await asyncio.gather(*(firm_after(what, since=begun) for what in models)))
    print(f"  alone {' '.join(f'{each:.1f}' for each in alone_s)} s; at once {min(many_s):.1f} to {max(many_s):.1f} s")
    line, met = judged(alone_s, many_s, again_ms)
    print(line)
    return 0 if met else 1


def main() -> int:
    """Prints the figures; the exit status says whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=20)
    options = parser.parse_args()
    try:
        return asyncio.run(measure(Target.find(), rounds=options.rounds, at_once=options.at_once))
    except (Undone, httpx.HTTPError, TimeoutError) as error:
        print(f"firm_price: not measured: {error!r}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
