"""Page: where the time of orders goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response

from system.observability.entrypoints.pages import BASE, Administrator, Shown, lasting_of
from system.observability.entrypoints.stages_api import report_of, view_of

DAYS = (1, 7, 30)

router = APIRouter(prefix=BASE)


@router.get("/stages")
async def stages_page(
    request: Request, who: Administrator, pages: Shown, days: Annotated[int, Query(ge=1, le=366)] = 7
) -> Response:
    """How long orders stayed in each status and whom they waited for there, and how long services worked on them."""
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    report = view_of(await report_of(request, since, until), since, until)
    period = urlencode({"since": since.isoformat(), "until": until.isoformat()})
    return pages.render(
        request,
        "stages.html",
        who=who,
        report=report,
        days=days,
        periods=DAYS,
        table=f"/api/observability/v1/stages.csv?{period}",
        lasts=lasting_of(request),
        section="stages",
    )
