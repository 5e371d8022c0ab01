"""Two hundred open boards, changes that all of them must show, and pages that are opened meanwhile.

Every operator opens the board and keeps it open; the streams live in `perf.streams`, a process of its own. Then the work of real
orders is claimed, completed, reworked and returned through the gateway at a fixed rate, each piece by whoever holds it, and the first
page is opened at another rate, due when it is due (open loop, as in `perf.load`). A change is late by the time from its commit, as
PostgreSQL knows it, until the last of all boards heard of it. What a board does when it hears, asking for the numbers on its tabs, is
not played.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import math
import random
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import httpx

from perf.actors import Person, Undone, client, customer, new_operator, staff
from perf.bars import Bar, Findings
from perf.claims import prepare
from perf.first_page import PATH, NotMeasured
from perf.rounds import Answer
from perf.system import Target, percentile
from tools.prepare import state

CHANGES_PER_S = 10.0
PAGES_PER_S = 20.0
PIECES = 60
"""Work orders that change, again and again: each rests for a few seconds between two changes, so that none overtakes another."""
REST_S = 2.0
SETTLE_S = 3.0
END_S_MAX = 30.0
PAGE_P95_MS = 60.0
PAGE_P99_MS = 150.0
LIVE_P99_MS = 1000.0
CYCLE: tuple[tuple[str, dict[str, str]], ...] = (
    ("claim", {}),
    ("completion", {}),
    ("rework", {"reason": "a scratch"}),
    ("return", {"reason": "out of gold"}),
)
One = TypeVar("One")
PAGE, CHANGE = "page among open boards", "change among open boards"
_SINCE = re.compile(r'data-since="([^"]+)"')
_COMMITTED = """
    SELECT work_order_id::text, at, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
    FROM work_order_history WHERE work_order_id = ANY(%s::uuid[]) AND at >= %s
"""


@dataclass
class Piece:
    """A work order of the run: whose it is, and which step is its next."""

    work_order_id: str
    holder: Person
    step: int = 0
    changed_at: float = -math.inf


@dataclass
class Played:
    """What happened while the boards were open."""

    answers: list[Answer] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def open_boards(target: Target, *, boards: int, seconds: float) -> Findings:
    """The whole part. Raises NotMeasured or Undone when it cannot be played."""
    async with client(target, connections=80) as http:
        print(f"  {boards} operators sign in", flush=True)
        operators = await _operators(target, http, boards)
        people = {
            "seller": await staff(http, target, "sofia.seller"),
            "buyers": [await customer(http) for _ in range(4)],
        }
        try:
            work_orders = await prepare(target, people, orders=PIECES)
        except SystemExit as error:
            raise NotMeasured(str(error)) from error
        pieces = [Piece(one, operators[number % len(operators)]) for number, one in enumerate(work_orders)]
        print(f"  {len(pieces)} work orders are on the board; the boards open", flush=True)
        since = await asyncio.gather(*_limited(4, (_opened(http, operator) for operator in operators)))
        listening = await _listen(target, operators, since)
        try:
            await asyncio.sleep(SETTLE_S)
            with target.database("mes") as mes:
                row = mes.execute("SELECT clock_timestamp()").fetchone()
            assert row is not None
            played = await _play(http, operators, pieces, seconds=seconds)
            await asyncio.sleep(SETTLE_S)
            told = await _end(listening)
        finally:
            if listening.returncode is None:
                await _stop(listening)
    with target.database("mes") as mes:
        ids = [piece.work_order_id for piece in pieces]
        committed = {(one[0], one[1]): float(one[2]) for one in mes.execute(_COMMITTED, [ids, row[0]])}
    return judged(played, latencies(committed, told["heard"], boards=boards), told)


def latencies(
    committed: Mapping[tuple[str, datetime], float], heard: Mapping[str, Sequence[float | None]], *, boards: int
) -> list[float]:
    """Milliseconds from each change's commit until the last board heard of it; infinite when one never did."""
    known: dict[tuple[str, datetime], Sequence[float | None]] = {}
    for told, moments in heard.items():
        work_order_id, _, at = told.partition(" ")
        known[work_order_id, datetime.fromisoformat(at)] = moments
    late = []
    for change, commit in committed.items():
        moments = known.get(change, ())
        last = max((moment for moment in moments if moment is not None), default=math.inf)
        everybody = len(moments) == boards and None not in moments
        late.append((last - commit) * 1000 if everybody else math.inf)
    return late


def judged(played: Played, late_ms: Sequence[float], told: Mapping[str, Any]) -> Findings:
    """The figures of the part, and their bars."""
    pages = [answer.ms for answer in played.answers if answer.name == PAGE and answer.ok]
    failed = sum(not answer.ok for answer in played.answers)
    p95, p99 = (percentile(pages, share) if pages else math.nan for share in (0.95, 0.99))
    live_p50, live_p99 = (percentile(list(late_ms), share) if late_ms else math.nan for share in (0.5, 0.99))
    unheard = sum(math.isinf(ms) for ms in late_ms)
    figures = {
        "open_page_p95_ms": p95,
        "open_page_p99_ms": p99,
        "live_p50_ms": live_p50,
        "live_p99_ms": live_p99,
        "changes": float(len(late_ms)),
        "changes_unheard": float(unheard),
        "streams_reopened": float(told["reopened"]),
        "boards_reloaded": float(told["reloads"]),
    }
    bars = [
        Bar("page among open boards, client p95", p95, "<", PAGE_P95_MS, "ms"),
        Bar("page among open boards, client p99", p99, "<", PAGE_P99_MS, "ms"),
        Bar("from a change's commit to the last open board, p99", live_p99, "<", LIVE_P99_MS, "ms"),
        Bar("changes that some open board never heard of", unheard, "<=", 0),
        Bar("pages and changes that failed", failed, "<=", 0, note="; ".join(played.refused[:2])[:200]),
    ]
    remarks = [
        f"Among open boards: {len(pages)} pages, {len(late_ms)} changes, the middle one on every board after {live_p50:.0f} ms; "
        f"{told['reopened']} streams were reopened, {told['reloads']} boards told to load again."
    ]
    return Findings(figures, bars, list(played.answers), remarks)


