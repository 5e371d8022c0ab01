"""The page of figures: one part of the system over one period, drawn, and told as tables. Charts are asked for again by themselves."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response

from system.observability.application.figures import Drawn, Figures, Reading, Told
from system.observability.domain.figure import PERIODS, SECTIONS, Period, Section, series_name
from system.observability.domain.watch import Reaching
from system.observability.entrypoints.alerts_api import TheAlerts, watching_of
from system.observability.entrypoints.measured import measure_of
from system.observability.entrypoints.pages import BASE, Administrator, Shown
from system.observability.settings import ObservabilitySettings
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages
from system.pagekit.reader import Language

TONES = 5
SHORT = PERIODS[0]
SPOKEN = {"{status}": ("status", "status"), "{stage}": ("stage", "status")}
"""Series that are called by a code which has a name: the label, and the kind of its name."""
BY_KEY = {period.key: period for period in PERIODS}

router = APIRouter(prefix=BASE)


def figures_from(request: Request) -> Figures:
    """The reader of figures of this process."""
    return cast(Figures, request.app.state.figures)


def known_period(period: Annotated[str, Query(pattern="^(15m|1h|6h|1d)$")] = "1h") -> Period:
    """The period that is asked for, an hour unless it is said."""
    return BY_KEY[period]


TheFigures = Annotated[Figures, Depends(figures_from)]
ThePeriod = Annotated[Period, Depends(known_period)]


@router.get("/")
async def figures_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    figures: TheFigures,
    alerts: TheAlerts,
    period: ThePeriod,
    part: Section = Section.ORDERS,
) -> Response:
    """The whole page."""
    shown = await _shown(request, pages, figures, period, part)
    return pages.render(
        request, "figures.html", who=who, section="figures", firing=await alerts.firing_count(), **shown
    )


@router.get("/charts")
async def figures_piece(
    request: Request,
    who: Administrator,
    pages: Shown,
    figures: TheFigures,
    alerts: TheAlerts,
    period: ThePeriod,
    part: Section = Section.ORDERS,
) -> Response:
    """What changes by itself."""
    shown = await _shown(request, pages, figures, period, part)
    return pages.render(request, "figures_now.html", who=who, firing=await alerts.firing_count(), **shown)


async def _shown(request: Request, pages: Pages, figures: Figures, period: Period, part: Section) -> dict[str, Any]:
    settings: ObservabilitySettings = request.app.state.settings
    language = language_of(request)
    reading = await figures.reading(part, period)
    return {
        "part": part,
        "parts": SECTIONS,
        "period": period,
        "periods": PERIODS,
        "reading": reading,
        "labels": _labels(pages, reading, period),
        "charts": [_chart(pages, language, drawn) for drawn in reading.figures],
        "tiles": [_tile(told) for told in await figures.now()],
        # That nothing fires says something only while alerts are heard.
        "are_alerts_heard": (await watching_of(request).standing()).state is not Reaching.SILENT,
        "every_s": max(1, round(settings.figures_refreshed_s)),
    }


def _labels(pages: Pages, reading: Reading, period: Period) -> list[str]:
    """The points of the axis, in the workshop's time; by the second where points are that near."""
    form = "%H:%M:%S" if period is SHORT else "%H:%M"
    return [moment.astimezone(pages.zone).strftime(form) for moment in reading.times]


def _chart(pages: Pages, language: Language, drawn: Drawn) -> dict[str, Any]:
    lines = drawn.lines or ()
    measure = measure_of(drawn.figure.unit, (value for line in lines for value in line.values))
    series = [
        {
            "name": _name(pages, language, line.query.name, dict(line.labels)),
            "tone": place % TONES + 1,
            "dashed": place >= TONES,
            "values": [_filled(measure.of(value), is_stacked=drawn.figure.is_stacked) for value in line.values],
        }
        for place, line in enumerate(lines)
    ]
    return {
        "figure": drawn.figure,
        "series": series,
        "left_out": drawn.left_out,
        "is_silent": drawn.lines is None,
        "measure": measure,
    }


def _filled(value: float | None, *, is_stacked: bool) -> float | None:
    """What stands on top of something needs a height everywhere."""
    return 0.0 if value is None and is_stacked else value


def _name(pages: Pages, language: Language, template: str, labels: dict[str, str]) -> str:
    if template in SPOKEN:
        label, kind = SPOKEN[template]
        return pages.named(language, kind, labels.get(label, ""))
    if "{" in template:
        return series_name(template, labels)
    return pages.translated(language, template)


def _tile(told: Told) -> dict[str, Any]:
    measure = measure_of(told.figure.unit, (told.value,))
    return {"figure": told.figure, "value": measure.of(told.value), "measure": measure}
