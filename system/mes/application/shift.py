"""What whoever leads the shift is told: what flows, what stands, what will be late and why, who holds what, what is being priced.

Everybody who watches is told from one reading: made anew when somebody asks and it is older than `refreshed_s`. Days that are over
never change, since history is only added to: each is read once per process, and then only today is read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from system.kernel.errors import Unavailable
from system.mes.domain import rules
from system.mes.domain.flow import (
    AGE_LIMITS_S,
    STAGES,
    Move,
    Standing,
    ages,
    in_progress,
    passed,
    passed_by_hour,
)
from system.mes.domain.forecast import Forecast, Pace, Risk, forecast, pace_of, risk_of
from system.mes.domain.rules import Terms
from system.plumbing.sparing import Kept
from system.plumbing.telemetry import log

OLDEST_SHOWN = 10
SEEN_WITHIN = timedelta(days=1)
# What began before midnight may be committed after it: a day is over for good a little later.
COMMITTED_WITHIN = timedelta(minutes=1)
PRICING_TIMEOUT_S = 1.5
RISKS = (Risk.LATE, Risk.AT_RISK, Risk.UNKNOWN, Risk.ON_TIME)
"""In the order in which they matter."""


class Flow(Protocol):
    """Reads what moved and what stands."""

    async def moves(self, *, begins: datetime, ends: datetime, zone: str) -> dict[date, list[Move]]: ...

    async def operators_moves(self, *, begins: datetime, ends: datetime) -> dict[tuple[UUID, str], list[Move]]: ...

    async def counts(self) -> dict[str, int]: ...

    async def standing(self) -> list[Standing]: ...

    async def operators_seen(self, since: datetime) -> list[tuple[UUID, str, datetime]]: ...


class Calculations(Protocol):
    """Pricing's queue."""

    async def queue(self) -> dict[str, Any]:
        """What is being calculated and what waits. Raises Unavailable."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """How far back the page looks, and from how much it foretells: data of an installation, never code."""

    flow_days: int
    """How many days of history are shown, today among them."""
    forecast_days: int
    """How many of the last working days the pace is measured on."""
    forecast_finished_min: int
    """From fewer pieces than these nothing is foretold."""
    refreshed_s: float
    """How old what is shown may be."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One unfinished work order with its forecast and its risk; `overdue` is by how much its promise will be missed."""

    piece: Standing
    risk: Risk
    foretold: Forecast | None
    overdue: timedelta


