"""HTTP: what fails, for administrators."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from system.observability.adapters.failure_queries import FailureQueries, FailureRow, Sample
from system.observability.application.failures import MarkFailure, mark_failure
from system.observability.domain.failures import State
from system.observability.entrypoints import schemas
from system.plumbing.auth import require
from system.plumbing.tokens import Principal

Administrator = Annotated[Principal, require("administrator")]
Fingerprint = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Hours = Annotated[int, Query(ge=1, le=24 * 90, description="how far back")]
DAY_HOURS = 24

router = APIRouter(tags=["failures"])


def queries_of(request: Request) -> FailureQueries:
    """Where failures are read."""
    queries: FailureQueries = request.app.state.failures
    return queries


def since_of(hours: int) -> datetime:
    """So many hours ago."""
    return datetime.now(UTC) - timedelta(hours=hours)


@router.get("/failures")
async def list_failures(
    request: Request,
    who: Administrator,
    hours: Hours = DAY_HOURS,
    state: Annotated[list[schemas.State] | None, Query()] = None,
    service: Annotated[str | None, Query(max_length=60)] = None,
) -> schemas.FailureList:
    """Ways of failing that were met lately, the last one first."""
    found = await queries_of(request).listed(since=since_of(hours), states=list(state or ()), service=service)
    return schemas.FailureList(items=[_view(row) for row in found])


@router.get("/failures/{fingerprint}")
async def get_failure(
    request: Request, who: Administrator, fingerprint: Fingerprint, hours: Hours = DAY_HOURS
) -> schemas.FailureDetails:
    """One way of failing, with the traces of the last times."""
    row, samples = await queries_of(request).one(fingerprint, since=since_of(hours))
    return schemas.FailureDetails(**_view(row).model_dump(), samples=[_sample(each) for each in samples])


@router.put("/failures/{fingerprint}/state")
async def put_failure_state(
    request: Request, who: Administrator, fingerprint: Fingerprint, body: schemas.FailureMark
) -> schemas.FailureDetails:
    """Says that it is known, resolved, or new after all. What was resolved and comes again is new by itself."""
    command = MarkFailure(fingerprint, State(body.state), who.name or who.email, body.note)
    await mark_failure(command, request.app.state.make_uow())
    return await get_failure(request, who, fingerprint)


def _view(row: FailureRow) -> schemas.FailureView:
    return schemas.FailureView.model_validate({name: getattr(row, name) for name in FailureRow.__slots__})


def _sample(sample: Sample) -> schemas.SampleView:
    return schemas.SampleView(
        trace_id=sample.trace_id.hex, span_id=sample.span_id, at=sample.at, order_id=sample.order_id
    )
