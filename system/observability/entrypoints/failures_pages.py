"""Pages: what fails, grouped; and one way of failing, where people say how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.observability.application.failures import MarkFailure, mark_failure
from system.observability.domain.failures import State
from system.observability.entrypoints.failures_api import Fingerprint, Hours, queries_of, since_of
from system.observability.entrypoints.pages import BASE, Administrator, Shown

PERIODS_HOURS = (1, 24, 24 * 7)
BARS = 24
BAR_HEIGHT = 24.0
States = Literal["open", "new", "known", "resolved", "all"]
STATES: Mapping[States, list[str]] = {
    "open": ["new", "known"],
    "new": ["new"],
    "known": ["known"],
    "resolved": ["resolved"],
    "all": [],
}

router = APIRouter(prefix=BASE)


@router.get("/failures")
async def failures_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    hours: Hours = 24,
    state: States = "open",
    service: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """What failed lately, the last one first."""
    found = await queries_of(request).listed(since=since_of(hours), states=STATES[state], service=service or None)
    now = datetime.now(UTC)
    return pages.render(
        request,
        "failures.html",
        who=who,
        items=[(row, bars_of(row.by_hour, hours=hours, now=now)) for row in found],
        hours=hours,
        periods=PERIODS_HOURS,
        state=state,
        states=tuple(STATES),
        service=service,
        section="failures",
    )


@router.get("/failures/{fingerprint}")
async def failure_page(
    request: Request, who: Administrator, pages: Shown, fingerprint: Fingerprint, hours: Hours = 24 * 7
) -> Response:
    """One way of failing: its trend, its last times, how it stands."""
    row, samples = await queries_of(request).one(fingerprint, since=since_of(hours))
    return pages.render(
        request,
        "failure.html",
        who=who,
        row=row,
        samples=samples,
        hours=hours,
        bars=bars_of(row.by_hour, hours=hours, now=datetime.now(UTC)),
        states=tuple(State),
        section="failures",
    )


@router.post("/failures/{fingerprint}")
async def mark_form(
    request: Request,
    who: Administrator,
    fingerprint: Fingerprint,
    state: Annotated[State, Form()],
    note: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Says how it stands."""
    command = MarkFailure(fingerprint, state, who.name or who.email, note.strip())
    await mark_failure(command, request.app.state.make_uow())
    return RedirectResponse(f"{BASE}/failures/{fingerprint}", status_code=303)


def bars_of(by_hour: Mapping[datetime, int], *, hours: int, now: datetime) -> list[tuple[int, float]]:
    """How often in each of BARS equal parts of the period, the oldest first, with the height of its bar."""
    part = timedelta(hours=hours) / BARS
    counts = [0] * BARS
    for hour, hits in by_hour.items():
        number = int((now - hour) / part)
        counts[BARS - 1 - min(max(number, 0), BARS - 1)] += hits
    most = max(counts) or 1
    return [(count, BAR_HEIGHT * count / most) for count in counts]
