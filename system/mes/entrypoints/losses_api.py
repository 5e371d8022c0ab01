"""Weights and metal losses over HTTP."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from system.kernel.errors import Invalid
from system.mes.adapters.loss_queries import LossQueries
from system.mes.application.commands import WeighWorkOrder
from system.mes.application.weighing import weigh_work_order
from system.mes.domain.weights import Stage
from system.mes.entrypoints import schemas
from system.mes.entrypoints.api import AnOperator, Key, Reader, Uow, operator_of
from system.mes.entrypoints.periods import DEFAULT, Kind, Period, period_of
from system.mes.settings import MesSettings
from system.plumbing.auth import Principal
from system.plumbing.web import to_response

router = APIRouter()


class NothingWeighed(Invalid):
    """A weighing has a weight."""

    def __init__(self) -> None:
        super().__init__("nothing-weighed", "Enter what it weighs: cast, finished, or both.")


def _queries(request: Request) -> LossQueries:
    return cast(LossQueries, request.app.state.loss_queries)


def zone_of(request: Request) -> ZoneInfo:
    """The workshop's."""
    return ZoneInfo(cast(MesSettings, request.app.state.settings).time_zone)


Lost = Annotated[LossQueries, Depends(_queries)]
Zone = Annotated[ZoneInfo, Depends(zone_of)]


def asked_period(
    zone: Zone,
    period: Kind = DEFAULT,
    day: Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))] = None,
) -> Period:
    """The period that the address names; the present one unless it names a day of another."""
    return period_of(period, day or datetime.now(zone).date())


ThePeriod = Annotated[Period, Depends(asked_period)]


def whose(who: Principal) -> UUID | None:
    """Whose losses somebody may see: everybody's for who leads the shift (None), else their own."""
    return None if who.has("seller", "administrator") else who.subject


@router.post("/work-orders/{work_order_id}/weighings", response_model=schemas.WeightsView)
async def weighings(who: AnOperator, uow: Uow, key: Key, work_order_id: UUID, body: schemas.Weights) -> Response:
    """Writes down what the pieces weigh. A correction is one more entry; the newest counts."""
    entered = {Stage.CAST: body.cast_g, Stage.FINISHED: body.finished_g}
    grams = {stage: value for stage, value in entered.items() if value is not None}
    if not grams:
        raise NothingWeighed()
    command = WeighWorkOrder(work_order_id, operator_of(who), grams, body.confirmed, key)
    return to_response(await weigh_work_order(command, uow))


@router.get("/losses", response_model=schemas.MetalLosses)
async def losses(who: Reader, lost: Lost, zone: Zone, period: ThePeriod) -> Response:
    """Metal lost of what was made in a period: everybody's for who leads the shift, else the caller's own."""
    begins, ends = period.moments(zone)
    return _json(await lost.losses(begins, ends, of_operator=whose(who)))


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