async def _operators(target: Target, http: httpx.AsyncClient, count: int) -> list[Person]:
    administrator = await staff(http, target, "anna.admin")
    # Passwords are made to be slow: a few at a time use both processors.
    signing_in = _limited(4, (new_operator(administrator, f"board{number}") for number in range(count)))
    return list(await asyncio.gather(*signing_in))


def _limited(at_once: int, works: Iterable[Coroutine[Any, Any, One]]) -> list[Coroutine[Any, Any, One]]:
    gate = asyncio.Semaphore(at_once)

    async def one(work: Coroutine[Any, Any, One]) -> One:
        async with gate:
            return await work

    return [one(work) for work in works]


async def _opened(http: httpx.AsyncClient, operator: Person) -> str:
    """The board as the operator opens it: the moment from which its stream goes on."""
    response = await http.get(PATH, headers=operator.headers)
    found = _SINCE.search(response.text)
    if response.status_code != 200 or found is None:
        raise NotMeasured(f"the board answered {response.status_code}: {response.text[:200]}")
    return found[1]


async def _listen(target: Target, operators: Sequence[Person], since: Sequence[str]) -> asyncio.subprocess.Process:
    listening = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "perf.streams",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=state.ROOT,
        limit=2**26,
    )
    assert listening.stdin is not None and listening.stdout is not None
    boards = [
        {"token": operator.headers["authorization"].removeprefix("Bearer "), "since": moment}
        for operator, moment in zip(operators, since, strict=True)
    ]
    wanted = {"url": target.url, "ca": str(state.STATE / "tls" / "ca.pem"), "boards": boards}
    listening.stdin.write(json.dumps(wanted).encode() + b"\n")
    await listening.stdin.drain()
    if (await listening.stdout.readline()).strip() != b"open":
        await _stop(listening)
        raise NotMeasured(f"not all of {len(boards)} boards could be kept open")
    return listening


async def _stop(listening: asyncio.subprocess.Process) -> None:
    # It may have ended by itself.
    with contextlib.suppress(ProcessLookupError):
        listening.kill()
    with contextlib.suppress(ConnectionError):
        await listening.communicate(b"")


async def _end(listening: asyncio.subprocess.Process) -> dict[str, Any]:
    # Something to write, if only nothing: else its input stays open, and it listens for ever.
    async with asyncio.timeout(END_S_MAX):
        said, _ = await listening.communicate(b"")
    if listening.returncode != 0:
        raise NotMeasured(f"the listening boards ended with {listening.returncode}")
    told: dict[str, Any] = json.loads(said)
    return told


async def _play(
    http: httpx.AsyncClient, operators: Sequence[Person], pieces: Sequence[Piece], *, seconds: float
) -> Played:
    loop = asyncio.get_running_loop()
    played = Played()
    # The collector of this process must not fall on a page.
    gc.collect()
    gc.disable()
    begun = loop.time() + 0.1

    async def at(due: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
        await asyncio.sleep(begun + due - loop.time())
        ok = True
        try:
            await work()
        except (httpx.HTTPError, Undone, NotMeasured) as error:
            ok = False
            played.refused.append(f"{name}: {error!r}")
        played.answers.append(Answer(name, begun + due, (loop.time() - begun - due) * 1000, ok))

    async def page(number: int) -> None:
        await _opened(http, operators[number % len(operators)])

    choose = random.Random(7)
    works = [at(number / PAGES_PER_S, PAGE, partial(page, number)) for number in range(int(seconds * PAGES_PER_S))]
    works += [
        at((number + 0.5) / CHANGES_PER_S, CHANGE, lambda: _change(pieces, choose, loop.time()))
        for number in range(int(seconds * CHANGES_PER_S))
    ]
    try:
        await asyncio.gather(*works, _tell(played, begun, seconds))
    finally:
        gc.enable()
    return played


async def _change(pieces: Sequence[Piece], choose: random.Random, now: float) -> None:
    """The next step of a piece that has rested. Raises Undone when it was refused, and NotMeasured when none has rested."""
    rested = [piece for piece in pieces if now - piece.changed_at > REST_S]
    if not rested:
        raise NotMeasured("no work order has rested")
    piece = choose.choice(rested)
    step, body = CYCLE[piece.step % len(CYCLE)]
    # Until the answer nobody else may choose it.
    piece.changed_at = math.inf
    try:
        await piece.holder.send("POST", f"/api/mes/v1/work-orders/{piece.work_order_id}/{step}", json=body)
        piece.step += 1
    finally:
        piece.changed_at = asyncio.get_running_loop().time()


async def _tell(played: Played, begun: float, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    for mark in range(10, int(seconds) + 1, 10):
        await asyncio.sleep(max(0.0, begun + mark - loop.time()))
        pages = [answer.ms for answer in played.answers if answer.name == PAGE] or [math.nan]
        print(f"  {mark} s: {len(played.answers)} answers, page p95 {percentile(pages, 0.95):.0f} ms", flush=True)
