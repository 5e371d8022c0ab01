"""`python -m perf.board`: the operators' board with a million orders behind it. Starts systems of its own, fills them, removes them.

growth    the first page with 10,000 and with --orders orders, in turns, on two systems; the statements it sends to the database
phone     the first page on a slow phone, with 20,000 orders, on a system of its own
replaced  the first page beside the board that was replaced, on the same rows, in turns
search    a seller's search by every key
redis     the first page while Redis is stopped
open      200 open boards, ten changes a second, twenty pages a second
beside    the first page while 20 customers upload 100 MB each and 20 long prices are calculated or wait, in alternating rounds

First pages are judged by the service's own time (MES' log), all else by the time from here through the gateway. Leaves
.alexandrite/reports/perf-board: board.json, requests.jsonl, index.html. --part picks some; --target takes a running system, and leaves
it filled. Exit status 0: all bars of what was measured hold; 1: one does not; 2: nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from subprocess import CalledProcessError
from types import FrameType
from typing import Any

import httpx
import psycopg
from playwright.sync_api import Error as PlaywrightError

from perf import machine, page, phone, seed
from perf.actors import Undone, client, new_operator, staff
from perf.bars import Bar, Findings, last_line
from perf.baselines import replaced_board
from perf.beside import Wanted, project_named, systems
from perf.beside_work import beside_work
from perf.first_page import COLD_PAGES, Load, NotMeasured, Visitor, halves, in_turns, statements_per_page
from perf.open_boards import open_boards
from perf.rounds import Answer
from perf.searching import search
from perf.system import NotStarted, Target, percentile
from tools.prepare import state

OUT = state.REPORTS / "perf-board"
SMALL = 10_000
PHONE = 20_000
PHONE_LOADS = 5
FIRST_P95_MS = 20.0
GROWTH_MAX = 1.3
REPLACED_MIN = 50.0
REPLACED_S_MAX = 60.0
REPLACED_TURNS = 5
REDIS_P95_MS = 150.0
REDIS_S_MAX = 60.0
UNMEASURED = (
    NotStarted, NotMeasured, Undone, httpx.HTTPError, TimeoutError, psycopg.Error, CalledProcessError, PlaywrightError,
)  # fmt: skip
KNOWN_BY = ("p95_ms", "growth_ratio", "replaced_ratio", "live_p99_ms")
PARTS = ("growth", "phone", "replaced", "search", "redis", "open", "beside")


@contextlib.asynccontextmanager
async def visitor(target: Target) -> AsyncIterator[Visitor]:
    """An operator of this run at the board, warm."""
    async with client(target, connections=4) as http:
        operator = await new_operator(await staff(http, target, "anna.admin"), "visitor")
        one = Visitor(target, http, operator)
        await one.warm()
        yield one


async def growth(target: Target, arguments: argparse.Namespace) -> Findings:
    """The first page of both sizes, in turns."""
    with _own("board-small") as small:
        seed.fill(small, orders=SMALL)
        print(f"growth: {arguments.requests} pages of each size, in turns", flush=True)
        async with visitor(small) as few, visitor(target) as many:
            both = (few, many)
            watch = machine.Watch.over(small.project, target.project)
            watch.start()
            await in_turns(both, requests=arguments.requests)
            foreign = watch.foreign()
            server = [await one.server_ms() for one in both]
            clients = [[load.ms for load in one.loads] for one in both]
            wrong = sum(one.wrong() for one in both)
            names = [f"first page, {orders:,} orders" for orders in (SMALL, arguments.orders)]
            answers = [one for seen, name in zip(both, names, strict=True) for one in _answers(name, seen.loads)]
            asked = [await statements_per_page(one) for one in both]
            cold = [await one.server_ms(one.loads[-COLD_PAGES:]) for one in both]
    findings = grown(server, clients, cold=cold[1], statements=[count for count, _ in asked], wrong=wrong)
    findings.answers = answers
    findings.remarks.append(f"Meanwhile something else used {foreign:.0%} of the processors.")
    findings.remarks.append(f"One first page asks the database: {'; '.join(asked[1][1])}.")
    return findings


def grown(
    server: Sequence[Sequence[float]],
    clients: Sequence[Sequence[float]],
    *,
    cold: Sequence[float],
    statements: Sequence[float],
    wrong: int,
) -> Findings:
    """What both sizes' times mean. Each argument holds the small system's first, then the large one's; `cold` are pages of the
    large one for which nothing was kept aside."""
    few, many = (percentile(list(ms), 0.95) for ms in server)
    one, other = (percentile(half, 0.95) for half in halves(server[0]))
    figures = {
        "small_p50_ms": percentile(list(server[0]), 0.5),
        "small_p95_ms": few,
        "p50_ms": percentile(list(server[1]), 0.5),
        "p95_ms": many,
        "client_p50_ms": percentile(list(clients[1]), 0.5),
        "client_p95_ms": percentile(list(clients[1]), 0.95),
        "cold_p95_ms": percentile(list(cold), 0.95),
        "growth_ratio": many / few,
        "same_size_ratio": max(one, other) / min(one, other),
        "small_statements": statements[0],
        "statements": statements[1],
    }
    told = f"{few:.1f} to {many:.1f} ms; two halves of one size differ by {figures['same_size_ratio']:.2f}"
    bars = [
        Bar("first page, growth of the server's p95", figures["growth_ratio"], "<", GROWTH_MAX, note=told),
        Bar("first page, the server's p95", many, "<=", FIRST_P95_MS, "ms"),
        Bar("first page with nothing kept aside, the server's p95", figures["cold_p95_ms"], "<=", FIRST_P95_MS, "ms"),
        Bar("first page, statements more at the larger size", abs(statements[1] - statements[0]), "<=", 0,
            note=f"{statements[0]:g} and {statements[1]:g} a page"),
        Bar("first pages that did not show the newest work", wrong, "<=", 0),
    ]  # fmt: skip
    remarks = [
        f"Server time p50 {figures['p50_ms']:.1f}, p95 {many:.1f} ms; through the gateway p50 {figures['client_p50_ms']:.1f}, "
        f"p95 {figures['client_p95_ms']:.1f} ms."
    ]
    return Findings(figures, bars, remarks=remarks)


async def on_phone(target: Target, arguments: argparse.Namespace) -> Findings:
    """The first page on a slow phone."""
    print(f"phone: {PHONE_LOADS} pages behind a slow line", flush=True)
    with _own("board-phone") as small:
        seed.fill(small, orders=PHONE)
        async with visitor(small) as one:
            token = one.person.headers["authorization"].removeprefix("Bearer ")
            return phone.judged(await asyncio.to_thread(phone.loads, small, token, count=PHONE_LOADS))


async def replaced(target: Target, arguments: argparse.Namespace) -> Findings:
    """Ours and the replaced board on the same rows, in turns: twenty pages, then one of the other's."""
    print(f"replaced: {REPLACED_TURNS} pages of the replaced board, each {REPLACED_S_MAX:.0f} s at most", flush=True)
    others = []
    async with visitor(target) as ours:
        with target.database("mes") as connection:
            await asyncio.to_thread(replaced_board.build, connection)
            for _ in range(REPLACED_TURNS):
                await in_turns([ours], requests=20)
                others.append(
                    await asyncio.to_thread(replaced_board.first_page, connection, seconds_max=REPLACED_S_MAX)
                )
                print(f"  {others[-1].seconds:.1f} s{'' if others[-1].finished else ', not finished'}", flush=True)
        server = await ours.server_ms()
        answers = _answers("first page beside the replaced board", ours.loads)
    findings = compared(server, [(one.seconds, one.finished) for one in others])
    findings.answers = answers
    return findings


