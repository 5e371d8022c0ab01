"""The only place that wires observability."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter

from system.observability.adapters.alerts import AlertQueries, AlertRepository
from system.observability.adapters.days import SqlDays
from system.observability.adapters.failure_queries import FailureQueries
from system.observability.adapters.peers import HttpOrders
from system.observability.adapters.prometheus import HttpMeasures
from system.observability.adapters.queries import TraceQueries
from system.observability.adapters.runbooks import Runbooks
from system.observability.adapters.store import SqlStore
from system.observability.adapters.unit_of_work import ObservabilityUnitOfWork
from system.observability.adapters.watch import GAUGE as WATCHDOG_AGE
from system.observability.adapters.watch import WatchQueries
from system.observability.application.alerts import Alerts
from system.observability.application.figures import Figures
from system.observability.application.receiving import Intake, Room
from system.observability.application.tidying import Bounds
from system.observability.application.watch import Watching
from system.observability.domain.watch import Listening
from system.observability.entrypoints import (
    alerts_api,
    alerts_pages,
    failures_api,
    failures_pages,
    figures_api,
    figures_pages,
    notices,
    otlp_api,
    pages,
    runbooks,
    stages_api,
    stages_pages,
    traces_api,
    traces_pages,
)
from system.observability.entrypoints.timers import tidying_timer, watch_timer
from system.observability.settings import ObservabilitySettings
from system.plumbing.mail.delivery import MAIL_GAUGES
from system.plumbing.mail.worker import send_letters
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service

ROUTERS: tuple[APIRouter, ...] = (
    traces_api.router,
    failures_api.router,
    stages_api.router,
    alerts_api.router,
    alerts_api.internal,
    figures_api.router,
)
"""Its API and what is internal; one router for each module of entrypoints."""
PAGES: tuple[APIRouter, ...] = (
    figures_pages.router,
    traces_pages.router,
    failures_pages.router,
    stages_pages.router,
    alerts_pages.router,
    runbooks.router,
)
"""Its pages; one router for each module of entrypoints."""

GAUGES = (
    *MAIL_GAUGES,
    WATCHDOG_AGE,
    GaugeQuery(
        "alexandrite_telemetry_stored_bytes",
        "Room that spans and log lines take, by what they are.",
        ("signal",),
        "SELECT p.relname AS signal, sum(pg_total_relation_size(c.oid)) AS value FROM pg_inherits i"
        " JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent"
        " WHERE i.inhparent IN ('span'::regclass, 'log_line'::regclass) GROUP BY p.relname",
    ),
    GaugeQuery(
        "alexandrite_failures",
        "Ways of failing that were met in the last 24 hours, by what people have said of them.",
        ("state",),
        "SELECT state, count(*) AS value FROM failure"
        " WHERE last_at > clock_timestamp() - interval '24 hours' GROUP BY state",
    ),
)


def service(settings: ObservabilitySettings | None = None) -> Service:
    """Observability, ready to serve."""
    settings = settings or ObservabilitySettings()
    shown = pages.pages_of(settings)
    room = Room()
    bounds = Bounds(settings.telemetry_kept_days, settings.failures_kept_days, settings.telemetry_bytes_max)
    measures = HttpMeasures(settings.prometheus_url, timeout_s=settings.prometheus_timeout_s)
    letters = notices.letters_of(shown, public_url=settings.public_url)

    async def write_to_whoever_is_on_call(process: Service) -> None:
        await send_letters(process, letters, settings)

    built = Service(
        settings,
        routers=ROUTERS,
        # OTLP names its own addresses, outside of every API's.
        pages=[shown.router(), *PAGES, otlp_api.router],
        unit_of_work=ObservabilityUnitOfWork,
        timers=[
            tidying_timer(lambda: days, room, bounds, every_s=settings.telemetry_tidied_every_s),
            watch_timer(lambda: watching, every_s=settings.watchdog_looked_every_s),
        ],
        gauges=GAUGES,
        on_stop=[lambda _: measures.close()],
        background=[write_to_whoever_is_on_call] if "timer" in settings.role_names else [],
        description="Keeps what every process tells of its work, and shows it.",
    )
    shown.install(built.app)
    days = SqlDays(built.engine)
    watching = _watching(built, settings)
    built.app.state.body_bytes_max = otlp_api.body_limits(settings)
    built.app.state.intake = Intake(
        SqlStore(built.engine),
        room,
        writers=settings.telemetry_writers,
        waiting_max=settings.telemetry_waiting_max,
        kept_days=settings.telemetry_kept_days,
    )
    built.app.state.traces = TraceQueries(built.engine, spans_max=settings.trace_spans_max)
    built.app.state.failures = FailureQueries(built.engine)
    built.app.state.orders = HttpOrders(built.client, timeout_s=settings.peers_timeout_s)
    built.app.state.figures = Figures(measures, refreshed_s=settings.figures_refreshed_s)
    built.app.state.alerts = Alerts(
        AlertQueries(built.engine),
        AlertRepository,
        kept=timedelta(days=settings.alerts_kept_days),
        unheard_after=timedelta(seconds=settings.alerts_unheard_after_s),
    )
    built.app.state.watching = watching
    built.app.state.runbooks = Runbooks(runbooks.ADDRESS)
    return built


def _watching(built: Service, settings: ObservabilitySettings) -> Watching:
    # A few looks that came late are no pause; a process that was stopped missed more.
    pause_max = timedelta(seconds=settings.watchdog_looked_every_s * 3)
    return Watching(
        WatchQueries(built.engine),
        Listening(now=datetime.now(UTC), pause_max=pause_max),
        silent_after=timedelta(seconds=settings.watchdog_silent_s),
        to=settings.on_call_address,
        clock=lambda: datetime.now(UTC),
    )
