"""The shift lead's figures over HTTP: the twin of the page."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from system.kernel.errors import Unavailable
from system.mes.application.shift import Shift
from system.mes.entrypoints.api import Assigner
from system.mes.entrypoints.schemas import WorkableState

ITEMS_MAX = 500

router = APIRouter()


def _shift(request: Request) -> Shift:
    return cast(Shift, request.app.state.shift)


Figures = Annotated[Shift, Depends(_shift)]
RiskName = Literal["late", "at_risk", "unknown", "on_time"]


class InProgress(BaseModel):
    """How many work orders stand in each stage."""

    RELEASED: int
    CLAIMED: int
    COMPLETED: int
    PACKING: int


class FlowDay(BaseModel):
    """One day: what came, what was made and shipped, and what stood in each stage at its end. What went back is taken off."""

    day: date
    released: int
    completed: int
    shipped: int
    in_progress: InProgress


class FlowHour(BaseModel):
    """One hour of today."""

    hour: int
    completed: int
    shipped: int


class OperatorDay(BaseModel):
    """What an operator made and shipped today."""

    operator_id: UUID
    name: str
    completed: int
    shipped: int


class AgesOfStage(BaseModel):
    """How many of a stage are younger than each of the limits, and in the end how many are older than all."""

    state: WorkableState
    counts: list[int]


class Ages(BaseModel):
    """How long what is unfinished has been in its stage."""

    limits_s: list[int]
    stages: list[AgesOfStage]


class Piece(BaseModel):
    """One unfinished work order."""

    work_order_id: UUID
    order_number: str
    title: str
    state: WorkableState
    promise_at: datetime
    claimed_by: str | None


class OldPiece(Piece):
    """One that has been in its stage for long."""

    since: datetime


class HeldPiece(BaseModel):
    """One on an operator's bench; `idle_since` is when anything last happened to it."""

    work_order_id: UUID
    order_number: str
    title: str
    claimed_at: datetime
    idle_since: datetime
    lapses_at: datetime | None


class InHand(BaseModel):
    """What an operator has in hand, and how many they may."""

    operator_id: UUID
    name: str
    seen_at: datetime | None
    claimed: int
    claims_max: int
    idle_since: datetime | None
    pieces: list[HeldPiece]


class FlowView(BaseModel):
    """How work flows. Days and hours are those of `zone`."""

    as_of: datetime
    zone: str
    days: list[FlowDay]
    hours: list[FlowHour]
    in_progress: InProgress
    operators_today: list[OperatorDay]
    ages: Ages
    oldest: list[OldPiece]
    in_hand: list[InHand]


class PaceView(BaseModel):
    """What leaves each stage in a working day, and on how much that was measured. Not `known`: nothing is foretold."""

    known: bool
    finished: int
    finished_min: int
    days: int
    calendar_days: float = Field(description="how many days of the calendar one working day is, weekends among them")
    per_day: dict[str, float]


class ForecastView(BaseModel):
    """When it will be shipped: most likely, and the band within which seven of ten are."""

    early: datetime
    likely: datetime
    late: datetime


class WhyView(BaseModel):
    """What takes the longest: so many places in the queue of a stage, at so many a day."""

    state: WorkableState
    position: int
    per_day: float


class RiskyPiece(Piece):
    """One with its forecast; none where the pace is not known."""

    risk: RiskName
    forecast: ForecastView | None
    why: WhyView | None


class RiskCounts(BaseModel):
    """How many unfinished work orders are how near to their promise."""

    late: int
    at_risk: int
    unknown: int
    on_time: int


class LateRiskView(BaseModel):
    """What will be late, the worst first; `more` of them are not in `items`."""

    as_of: datetime
    pace: PaceView
    counts: RiskCounts
    items: list[RiskyPiece]
    more: int


class CalculationView(BaseModel):
    """A price that is calculated or waits: `position` from 1, 0 when a worker is at it. Names nobody."""

    quote_id: UUID
    state: Literal["running", "waiting"]
    position: int
    status: str
    size: str | None
    file_bytes: int | None
    triangles: int | None
    asked_by: str | None
    order_waits: bool
    since: datetime
    attempt: int
    worker: int | None
    tried_again_at: datetime | None
    eta_s: float | None


class CalculationsView(BaseModel):
    """Pricing's queue; `typical_s` is what a calculation of each size took lately."""

    items: list[CalculationView]
    running: int
    waiting: int
    workers: int
    typical_s: dict[str, float]


@router.get("/flow", response_model=FlowView)
async def flow(who: Assigner, figures: Figures) -> Response:
    """Throughput by day, hour and operator, work in progress and its course, ages by stage, and who holds what."""
    return _json(await figures.figures())


@router.get("/late-risk", response_model=LateRiskView)
async def late_risk(
    who: Assigner,
    figures: Figures,
    risk: RiskName | None = None,
    limit: Annotated[int, Query(ge=1, le=ITEMS_MAX)] = 100,
) -> Response:
    """When each unfinished work order will be shipped, against its promise: the worst first."""
    return _json(await figures.late_risk(risk=risk, limit=limit))


@router.get("/calculations", response_model=CalculationsView)
async def calculations(who: Assigner, figures: Figures) -> Response:
    """The prices that are being calculated or wait for it. 503 when pricing is away."""
    queue = await figures.calculations()
    if queue is None:
        raise Unavailable("pricing-unavailable", "Pricing does not answer just now; try again in a moment.")
    return _json(queue)


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store"})