def compared(server: Sequence[float], others: Sequence[tuple[float, bool]]) -> Findings:
    """Our p95 beside the replaced board's; a page that it did not finish makes the ratio one of at least."""
    theirs = percentile([seconds * 1000 for seconds, _ in others], 0.95)
    ours = percentile(list(server), 0.95)
    unfinished = sum(not finished for _, finished in others)
    figures = {
        "beside_replaced_p95_ms": ours,
        "replaced_p95_ms": theirs,
        "replaced_ratio": theirs / ours,
        "replaced_unfinished": float(unfinished),
    }
    told = f"{theirs:.0f} to {ours:.1f} ms" + (f"; at least: {unfinished} pages were cut off" if unfinished else "")
    bars = [Bar("the replaced board's p95 to ours", theirs / ours, ">=", REPLACED_MIN, note=told)]
    return Findings(figures, bars)


async def searched(target: Target, arguments: argparse.Namespace) -> Findings:
    """The seller's search."""
    print("search: every key in turn", flush=True)
    async with client(target, connections=4) as http:
        seller = await staff(http, target, "sofia.seller")
        return await search(seller, target, requests=arguments.searches)


async def without_redis(target: Target, arguments: argparse.Namespace) -> Findings:
    """The first page while Redis is away. It is started again whatever happens."""
    print("redis: stopped", flush=True)
    async with visitor(target) as one:
        await asyncio.to_thread(target.docker, "stop", "redis")
        try:
            deadline = time.monotonic() + REDIS_S_MAX
            while len(one.loads) < arguments.requests and time.monotonic() < deadline:
                await one.load()
            server = await one.server_ms()
            wrong = one.wrong()
        finally:
            await asyncio.to_thread(target.docker, "start", "redis")
    p95 = percentile(server, 0.95)
    bars = [
        Bar("first page without Redis, the server's p95", p95, "<", REDIS_P95_MS, "ms", f"{len(server)} pages"),
        Bar("pages without Redis that did not show the newest work", wrong, "<=", 0),
    ]
    return Findings({"redis_stopped_p95_ms": p95}, bars, _answers("first page without Redis", one.loads))


async def opened(target: Target, arguments: argparse.Namespace) -> Findings:
    """The open boards."""
    print("open: many boards listen while work changes and pages are opened", flush=True)
    return await open_boards(target, boards=arguments.boards, seconds=arguments.seconds)


