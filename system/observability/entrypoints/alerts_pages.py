"""Alerts now and before: what fires, the oldest first, what it says and what to do; who takes care of it; what there was lately."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.observability.application.alerts import Alerts
from system.observability.domain.alerts import AlertUnknown, runbook_of
from system.observability.entrypoints.alerts_api import NAME, TheAlerts, watching_of
from system.observability.entrypoints.notices import WATCHDOG_RUNBOOK
from system.observability.entrypoints.pages import BASE, Administrator, Shown, lasting_of
from system.observability.entrypoints.runbooks import TheRunbooks
from system.observability.settings import ObservabilitySettings
from system.pagekit.pages import Pages, Said

PAGE_ROWS = 50
ADDRESS = f"{BASE}/alerts"

router = APIRouter(prefix=BASE)


@router.get("/alerts")
async def alerts_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    alerts: TheAlerts,
    runbooks: TheRunbooks,
    name: Annotated[str, Query(pattern=NAME)] | None = None,
    before: datetime | None = None,
    before_id: UUID | None = None,
) -> Response:
    """What fires, and what there was; with `name`, of one alert only."""
    place = (before, before_id) if before is not None and before.tzinfo is not None and before_id is not None else None
    past = await alerts.past(name=name or "", before=place, limit=PAGE_ROWS + 1)
    return pages.render(
        request,
        "alerts.html",
        who=who,
        section="alerts",
        past=past[:PAGE_ROWS],
        name=name,
        more=_more(past, name) if len(past) > PAGE_ROWS else None,
        **await _now(request, alerts, runbooks),
    )


@router.get("/alerts/now")
async def alerts_piece(
    request: Request, who: Administrator, pages: Shown, alerts: TheAlerts, runbooks: TheRunbooks
) -> Response:
    """What fires now."""
    return pages.render(request, "alerts_now.html", who=who, **await _now(request, alerts, runbooks))


@router.post("/alerts/{alert_id}/taking")
async def take_form(
    alert_id: UUID, request: Request, who: Administrator, pages: Shown, alerts: TheAlerts, runbooks: TheRunbooks
) -> Response:
    """Whoever presses takes care of it."""

    async def deed() -> None:
        await alerts.take(alert_id, request.app.state.make_uow(), who=who.subject, called=who.name or who.email)

    return await _after(deed, request, who, pages, alerts, runbooks)


@router.post("/alerts/{alert_id}/handing-back")
async def hand_back_form(
    alert_id: UUID, request: Request, who: Administrator, pages: Shown, alerts: TheAlerts, runbooks: TheRunbooks
) -> Response:
    """Whoever presses takes care of it no more."""

    async def deed() -> None:
        await alerts.hand_back(alert_id, request.app.state.make_uow(), who=who.subject, called=who.name or who.email)

    return await _after(deed, request, who, pages, alerts, runbooks)


async def _after(deed: Any, request: Request, who: Any, pages: Pages, alerts: Alerts, runbooks: Any) -> Response:
    """Back to the page when it was done; else the page with what was refused."""
    said, status = await pages.attempt(request, deed, missing=AlertUnknown)
    if said is None:
        return RedirectResponse(ADDRESS, status_code=303)
    shown = await _now(request, alerts, runbooks, said=said)
    past = await alerts.past(limit=PAGE_ROWS)
    return pages.render(
        request, "alerts.html", who=who, status=status, section="alerts", past=past, name=None, more=None, **shown
    )


async def _now(request: Request, alerts: Alerts, runbooks: Any, *, said: Said | None = None) -> dict[str, Any]:
    settings: ObservabilitySettings = request.app.state.settings
    watching = watching_of(request)
    return {
        "open": await alerts.open(),
        "watch": await watching.standing(),
        "silent_after": watching.silent_after,
        "lasts": lasting_of(request),
        "watchdog_runbook": WATCHDOG_RUNBOOK if runbooks.has("watchdog") else None,
        "state_of": alerts.state_of,
        "runbook_of": lambda alert: runbook_of(alert.name) if runbooks.has(runbook_of(alert.name)) else None,
        "said": said,
        "every_s": max(1, round(settings.figures_refreshed_s)),
    }


def _more(past: list[Any], name: str | None) -> str:
    last = past[PAGE_ROWS - 1]
    asked = {"before": last.started_at.isoformat(), "before_id": str(last.alert_id)} | ({"name": name} if name else {})
    return f"{ADDRESS}?{urlencode(asked)}"
