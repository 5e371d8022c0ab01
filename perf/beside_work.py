"""The board's first page while twenty customers upload 100 MB each and twenty long prices are calculated or wait.

Quiet rounds and rounds with that work alternate, so that what the machine does meanwhile falls on both alike. A quiet round begins
when every price that was asked for is there; in it nobody sends and nobody asks. The two halves of the quiet rounds, compared with
each other, say what chance alone does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from perf.actors import client, customer
from perf.bars import Bar, Findings
from perf.first_page import Load, NotMeasured, Visitor
from perf.rounds import Answer
from perf.system import Target, percentile
from tools.prepare import state

PEOPLE = 20
MB_PER_S = 2.0
"""What a customer's line sends: 16 Mbit/s, so that 100 MB take 50 seconds."""
ROUNDS = 6
ROUND_S = 12.0
SETTLE_S = 2.0
PAGES_PER_S = 5.0
ANSWER_S_MAX = 1000.0
"""Longer than the work beside may take to get going, or to come to rest: it then says itself what there is instead."""
BESIDE_MAX = 1.5


@dataclass
class LongWork:
    """The process that uploads and has priced."""

    process: asyncio.subprocess.Process

    async def goes(self) -> None:
        """Work goes on; returns once there is as much of it as there should be. Raises NotMeasured."""
        await self._told("go", "going")

    async def rests(self) -> None:
        """Returns once nothing of it happens any more: what was asked for is there, and nobody sends. Raises NotMeasured."""
        await self._told("rest", "resting")

    async def end(self) -> dict[str, Any]:
        """What was done in all."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"end\n")
        async with asyncio.timeout(ANSWER_S_MAX):
            told: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return told

    async def _told(self, order: str, answer: str) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{order}\n".encode())
        async with asyncio.timeout(ANSWER_S_MAX):
            said = (await self.process.stdout.readline()).decode().strip()
        if said != answer:
            raise NotMeasured(f"the work beside the board said {said!r} instead of {answer!r}")


@contextlib.asynccontextmanager
async def long_work(target: Target) -> AsyncIterator[LongWork]:
    """Twenty customers, signed in, resting. Raises NotMeasured."""
    async with client(target, connections=8) as http:
        people = [await customer(http) for _ in range(PEOPLE)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "perf.long_work",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=state.ROOT,
    )
    wanted = {
        "url": target.url,
        "ca": str(state.STATE / "tls" / "ca.pem"),
        "people": PEOPLE,
        "mb_per_s": MB_PER_S,
        "accounts": [(one.email, one.password) for one in people],
    }
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(wanted).encode() + b"\n")
    work = LongWork(process)
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            said = (await process.stdout.readline()).decode().strip()
        if said != "ready":
            raise NotMeasured(f"the work beside the board did not begin: {said!r}")
        yield work
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def beside_work(target: Target, visitor: Visitor) -> Findings:
    """The whole part. Raises NotMeasured."""
    quiet: list[list[Load]] = []
    working: list[list[Load]] = []
    async with long_work(target) as work:
        print(f"  {PEOPLE} customers begin to upload", flush=True)
        await work.goes()
        for number in range(ROUNDS):
            working.append(await _round(visitor))
            await work.rests()
            quiet.append(await _round(visitor))
            print(f"  round {number + 1}: {_p95(quiet[-1]):.1f} ms, beside work {_p95(working[-1]):.1f} ms", flush=True)
            if number + 1 < ROUNDS:
                await work.goes()
        told = await work.end()
    server = [await visitor.server_ms([load for part in side for load in part]) for side in (quiet, working)]
    halves = [await visitor.server_ms([load for part in quiet[start::2] for load in part]) for start in (0, 1)]
    clients = [[load.ms for part in side for load in part] for side in (quiet, working)]
    findings = judged(server, clients, halves, told)
    findings.answers = [
        Answer(name, load.at, load.ms, True)
        for name, side in (("first page, nothing else", quiet), ("first page beside long work", working))
        for part in side
        for load in part
    ]
    return findings


def judged(
    server: Sequence[Sequence[float]],
    clients: Sequence[Sequence[float]],
    halves: Sequence[Sequence[float]],
    told: dict[str, Any],
) -> Findings:
    """The figures and their bar. Each of the first two holds the quiet rounds' times first, then those beside work."""
    quiet, working = (percentile(list(ms), 0.95) for ms in server)
    client_quiet, client_working = (percentile(list(ms), 0.95) for ms in clients)
    one, other = (percentile(list(half), 0.95) for half in halves)
    figures = {
        "beside_quiet_p95_ms": quiet,
        "beside_work_p95_ms": working,
        "beside_work_ratio": working / quiet,
        "beside_same_ratio": max(one, other) / min(one, other) if min(one, other) else math.nan,
        "beside_client_ratio": client_working / client_quiet,
        "beside_uploads": float(told["uploads"]),
        "beside_prices": float(told["prices"]),
    }
    note = (
        f"{quiet:.1f} to {working:.1f} ms; two halves of the quiet rounds differ by {figures['beside_same_ratio']:.2f}"
    )
    bars = [
        Bar("first page beside long work, the server's p95 to the quiet one's", working / quiet, "<=", BESIDE_MAX, note=note),
        Bar("uploads and prices that failed", len(told["refused"]), "<=", 0, note="; ".join(told["refused"][:2])),
    ]  # fmt: skip
    remarks = [
        f"Beside the board: {told['uploads']} uploads of 100 MB done, {told['prices']} prices; through the gateway p95 "
        f"{client_quiet:.1f} and {client_working:.1f} ms, ratio {figures['beside_client_ratio']:.2f}."
    ]
    return Findings(figures, bars, remarks=remarks)


async def _round(visitor: Visitor) -> list[Load]:
    await asyncio.sleep(SETTLE_S)
    loads: list[Load] = []
    ends_at = time.monotonic() + ROUND_S
    while time.monotonic() < ends_at:
        begun = time.monotonic()
        loads.append(await visitor.load())
        await asyncio.sleep(max(0.0, begun + 1 / PAGES_PER_S - time.monotonic()))
    return loads


def _p95(loads: Sequence[Load]) -> float:
    return percentile([load.ms for load in loads], 0.95)
