"""Figures over HTTP: the twin of the page."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from system.kernel.errors import Unavailable
from system.observability.application.figures import Drawn
from system.observability.domain.figure import Section, Unit, series_name
from system.observability.entrypoints.figures_pages import TheFigures, ThePeriod
from system.observability.entrypoints.pages import Administrator

router = APIRouter()


class SeriesView(BaseModel):
    """One line: a value for each of the times, null where nothing was measured."""

    name: str
    labels: dict[str, str]
    values: list[float | None]


class FigureView(BaseModel):
    """One figure. `answered` is false when it could not be asked for; `left_out` series are lower than those given."""

    key: str
    title: str
    description: str
    unit: Unit
    runbook: str
    answered: bool
    series: list[SeriesView]
    left_out: int


class FiguresView(BaseModel):
    """One part of the system over one period."""

    as_of: datetime
    part: Section
    period: str
    times: list[datetime]
    figures: list[FigureView] = Field(description="in the order of the page")


@router.get("/figures")
async def list_figures(
    who: Administrator, figures: TheFigures, period: ThePeriod, part: Section = Section.ORDERS
) -> FiguresView:
    """Figures of a part. 503 while Prometheus does not answer."""
    reading = await figures.reading(part, period)
    if reading.is_silent:
        raise Unavailable("prometheus-unavailable", "Prometheus does not answer just now; try again in a moment.")
    return FiguresView(
        as_of=reading.as_of,
        part=part,
        period=period.key,
        times=list(reading.times),
        figures=[_view(drawn) for drawn in reading.figures],
    )


def _view(drawn: Drawn) -> FigureView:
    figure = drawn.figure
    return FigureView(
        key=figure.key,
        title=figure.title,
        description=figure.description,
        unit=figure.unit,
        runbook=figure.runbook,
        answered=drawn.lines is not None,
        series=[
            SeriesView(
                name=series_name(line.query.name, dict(line.labels)), labels=dict(line.labels), values=list(line.values)
            )
            for line in drawn.lines or ()
        ],
        left_out=drawn.left_out,
    )
