"""Alertmanager's webhook, and alerts over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from system.observability.application.alerts import Alerts
from system.observability.application.watch import Watching
from system.observability.domain.alerts import Alert, AlertState, Told
from system.observability.domain.watch import Reaching
from system.observability.entrypoints.keys import key_required
from system.observability.entrypoints.pages import Administrator

ALERTS_MAX = 1000
NAME = r"^[A-Za-z][A-Za-z0-9]{0,99}$"

router = APIRouter()
internal = APIRouter(prefix="/internal")


def _alerts(request: Request) -> Alerts:
    return cast(Alerts, request.app.state.alerts)


def watching_of(request: Request) -> Watching:
    """The watch of this process."""
    return cast(Watching, request.app.state.watching)


TheAlerts = Annotated[Alerts, Depends(_alerts)]
TheWatch = Annotated[Watching, Depends(watching_of)]
Word = Annotated[str, Field(max_length=2000)]


class ToldAlert(BaseModel):
    """One alert of a webhook. `endsAt` counts only once it is resolved: until then it is a guess, or the year 1."""

    status: Literal["firing", "resolved"]
    labels: dict[str, Word] = Field(max_length=60)
    annotations: dict[str, Word] = Field(default_factory=dict, max_length=60)
    startsAt: AwareDatetime
    endsAt: AwareDatetime | None = None
    fingerprint: str = Field(pattern=r"^[0-9a-f]{1,32}$")

    def told(self) -> Told:
        """What it says, in our words."""
        ended_at = max(self.endsAt or self.startsAt, self.startsAt) if self.status == "resolved" else None
        return Told(
            fingerprint=self.fingerprint,
            name=self.labels.get("alertname", "")[:100],
            severity=self.labels.get("severity", "")[:20],
            labels=self.labels,
            annotations=self.annotations,
            started_at=self.startsAt,
            ended_at=ended_at,
        )


class Webhook(BaseModel):
    """What Alertmanager posts, version 4; what else it says is left unread."""

    version: Literal["4"]
    alerts: list[ToldAlert] = Field(max_length=ALERTS_MAX)


class AlertView(BaseModel):
    """One alert. `told_after_s`: how long it fired before it was told here."""

    alert_id: UUID
    name: str
    severity: str
    state: AlertState
    labels: dict[str, str]
    summary: str
    remedy: str
    runbook: str
    started_at: datetime
    ended_at: datetime | None
    told_at: datetime
    told_after_s: float
    end_told_at: datetime | None
    taken_by: str | None
    taken_at: datetime | None


class AlertList(BaseModel):
    """Alerts, the newest first; `firing` counts all that fire."""

    as_of: datetime
    firing: int
    items: list[AlertView]


class WatchView(BaseModel):
    """Whether alerts reach us: when the one that always fires was last heard, and since when it is silent, if it is."""

    as_of: datetime
    state: Reaching
    heard_at: datetime | None
    silent_since: datetime | None
    silent_after_s: float


@internal.post("/alerts", status_code=204, dependencies=[key_required("alerts_key")], include_in_schema=False)
async def hear_alerts(webhook: Webhook, request: Request, alerts: TheAlerts, watching: TheWatch) -> Response:
    """Takes what Alertmanager tells. The same again changes nothing."""
    # One delivery may say the same alert twice; the last word counts.
    told = {(one.fingerprint, one.started_at): one for one in (each.told() for each in webhook.alerts)}
    others = await watching.hear(list(told.values()), request.app.state.make_uow())
    await alerts.hear(others, request.app.state.make_uow())
    return Response(status_code=204)


@router.get("/alerts")
async def list_alerts(
    who: Administrator,
    alerts: TheAlerts,
    name: Annotated[str, Query(max_length=100)] = "",
    state: AlertState | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertList:
    """Alerts now and before."""
    found = await alerts.found(name=name, state=state, limit=limit)
    return AlertList(
        as_of=datetime.now(UTC),
        firing=await alerts.firing_count(),
        items=[view_of(alert, alerts) for alert in found],
    )


@router.get("/alerts/watch")
async def watch_over_alerts(who: Administrator, watching: TheWatch) -> WatchView:
    """Whether alerts reach us at all."""
    standing = await watching.standing()
    return WatchView(
        as_of=datetime.now(UTC),
        state=standing.state,
        heard_at=standing.heard_at,
        silent_since=standing.silent_since,
        silent_after_s=watching.silent_after.total_seconds(),
    )


@router.post("/alerts/{alert_id}/taking")
async def take_alert(alert_id: UUID, who: Administrator, request: Request, alerts: TheAlerts) -> AlertView:
    """The caller takes care of it. 409 when somebody else does, or it is over."""
    uow: Any = request.app.state.make_uow()
    return view_of(await alerts.take(alert_id, uow, who=who.subject, called=who.name or who.email), alerts)


@router.delete("/alerts/{alert_id}/taking")
async def hand_alert_back(alert_id: UUID, who: Administrator, request: Request, alerts: TheAlerts) -> AlertView:
    """The caller takes care of it no more."""
    uow: Any = request.app.state.make_uow()
    return view_of(await alerts.hand_back(alert_id, uow, who=who.subject, called=who.name or who.email), alerts)


def view_of(alert: Alert, alerts: Alerts) -> AlertView:
    """An alert as others are told of it."""
    return AlertView(
        alert_id=alert.alert_id,
        name=alert.name,
        severity=alert.severity,
        state=alerts.state_of(alert),
        labels=dict(alert.labels),
        summary=alert.annotations.get("summary", ""),
        remedy=alert.annotations.get("remedy", ""),
        runbook=alert.annotations.get("runbook", ""),
        started_at=alert.started_at,
        ended_at=alert.ended_at,
        told_at=alert.told_at,
        told_after_s=alert.told_after.total_seconds(),
        end_told_at=alert.end_told_at,
        taken_by=alert.taken_by,
        taken_at=alert.taken_at,
    )
