"""The rates of pay over HTTP, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime

from system.mes.adapters.rate_queries import RateQueries
from system.mes.application.commands import SetPayRate, WithdrawPayRate
from system.mes.application.rates import set_pay_rate, withdraw_pay_rate
from system.mes.entrypoints import schemas
from system.mes.entrypoints.api import Key, Uow, operator_of
from system.mes.settings import MesSettings
from system.plumbing.auth import Principal, require
from system.plumbing.web import to_response

router = APIRouter()


def _queries(request: Request) -> RateQueries:
    return cast(RateQueries, request.app.state.rate_queries)


def currency_of(request: Request) -> str:
    """What operators are paid in."""
    return cast(MesSettings, request.app.state.settings).pay_currency


Administrator = Annotated[Principal, require("administrator")]
Rates = Annotated[RateQueries, Depends(_queries)]
Currency = Annotated[str, Depends(currency_of)]
PaidQuery = Annotated[Decimal, Query(ge=0, le=schemas.PAID_MAX, decimal_places=2)]


@router.get("/pay-rates", response_model=schemas.PayRates)
async def pay_rates(who: Administrator, rates: Rates) -> Response:
    """What materials pay: rates in force, planned, past and withdrawn."""
    return _json(await rates.rates())


@router.get("/pay-rates/meaning", response_model=schemas.PayRateMeaning)
async def meaning(
    who: Administrator,
    rates: Rates,
    material: Annotated[schemas.Material, Query()],
    per_piece: PaidQuery,
    per_gram: PaidQuery,
    valid_from: AwareDatetime | None = None,
) -> Response:
    """What a rate would mean; sets nothing."""
    return _json(
        await rates.meaning(material=material, per_piece=per_piece, per_gram=per_gram, valid_from=utc(valid_from))
    )


@router.post("/pay-rates", status_code=201, response_model=schemas.PayRateView)
async def new_pay_rate(
    who: Administrator, uow: Uow, key: Key, currency: Currency, body: schemas.NewPayRate
) -> Response:
    """Sets what a material pays, at once or from a later moment on; what was earned stays as it was."""
    command = SetPayRate(
        material=body.material,
        per_piece=body.per_piece,
        per_gram=body.per_gram,
        valid_from=utc(body.valid_from),
        reason=body.reason,
        set_by=operator_of(who),
        version=body.version,
        key=key,
    )
    return to_response(await set_pay_rate(command, uow, currency=currency))


@router.post("/pay-rates/withdrawal", response_model=schemas.PayRateWithdrawn)
async def withdrawal(who: Administrator, uow: Uow, key: Key, body: schemas.PayRateToWithdraw) -> Response:
    """Takes a planned rate back, before it begins."""
    command = WithdrawPayRate(body.material, body.valid_from, body.reason, operator_of(who), key)
    return to_response(await withdraw_pay_rate(command, uow))


def utc(moment: datetime | None) -> datetime | None:
    """The same moment without its author's zone."""
    return None if moment is None else moment.astimezone(UTC)


def _json(body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