class Shift:
    """The figures of the shift lead's page."""

    def __init__(
        self, flow: Flow, calculations: Calculations, *, outlook: Outlook, terms: Terms, zone: ZoneInfo
    ) -> None:
        self._flow, self._calculations = flow, calculations
        self._outlook, self._terms, self._zone = outlook, terms, zone
        self._past: dict[date, list[Move]] = {}
        self._figures = Kept(self._read, outlook.refreshed_s)
        self._queue = Kept(self._read_calculations, outlook.refreshed_s)

    async def figures(self) -> dict[str, Any]:
        """Throughput, work in progress, ages, and who holds what."""
        return dict((await self._figures.get())["flow"])

    async def late_risk(self, *, risk: str | None = None, limit: int) -> dict[str, Any]:
        """The unfinished work orders by their risk, the worst first: those of one risk only, or all."""
        kept = await self._figures.get()
        shown = [one for one in kept["judged"] if risk is None or one.risk == risk]
        more = max(0, len(shown) - limit)
        return {**kept["late_risk"], "items": [_judged_view(one) for one in shown[:limit]], "more": more}

    async def calculations(self) -> dict[str, Any] | None:
        """Pricing's queue of calculations, or None when pricing is away."""
        queue = await self._queue.get()
        return dict(queue) if queue is not None else None

    async def _read_calculations(self) -> dict[str, Any] | None:
        try:
            # Whoever opens the page waits for its other figures anyway, but not for a service that hangs.
            async with asyncio.timeout(PRICING_TIMEOUT_S):
                return await self._calculations.queue()
        except (Unavailable, TimeoutError) as error:
            log.warning("calculations not readable", error=str(error))
            return None

    async def _read(self) -> dict[str, Any]:
        now = datetime.now(UTC)
        days = await self._days(now)
        midnight = self._midnight(now.astimezone(self._zone).date())
        operators = await self._flow.operators_moves(begins=midnight, ends=now)
        counts, standing = await self._flow.counts(), await self._flow.standing()
        seen = await self._flow.operators_seen(now - SEEN_WITHIN)
        pace = pace_of(
            [passed(moves) for _, moves in days],
            days_max=self._outlook.forecast_days,
            finished_min=self._outlook.forecast_finished_min,
        )
        # Ten thousand pieces are a tenth of a second of arithmetic: beside the loop, which others wait for.
        judged = await asyncio.to_thread(judge, standing, counts, pace, now)
        return {
            "flow": {"as_of": now.isoformat(), "zone": self._zone.key}
            | _throughput(days, counts)
            | {
                "operators_today": _operators_today(operators),
                "ages": await asyncio.to_thread(_ages, standing, now),
                "oldest": [_oldest_view(one) for one in _oldest(standing)],
                "in_hand": _in_hand(standing, seen, self._terms),
            },
            "judged": judged,
            "late_risk": {
                "as_of": now.isoformat(),
                "pace": _pace_view(pace),
                "counts": {str(risk): sum(one.risk is risk for one in judged) for risk in RISKS},
            },
        }

    async def _days(self, now: datetime) -> list[tuple[date, list[Move]]]:
        """What moved on each of the days shown, oldest first; the last is today."""
        today = now.astimezone(self._zone).date()
        wanted = [today - timedelta(days=back) for back in reversed(range(self._outlook.flow_days))]
        missing = [day for day in wanted if day not in self._past]
        read = await self._flow.moves(begins=self._midnight(missing[0]), ends=now, zone=self._zone.key)
        known = self._past | {day: read.get(day, []) for day in missing}
        over = (now - COMMITTED_WITHIN).astimezone(self._zone).date()
        self._past = {day: known[day] for day in wanted if day < over}
        return [(day, known[day]) for day in wanted]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, clock.min, tzinfo=self._zone)


def judge(standing: Sequence[Standing], counts: dict[str, int], pace: Pace, now: datetime) -> list[Judged]:
    """Every unfinished work order with its forecast and risk, the worst first. `standing` has each stage's queue in its order."""
    judged = []
    for state, queue in groupby(standing, key=lambda piece: piece.state):
        for position, piece in enumerate(queue, start=1):
            foretold = forecast(state, position, counts, pace, now=now)
            overdue = (foretold.likely if foretold else now) - piece.promise_at
            judged.append(Judged(piece, risk_of(piece.promise_at, foretold, now=now), foretold, overdue))
    return sorted(judged, key=lambda one: (RISKS.index(one.risk), -one.overdue))


def _throughput(days: Sequence[tuple[date, list[Move]]], counts: dict[str, int]) -> dict[str, Any]:
    stood = in_progress(counts, [moves for _, moves in days])
    left = [passed(moves) for _, moves in days]
    hours = passed_by_hour(days[-1][1])
    return {
        "days": [
            {
                "day": day.isoformat(),
                "released": sum(move.number for move in moves if move.before is None and move.after == "RELEASED"),
                "completed": done["CLAIMED"],
                "shipped": done["PACKING"],
                "in_progress": there,
            }
            for (day, moves), done, there in zip(days, left, stood, strict=True)
        ],
        "hours": [
            {"hour": hour, "completed": done["CLAIMED"], "shipped": done["PACKING"]} for hour, done in enumerate(hours)
        ],
        "in_progress": {stage: counts.get(stage, 0) for stage in STAGES},
    }


