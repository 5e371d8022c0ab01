"""The only place that wires observability."""

from __future__ import annotations

from datetime import timedelta

from system.observability.adapters.alerts import AlertQueries, AlertRepository
from system.observability.adapters.prometheus import HttpMeasures
from system.observability.adapters.runbooks import Runbooks
from system.observability.application.alerts import Alerts
from system.observability.application.figures import Figures
from system.observability.entrypoints import (
    alerts_api,
    alerts_pages,
    figures_api,
    figures_pages,
    pages,
    runbooks,
)
from system.observability.settings import ObservabilitySettings
from system.plumbing.runtime import Service

ROUTERS = (alerts_api.router, alerts_api.internal, figures_api.router)
"""Its API and what is internal; one router for each module of entrypoints."""
PAGES = (pages.router, figures_pages.router, alerts_pages.router, runbooks.router)
"""Its pages; one router for each module of entrypoints."""


def service(settings: ObservabilitySettings | None = None) -> Service:
    """Observability, ready to serve."""
    settings = settings or ObservabilitySettings()
    shown = pages.pages_of(settings)
    measures = HttpMeasures(settings.prometheus_url, timeout_s=settings.prometheus_timeout_s)
    built = Service(
        settings,
        routers=[*ROUTERS],
        pages=[shown.router(), *PAGES],
        on_stop=[lambda _: measures.close()],
        description="Keeps what every process tells of its work, and shows it.",
    )
    shown.install(built.app)
    built.app.state.figures = Figures(measures, refreshed_s=settings.figures_refreshed_s)
    built.app.state.alerts = Alerts(
        AlertQueries(built.engine),
        AlertRepository,
        kept=timedelta(days=settings.alerts_kept_days),
        unheard_after=timedelta(seconds=settings.alerts_unheard_after_s),
    )
    built.app.state.runbooks = Runbooks(runbooks.ADDRESS)
    return built
