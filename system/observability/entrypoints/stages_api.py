"""HTTP: where the time of orders goes, for administrators; as JSON, and as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from system.kernel.errors import Invalid
from system.observability.application.stages import stage_report
from system.observability.domain.stages import Report
from system.observability.entrypoints import schemas
from system.plumbing.auth import require
from system.plumbing.tokens import Principal

Administrator = Annotated[Principal, require("administrator")]
Moment = Annotated[datetime | None, Query(description="with its time zone")]
PERIOD = timedelta(days=7)
PERIOD_MAX = timedelta(days=366)
COLUMNS = ("what", "name", "waits_for", "count", "median_s", "p95_s", "total_s", "share")

router = APIRouter(tags=["stages"])


@router.get("/stages")
async def get_stages(
    request: Request, who: Administrator, since: Moment = None, until: Moment = None
) -> schemas.StageReport:
    """How long orders stayed in each status and whom they waited for there, and how long services worked on them."""
    since, until = period_of(since, until)
    return view_of(await report_of(request, since, until), since, until)


@router.get("/stages.csv", response_class=Response)
async def get_stages_table(
    request: Request, who: Administrator, since: Moment = None, until: Moment = None
) -> Response:
    """The same as a table."""
    since, until = period_of(since, until)
    report = view_of(await report_of(request, since, until), since, until)
    named = f"stages-{since:%Y%m%d}-{until:%Y%m%d}.csv"
    return Response(
        table_of(report),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{named}"'},
    )


def period_of(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The period that is asked for; a week until now. Raises Invalid."""
    until = until or datetime.now(UTC)
    since = since or (until - PERIOD if until.tzinfo else until)
    if since.tzinfo is None or until.tzinfo is None:
        raise Invalid("period-without-zone", "Give moments with their time zone, as in 2026-01-31T00:00:00Z.")
    if not timedelta() < until - since <= PERIOD_MAX:
        raise Invalid("period-odd", f"A period ends after it begins, and has {PERIOD_MAX.days} days at most.")
    return since, until


async def report_of(request: Request, since: datetime, until: datetime) -> Report:
    """The report of a period."""
    return await stage_report(request.app.state.traces, request.app.state.orders, since, until)


def view_of(report: Report, since: datetime, until: datetime) -> schemas.StageReport:
    """The report as it is answered."""
    return schemas.StageReport(
        since=since,
        until=until,
        stages=[
            schemas.StageView(
                status=stage.status,
                waits_for=stage.waits_for,
                stays=stage.stays,
                median_s=stage.median_s,
                p95_s=stage.p95_s,
                total_s=stage.total_s,
                share=report.share_of(stage),
            )
            for stage in report.stages
        ],
        services=[
            schemas.ServiceView(
                service=each.service,
                entries=each.entries,
                errors=each.errors,
                median_ms=each.median_ms,
                p95_ms=each.p95_ms,
                total_ms=each.total_ms,
                share=report.share_of_service(each),
            )
            for each in report.services
        ],
        waited_s={**report.waited_s()},
        is_whole=report.is_whole,
    )


def table_of(report: schemas.StageReport) -> str:
    """The report as comma-separated values, times in seconds."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for stage in report.stages:
        times = (stage.median_s, stage.p95_s, stage.total_s)
        table.writerow(("stage", stage.status, stage.waits_for, stage.stays, *_rounded(*times), f"{stage.share:.4f}"))
    for each in report.services:
        times = (each.median_ms / 1000, each.p95_ms / 1000, each.total_ms / 1000)
        table.writerow(("service", each.service, "", each.entries, *_rounded(*times), f"{each.share:.4f}"))
    return written.getvalue()


def _rounded(*seconds: float) -> list[str]:
    return [f"{each:.3f}" for each in seconds]