def _operators_today(operators: dict[tuple[UUID, str], list[Move]]) -> list[dict[str, Any]]:
    today = []
    for (operator_id, name), moves in operators.items():
        done = passed(moves)
        if done["CLAIMED"] or done["PACKING"]:
            today.append(
                {
                    "operator_id": str(operator_id),
                    "name": name,
                    "completed": done["CLAIMED"],
                    "shipped": done["PACKING"],
                }
            )
    return sorted(today, key=lambda one: (-one["completed"], -one["shipped"], one["name"]))


def _ages(standing: Sequence[Standing], now: datetime) -> dict[str, Any]:
    counted = ages(standing, now=now)
    return {
        "limits_s": list(AGE_LIMITS_S),
        "stages": [{"state": stage, "counts": counted[stage]} for stage in STAGES],
    }


def _oldest(standing: Sequence[Standing]) -> list[Standing]:
    return sorted(standing, key=lambda piece: piece.since)[:OLDEST_SHOWN]


def _oldest_view(piece: Standing) -> dict[str, Any]:
    return _piece_view(piece) | {"since": piece.since.isoformat()}


def _in_hand(
    standing: Sequence[Standing], seen: Sequence[tuple[UUID, str, datetime]], terms: Terms
) -> list[dict[str, Any]]:
    """Per operator what is on the bench, who has had it lie the longest first; then those who were here and have nothing in hand."""
    seen_at = {operator_id: moment for operator_id, _, moment in seen}
    names = {operator_id: name for operator_id, name, _ in seen}
    benches: dict[UUID, list[Standing]] = {operator_id: [] for operator_id in names}
    for piece in standing:
        if piece.state == "CLAIMED" and piece.held_by is not None:
            benches.setdefault(piece.held_by, []).append(piece)
            names.setdefault(piece.held_by, piece.held_by_name or "")
    views = [
        {
            "operator_id": str(operator_id),
            "name": names[operator_id],
            "seen_at": seen_at[operator_id].isoformat() if operator_id in seen_at else None,
            "claimed": len(pieces),
            "claims_max": terms.claims_max,
            "idle_since": min(piece.happened_at for piece in pieces).isoformat() if pieces else None,
            "pieces": [_held_view(piece, terms) for piece in sorted(pieces, key=lambda piece: piece.happened_at)],
        }
        for operator_id, pieces in benches.items()
    ]
    return sorted(views, key=lambda one: (one["idle_since"] is None, one["idle_since"] or "", one["name"]))


def _held_view(piece: Standing, terms: Terms) -> dict[str, Any]:
    lapses_at = rules.lapses_at(piece.state, piece.happened_at, idle_s=terms.idle_s)
    return {
        "work_order_id": str(piece.work_order_id),
        "order_number": piece.order_number,
        "title": piece.title,
        "claimed_at": piece.since.isoformat(),
        "idle_since": piece.happened_at.isoformat(),
        "lapses_at": lapses_at.isoformat() if lapses_at else None,
    }


def _piece_view(piece: Standing) -> dict[str, Any]:
    return {
        "work_order_id": str(piece.work_order_id),
        "order_number": piece.order_number,
        "title": piece.title,
        "state": piece.state,
        "promise_at": piece.promise_at.isoformat(),
        "claimed_by": piece.held_by_name,
    }


def _judged_view(one: Judged) -> dict[str, Any]:
    told = one.foretold
    return _piece_view(one.piece) | {
        "risk": str(one.risk),
        "forecast": (
            {"early": told.early.isoformat(), "likely": told.likely.isoformat(), "late": told.late.isoformat()}
            if told
            else None
        ),
        "why": {"state": told.stage, "position": told.position, "per_day": round(told.per_day, 2)} if told else None,
    }


def _pace_view(pace: Pace) -> dict[str, Any]:
    return {
        "known": pace.is_known,
        "finished": pace.finished,
        "finished_min": pace.finished_min,
        "days": max((rate.days for rate in pace.rates.values()), default=0),
        "calendar_days": round(pace.calendar_days, 3),
        "per_day": {stage: round(rate.per_day, 2) for stage, rate in pace.rates.items()},
    }
