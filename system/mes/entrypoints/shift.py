"""The shift lead's page: what will be late and why, what flows, what stands, who holds what, what is being priced.

It stands whole without a script. With one its two pieces are asked for again every few seconds: what people read changes all the time,
the charts are sent only when they show something else.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from system.mes.application.shift import RISKS
from system.mes.domain.flow import AGE_LIMITS_S
from system.mes.entrypoints.api import Assigner
from system.mes.entrypoints.pages import BASE, Shown
from system.mes.entrypoints.shift_api import Figures, RiskName
from system.mes.settings import MesSettings
from system.pagekit.words import N_

# Of all, what needs somebody first; who asks for one risk is shown more of it.
RISKY_SHOWN = 15
RISKY_SHOWN_OF_ONE = 200
VERSION_CHARACTERS = 16
AGES = (N_("under 4 hours"), N_("4 hours to a day"), N_("1 to 3 days"), N_("3 to 7 days"), N_("over a week"))
assert len(AGES) == len(AGE_LIMITS_S) + 1, "every bucket has a name"

router = APIRouter(prefix=f"{BASE}/shift")


class Lead:
    """One request of somebody who leads the shift, with all that answers it."""

    def __init__(
        self,
        request: Request,
        who: Assigner,
        figures: Figures,
        pages: Shown,
        risk: Annotated[RiskName | None, Query()] = None,
    ) -> None:
        self._request, self._who, self._figures, self._pages, self._risk = request, who, figures, pages, risk
        settings: MesSettings = request.app.state.settings
        self._every_s = max(1, round(settings.shift_refreshed_s))

    async def now(self) -> dict[str, Any]:
        """What is told in words and changes by the second."""
        return {
            "figures": await self._figures.figures(),
            "late": await self._figures.late_risk(
                risk=self._risk, limit=RISKY_SHOWN_OF_ONE if self._risk else RISKY_SHOWN
            ),
            "queue": with_moments(await self._figures.calculations(), now=datetime.now(UTC)),
            "risk": self._risk,
            "risks": [str(each) for each in RISKS],
            "every_s": self._every_s,
        }

    async def charts(self) -> dict[str, Any]:
        """What is drawn."""
        figures = await self._figures.figures()
        return {
            "figures": figures,
            "days": [date.fromisoformat(each["day"]) for each in figures["days"]],
            "age_names": AGES,
            "version": version_of(figures),
            "every_s": self._every_s,
        }

    def shows(self, template: str, shown: dict[str, Any]) -> Response:
        """The page, or a piece of it."""
        return self._pages.render(self._request, template, who=self._who, **shown)


AtShift = Annotated[Lead, Depends()]


@router.get("")
async def shift_page(lead: AtShift) -> Response:
    """The whole page; with `risk`, the work orders of one risk only."""
    return lead.shows("shift.html", await lead.now() | await lead.charts())


@router.get("/now")
async def now_piece(lead: AtShift) -> Response:
    """What is told in words, as it is now."""
    return lead.shows("shift_now.html", await lead.now())


@router.get("/charts")
async def charts_piece(lead: AtShift, version: Annotated[str, Query(max_length=VERSION_CHARACTERS)] = "") -> Response:
    """The charts as they are now; nothing when they are what the page shows already."""
    shown = await lead.charts()
    if shown["version"] == version:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    return lead.shows("shift_charts.html", shown)


def version_of(figures: dict[str, Any]) -> str:
    """A short word that changes when what is drawn does."""
    drawn = [figures[name] for name in ("days", "hours", "in_progress", "operators_today", "ages")]
    return hashlib.sha256(orjson.dumps(drawn)).hexdigest()[:VERSION_CHARACTERS]


def with_moments(queue: dict[str, Any] | None, *, now: datetime) -> dict[str, Any] | None:
    """Each calculation with the moment `done_at` at which it should be done, where that is known."""
    if queue is None:
        return None
    items = [
        item | {"done_at": now + timedelta(seconds=item["eta_s"]) if item["eta_s"] is not None else None}
        for item in queue["items"]
    ]
    return queue | {"items": items}