async def beside(target: Target, arguments: argparse.Namespace) -> Findings:
    """The board beside long work."""
    print("beside: pages in turns, alone and while others upload and have priced", flush=True)
    async with visitor(target) as one:
        return await beside_work(target, one)


ACTS: dict[str, Callable[[Target, argparse.Namespace], Coroutine[Any, Any, Findings]]] = {
    "growth": growth,
    "phone": on_phone,
    "replaced": replaced,
    "search": searched,
    "redis": without_redis,
    "open": opened,
    "beside": beside,
}


def _answers(name: str, loads: Sequence[Load]) -> list[Answer]:
    return [Answer(name, load.at, load.ms, True) for load in loads]


@contextlib.contextmanager
def _own(role: str) -> Iterator[Target]:
    with systems(Wanted(project_named(role))) as (target,):
        yield target


def measure(arguments: argparse.Namespace) -> Findings:
    """Every part that was asked for, one after the other; one that fails is a bar missed. Raises NotStarted, NotMeasured."""
    findings = Findings()
    with contextlib.ExitStack() as stack:
        target = Target.of(arguments.target) if arguments.target else stack.enter_context(_own("board"))
        print(f"{target.project} gets a past of {arguments.orders:,} orders", flush=True)
        seed.fill(target, orders=arguments.orders)
        present, _ = seed.known(target, seed.MES)
        if present != arguments.orders:
            raise NotMeasured(f"{target.project} has a past of {present:,} orders already, which cannot be shortened")
        for part in arguments.part:
            try:
                findings.take(asyncio.run(ACTS[part](target, arguments)))
            except UNMEASURED as error:
                print(f"  {part} was not measured: {error!r}", file=sys.stderr, flush=True)
                findings.bars.append(Bar(f"{part}, measured", math.nan, ">=", 1, note=repr(error)[:200]))
    return findings


def leave(findings: Findings, arguments: argparse.Namespace) -> int:
    """Writes the report, prints every bar and the last line; the exit status."""
    OUT.mkdir(parents=True, exist_ok=True)
    begun = min((answer.at for answer in findings.answers), default=0.0)
    answers = [answer._replace(at=answer.at - begun) for answer in findings.answers]
    lines = [json.dumps({"name": a.name, "time": round(a.at, 3), "ms": round(a.ms, 2), "ok": a.ok}) for a in answers]
    state.write_file(OUT / "requests.jsonl", "\n".join(lines) + "\n")
    told = {
        "orders": arguments.orders,
        "parts": arguments.part,
        "machine": machine.described(),
        "figures": {name: _finite(figure) for name, figure in findings.figures.items()},
        "bars": [
            {"name": bar.name, "figure": _finite(bar.figure), "how": bar.how, "limit": bar.limit, "met": bar.met}
            for bar in findings.bars
        ],
        "remarks": findings.remarks,
    }
    state.write_file(OUT / "board.json", json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    title = f"The board with {arguments.orders:,} orders"
    rows = (["bar", "verdict", "figure", "must be", page.ABOUT], [bar.row() for bar in findings.bars])
    page.write_bars(rows, answers, OUT / "index.html", title=title, remarks=findings.remarks)
    for line in (*findings.remarks, *(bar.line() for bar in findings.bars)):
        print(line)
    print(f"page: {OUT.relative_to(state.ROOT) / 'index.html'}")
    print(last_line("board", findings.figures, KNOWN_BY), flush=True)
    return 0 if findings.met else 1


def _finite(figure: float) -> float | str:
    """JSON has neither infinity nor what is not a number: their names instead."""
    return round(figure, 3) if math.isfinite(figure) else str(figure)


def parsed(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line. Parts are measured in the order of PARTS, whatever the order they are named in."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=seed.count, default=seed.ORDERS_MAX, help="how long the larger past is")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; may be given more than once")
    parser.add_argument("--target", metavar="PROJECT", help="a running compose project instead of an own system")
    parser.add_argument("--requests", type=int, default=400, help="first pages of each kind")
    parser.add_argument("--searches", type=int, default=60, help="searches by each key")
    parser.add_argument("--boards", type=int, default=200, help="open boards")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the boards are open")
    arguments = parser.parse_args(argv)
    if arguments.orders < SMALL:
        parser.error(f"--orders is at least {SMALL:,}: that is what the larger past is compared with")
    if min(arguments.requests, arguments.searches, arguments.boards, arguments.seconds) < 1:
        parser.error("--requests, --searches, --boards and --seconds are at least 1")
    arguments.part = [part for part in PARTS if part in (arguments.part or PARTS)]
    return arguments


def terminated(number: int, frame: FrameType | None) -> None:
    """For SIGTERM: ends the process by an exception, so that what it started is removed."""
    raise SystemExit(128 + number)


def main() -> int:
    """See the module's docstring."""
    arguments = parsed()
    signal.signal(signal.SIGTERM, terminated)
    try:
        findings = measure(arguments)
    except UNMEASURED as error:
        print(f"board: not measured: {error!r}", file=sys.stderr)
        return 2
    return leave(findings, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
