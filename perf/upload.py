"""`python -m perf.upload`: how long a customer waits for the price of a model of a million triangles (50 MB).

Each round uploads bytes that nobody sent before, as a browser does, asks for a price, and listens to the quote's own stream. It counts
from the moment the storage has the last byte, so that our own look at the file is in it and the customer's line is not. Then the same
model is asked for again, which is priced from what was kept.

Bars: the estimate within 5 s and the firm price within 15 s (p95 each), again within 200 ms. Exit status 0: all hold; 1: one does not;
2: nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from fixtures.models3d import model, variant
from perf.actors import Person, Undone, client, customer
from perf.bars import Bar, Findings, last_line
from perf.system import Target, percentile

MODEL = "pave-ring-1m"
MATERIAL = "gold_585"
ROUNDS = 10
ESTIMATE_S = 5.0
FIRM_S = 15.0
AGAIN_MS = 200.0
UPLOAD_S_MAX = 300.0
PRICE_S_MAX = 180.0
KNOWN_BY = ("estimate_p50_s", "estimate_p95_s", "firm_p50_s", "firm_p95_s", "again_p95_ms")


@dataclass(frozen=True, slots=True)
class Waited:
    """What one customer waited: for the upload, then from its end for the estimate and for the firm price; and for the same again."""

    upload_s: float
    estimate_s: float
    firm_s: float
    again_ms: float


def judged(rounds: Sequence[Waited]) -> Findings:
    """The figures and their bars."""
    figures: dict[str, float] = {}
    for name in ("upload_s", "estimate_s", "firm_s", "again_ms"):
        values = [float(getattr(one, name)) for one in rounds]
        stem, unit = name.rsplit("_", 1)
        for share, word in ((0.5, "p50"), (0.95, "p95")):
            figures[f"{stem}_{word}_{unit}"] = percentile(values, share)
    note = f"{len(rounds)} rounds"
    bars = [
        Bar("upload complete to the estimate, p95", figures["estimate_p95_s"], "<=", ESTIMATE_S, "s", note),
        Bar("upload complete to the firm price, p95", figures["firm_p95_s"], "<=", FIRM_S, "s", note),
        Bar("the same model again, p95", figures["again_p95_ms"], "<", AGAIN_MS, "ms", note),
    ]
    return Findings(figures, bars)


async def events_of(lines: AsyncIterator[str]) -> AsyncIterator[dict[str, Any]]:
    """The quotes that a stream of server-sent events tells; beats are left out."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == "quote":
            yield json.loads(line.removeprefix("data: "))


async def priced(quotes: AsyncIterator[dict[str, Any]], *, since: float) -> tuple[float, float]:
    """Seconds from then until the first price that is told, and until the firm one. Raises Undone when there is none."""
    estimate_s: float | None = None
    async for quote in quotes:
        now_s = time.monotonic() - since
        if estimate_s is None and quote["estimate"] is not None:
            estimate_s = now_s
        if quote["status"] == "FAILED":
            raise Undone(f"no price: {quote['problem']}")
        if quote["status"] == "READY":
            return now_s if estimate_s is None else estimate_s, now_s
    raise Undone("the stream ended before the price was firm")


async def sent(person: Person, body: bytes) -> tuple[str, float]:
    """Uploads as a browser does; the file's id, and when the storage had all of it. Raises Undone."""
    announced = {"filename": "ring.stl", "size_bytes": len(body)}
    opened = await person.send("POST", "/api/files/v1/uploads", json=announced)
    files = {"file": ("ring.stl", body, "application/octet-stream")}
    answer = await person.http.post(opened["url"], data=opened["fields"], files=files, timeout=UPLOAD_S_MAX)
    complete_at = time.monotonic()
    if not answer.is_success:
        raise Undone(f"the storage answered {answer.status_code}: {answer.text[:200]}")
    file_id = str(opened["file_id"])
    told = await person.send("POST", f"/api/files/v1/uploads/{file_id}/completion", json={}, timeout=UPLOAD_S_MAX)
    if told.get("status") != "VERIFIED":
        raise Undone(f"the upload is {told.get('status')}: {told.get('problem')}")
    return file_id, complete_at


async def round_of(person: Person, body: bytes) -> Waited:
    """One customer's wait. Raises Undone."""
    begun = time.monotonic()
    file_id, complete_at = await sent(person, body)
    wanted = {"file_id": file_id, "material": MATERIAL, "quantity": 1}
    quote = await person.send("POST", "/api/pricing/v1/quotes", json=wanted)
    address = f"/api/pricing/v1/quotes/{quote['quote_id']}/events"
    async with (
        asyncio.timeout(PRICE_S_MAX),
        person.http.stream("GET", address, headers=person.headers, timeout=PRICE_S_MAX) as stream,
    ):
        if stream.status_code != httpx.codes.OK:
            raise Undone(f"{address}: {stream.status_code}")
        estimate_s, firm_s = await priced(events_of(stream.aiter_lines()), since=complete_at)
    asked_again_at = time.monotonic()
    again = await person.send("POST", "/api/pricing/v1/quotes", json=wanted)
    again_ms = (time.monotonic() - asked_again_at) * 1000
    if again["status"] != "READY":
        raise Undone(f"the same model again is {again['status']}")
    return Waited(complete_at - begun, estimate_s, firm_s, again_ms)


async def measure(target: Target, *, rounds: int, name: str) -> Findings:
    """So many rounds, one after the other. Raises Undone, httpx.HTTPError, TimeoutError."""
    await asyncio.to_thread(model, name)
    waited: list[Waited] = []
    async with client(target, connections=4) as http:
        person = await customer(http)
        for number in range(rounds):
            body = await asyncio.to_thread(variant, name, f"{name} {uuid4()}")
            waited.append(await round_of(person, body))
            last = waited[-1]
            print(
                f"round {number + 1}: {len(body) / 1e6:.0f} MB in {last.upload_s:.1f} s, estimate after {last.estimate_s:.2f} s, "
                f"firm after {last.firm_s:.2f} s, again in {last.again_ms:.0f} ms",
                flush=True,
            )
    return judged(waited)


def main() -> int:
    """Prints every bar and the last line; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", metavar="PROJECT", help="a running compose project; `make up`'s when not given")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--model", default=MODEL, help="one of fixtures/models3d, in one of its sizes")
    arguments = parser.parse_args()
    if arguments.rounds < 1:
        parser.error("--rounds is at least 1")
    target = Target.of(arguments.target) if arguments.target else Target.find()
    try:
        findings = asyncio.run(measure(target, rounds=arguments.rounds, name=arguments.model))
    except (Undone, httpx.HTTPError, TimeoutError) as error:
        print(f"upload: not measured: {error!r}", file=sys.stderr)
        return 2
    for bar in findings.bars:
        print(bar.line())
    print(last_line("upload", findings.figures, KNOWN_BY), flush=True)
    return 0 if findings.met else 1


if __name__ == "__main__":
    raise SystemExit(main())
