"""The board's first page, as one operator after the other opens it: how long the service took, whether it is right, what it asked for.

Two clocks. `server`: from the request's arrival in MES' own middleware to the end of the answer, as its log line says (`elapsed_ms`);
the line is found by the trace that the request was sent with. `client`: from here through the gateway and back.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from perf.actors import Person
from perf.system import Target

PATH = "/mes/"
PAGE_ROWS = 40
"""What MES shows at first."""
WARM = 40
KEPT_S = 1.2
"""MES keeps its lists and counts for a second at most: pages further apart than that ask the database each time."""
COLD_PAGES = 20
LOG_S_MAX = 10.0
_NUMBER = re.compile(r'data-number="([^"]+)"')
_NEWEST = """
    SELECT order_number FROM work_order WHERE state = 'RELEASED' ORDER BY approved_at DESC, id DESC LIMIT %s
"""
# What MES itself asks about the board. Not by a page: its gauges, which name their result so, and the timer that looks for claims
# that have lapsed, each by a clock of their own.
_ASKED = """
    SELECT queryid, calls, query FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'mes') AND userid = 'mes_app'::regrole AND toplevel
      AND query ~ 'work_order|pay_rate' AND query !~ ' AS value' AND query !~ 'WITH claimed AS'
"""


class NotMeasured(RuntimeError):
    """The system did not let a figure be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Load:
    """One page: when it was asked for (monotonic), how long it took from here, the trace it left, the order numbers it showed."""

    at: float
    ms: float
    trace: str
    numbers: tuple[str, ...]


@dataclass
class Visitor:
    """Somebody at the board of one system, one page at a time."""

    target: Target
    http: httpx.AsyncClient
    person: Person
    loads: list[Load] = field(default_factory=list)
    began: float = 0.0

    async def warm(self, count: int = WARM) -> None:
        """Pages that do not count: pools, plans and caches are then as they will be."""
        for _ in range(count):
            await self.load()
        self.loads.clear()
        # A second early: the engine cuts its log by a clock that is read a moment later.
        self.began = time.time() - 1

    async def load(self) -> Load:
        """One page. Raises NotMeasured when it is none."""
        trace = secrets.token_hex(16)
        headers = self.person.headers | {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
        at = time.monotonic()
        response = await self.http.get(PATH, headers=headers)
        ms = (time.monotonic() - at) * 1000
        if response.status_code != 200:
            raise NotMeasured(f"the board answered {response.status_code}: {response.text[:200]}")
        self.loads.append(Load(at, ms, trace, tuple(_NUMBER.findall(response.text))))
        return self.loads[-1]

    async def server_ms(self, loads: Sequence[Load] | None = None) -> list[float]:
        """What the service says each of these pages took, in their order. Raises NotMeasured when its log does not hold them all."""
        wanted = [load.trace for load in (self.loads if loads is None else loads)]
        found = await asyncio.to_thread(logged_ms, self.target, "mes", wanted, since=self.began)
        return [found[trace] for trace in wanted]

    def wrong(self) -> int:
        """How many pages did not show the newest approved free work in its order, by the database's own word."""
        with self.target.database("mes") as mes:
            newest = tuple(row[0] for row in mes.execute(_NEWEST, [PAGE_ROWS]))
        return sum(load.numbers != newest for load in self.loads)


def logged_ms(target: Target, service: str, traces: Sequence[str], *, since: float) -> dict[str, float]:
    """`elapsed_ms` by trace, from the service's log since a moment of the clock. Raises NotMeasured when some are not there."""
    deadline = time.monotonic() + LOG_S_MAX
    while True:
        found = elapsed_by_trace(target.docker("logs", "--since", f"{since:.3f}", service))
        missing = sum(trace not in found for trace in traces)
        if not missing:
            return found
        if time.monotonic() > deadline:
            raise NotMeasured(f"the log of {service} lacks {missing} of {len(traces)} requests")
        time.sleep(0.5)


def elapsed_by_trace(log: str) -> dict[str, float]:
    """Milliseconds of each answered request in a log, by its trace. Other lines are passed over."""
    found = {}
    for line in log.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("event") == "request" and "trace_id" in entry:
            found[str(entry["trace_id"])] = float(entry["elapsed_ms"])
    return found


def asked(target: Target) -> dict[int, tuple[int, str]]:
    """How often MES asked the database each of its questions about the board so far, and the question."""
    with target.database("mes") as mes:
        return {row[0]: (int(row[1]), " ".join(row[2].split())) for row in mes.execute(_ASKED)}


async def statements_per_page(visitor: Visitor, *, pages: int = COLD_PAGES) -> tuple[float, list[str]]:
    """How many statements a first page sends to the database when nothing is kept aside, by PostgreSQL's own count, and which.

    Nobody else may look then. Its pages are the visitor's last.
    """
    await asyncio.sleep(KEPT_S)
    before = await asyncio.to_thread(asked, visitor.target)
    for _ in range(pages):
        await visitor.load()
        await asyncio.sleep(KEPT_S)
    after = await asyncio.to_thread(asked, visitor.target)
    more = {
        text: calls - before.get(queryid, (0, ""))[0]
        for queryid, (calls, text) in after.items()
        if calls > before.get(queryid, (0, ""))[0]
    }
    return sum(more.values()) / pages, [f"{calls / pages:g} x {text[:110]}" for text, calls in sorted(more.items())]


async def in_turns(visitors: Sequence[Visitor], *, requests: int, per_turn: int = 20) -> None:
    """So many pages of each system, a few of one, a few of the other; whoever was first is last the next time."""
    for turn in range(max(1, requests // per_turn)):
        for visitor in visitors if turn % 2 == 0 else reversed(visitors):
            for _ in range(per_turn):
                await visitor.load()


def halves(values: Sequence[float], *, per_turn: int = 20) -> tuple[list[float], list[float]]:
    """The values of every other turn, and of those between: two measurements of one thing, for what chance alone does."""
    turns = [list(values[start : start + per_turn]) for start in range(0, len(values), per_turn)]
    return [value for turn in turns[::2] for value in turn], [value for turn in turns[1::2] for value in turn]
