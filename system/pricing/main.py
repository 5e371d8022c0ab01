"""Wires pricing: the only place that knows everything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from functools import partial

from system.messages.orchestrator_v1 import PriceOrder
from system.pagekit.following import Streams
from system.plumbing import telemetry
from system.plumbing.database import create_engine
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service
from system.plumbing.service_client import ServiceClient
from system.pricing.adapters.calculations import Calculations
from system.pricing.adapters.files_client import FilesClient
from system.pricing.adapters.forecast import WORK_WAITING, work_waiting_s
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.adapters.own_quotes import OwnQuotes
from system.pricing.adapters.people import PeopleQueries
from system.pricing.adapters.queries import PricingQueries
from system.pricing.adapters.unit_of_work import PricingUnitOfWork
from system.pricing.application.calculation import Calculation
from system.pricing.application.drawing import Progress, draw_missing
from system.pricing.application.reactions import PriceOrders
from system.pricing.domain.crew import Bounds
from system.pricing.entrypoints import api, books_api, live_quotes, people, personal_data, prices
from system.pricing.entrypoints.crew import Crew, beside
from system.pricing.entrypoints.worker import run_worker
from system.pricing.settings import PricingSettings

_ETA = """
SELECT (SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing'))
     * (SELECT coalesce(avg(extract(epoch FROM finished_at - started_at)), 0)
        FROM (SELECT finished_at, started_at FROM calculation WHERE finished_at IS NOT NULL
              ORDER BY finished_at DESC LIMIT 50) AS last)
     / greatest(1, (SELECT count(*) FROM procrastinate_workers
                    WHERE last_heartbeat > clock_timestamp() - interval '1 minute')) AS value
"""

_GONE_AFTER_S = 1.0

GAUGES = (
    GaugeQuery(
        "alexandrite_pricing_quotes_unfinished",
        "Quotes that are being calculated, by status.",
        ("status",),
        "SELECT status, count(*) AS value FROM quote WHERE status IN ('QUEUED','ANALYSING','ESTIMATED') GROUP BY status",
    ),
    GaugeQuery(
        "alexandrite_pricing_oldest_unfinished_seconds",
        "Age of the oldest quote that is being calculated.",
        (),
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0) AS value"
        " FROM quote WHERE status IN ('QUEUED','ANALYSING','ESTIMATED')",
    ),
    GaugeQuery(
        "alexandrite_pricing_jobs",
        "Calculations in the queue, by state.",
        ("state",),
        "SELECT status::text AS state, count(*) AS value FROM procrastinate_jobs GROUP BY status",
    ),
    GaugeQuery(
        "alexandrite_pricing_queue_eta_seconds",
        "How long a calculation asked for now would wait, by what the last ones took and how many workers are alive.",
        (),
        _ETA,
    ),
    GaugeQuery(
        "alexandrite_pricing_work_waiting_seconds",
        "Seconds that one worker would need for what waits; workers are started and ended by it.",
        (),
        WORK_WAITING,
    ),
    GaugeQuery(
        "alexandrite_pricing_orders_waiting",
        "Orders whose firm price waits for a calculation.",
        (),
        "SELECT count(*) AS value FROM price_request WHERE state = 'WAITING'",
    ),
)


async def _close_files(pricing: Service) -> None:
    await pricing.app.state.files.close()


def service(settings: PricingSettings | None = None) -> Service:
    """Pricing's API and its conversation with the orchestrator; calculations are the workers'."""
    settings = settings or PricingSettings()
    shown = prices.pages_of(settings)
    pricing = Service(
        settings,
        routers=[api.router, live_quotes.router, books_api.router, api.internal, personal_data.internal, people.router],
        pages=[shown.router(), prices.router],
        unit_of_work=PricingUnitOfWork,
        reactions={PriceOrder: PriceOrders(valid_for=settings.quote_valid_for)},
        gauges=GAUGES,
        on_stop=[_close_files],
        description="Quotes for custom and ready-made pieces, and the price book behind them.",
    )
    shown.install(pricing.app)
    queries = PricingQueries(pricing.engine)
    pricing.app.state.queries = queries
    pricing.app.state.own_quotes = OwnQuotes(pricing.engine)
    pricing.app.state.watch = live_quotes.watch_of(queries)
    pricing.app.state.streams = Streams()
    pricing.app.state.people = PeopleQueries(pricing.engine)
    pricing.app.state.calculations = Calculations(
        pricing.engine, concurrency=settings.pricing_concurrency, stalled_after_s=settings.pricing_stalled_after_s
    )
    pricing.app.state.files = files_of(pricing, settings)
    return pricing


def worker(settings: PricingSettings | None = None) -> Service:
    """The first pricing worker, which starts others beside itself while work waits: no API of its own but health and metrics."""
    settings = (settings or PricingSettings()).model_copy(update={"roles": ""})

    # Named, since each is a part of the process that is told of by its name.
    async def work(process: Service) -> None:
        await _work(settings, process)

    async def supervise(process: Service) -> None:
        await _supervise(settings, process)

    background = [work, supervise] if settings.pricing_workers_max > 1 else [work]
    return Service(settings, routers=[], unit_of_work=PricingUnitOfWork, background=background)


def work_beside(descriptor: int, settings: PricingSettings | None = None) -> None:
    """A worker beside the first one, for as long as that holds the other end of this socket."""
    settings = (settings or PricingSettings()).model_copy(update={"roles": "", "pricing_workers_max": 1})
    process = worker(settings)
    process.configure_telemetry()

    async def work() -> None:
        try:
            await beside(descriptor, partial(_work, settings, process))
        finally:
            await process.close()
            await asyncio.to_thread(telemetry.stop)
            # A pool of connections that was cancelled while it connected leaves a task that never ends, and the loop waits for it.
            asyncio.get_running_loop().call_later(_GONE_AFTER_S, os._exit, 0)

    asyncio.run(work())


def calculation_of(
    process: Service, files: FilesClient, settings: PricingSettings, measurer: MeshSupervisor | None = None
) -> Calculation:
    """The calculation as a worker runs it."""
    measurer = measurer or _measurer(settings)
    return Calculation(process.make_uow, files, measurer, valid_for=settings.quote_valid_for)


def _measurer(settings: PricingSettings, *, waits: bool = False) -> MeshSupervisor:
    return MeshSupervisor(
        timeout_s=settings.pricing_analysis_timeout_s,
        memory_bytes=settings.pricing_analysis_memory_bytes,
        draws=True,
        allowance_of=settings.allowance_of,
        tells=True,
        waits=waits,
    )


async def draw_previews(settings: PricingSettings, *, batch: int, say: Callable[[Progress], None]) -> None:
    """Draws the models that have no picture. Raises Unavailable when files is away."""
    engine, client = create_engine(settings), ServiceClient(settings)
    files = files_client(client, settings)
    try:
        async for progress in draw_missing(PricingQueries(engine), files, _measurer(settings), batch=batch):
            say(progress)
    finally:
        await files.close()
        await client.close()
        await engine.dispose()


def files_of(process: Service, settings: PricingSettings) -> FilesClient:
    """The files service and storage, as this process reaches them."""
    return files_client(process.client, settings)


def files_client(client: ServiceClient, settings: PricingSettings) -> FilesClient:
    """The files service and storage, over a client."""
    return FilesClient(
        client,
        timeout_s=settings.pricing_download_timeout_s,
        bytes_max=settings.pricing_file_bytes_max,
        large_bytes=settings.pricing_large_model_bytes,
    )


async def _supervise(settings: PricingSettings, process: Service) -> None:
    bounds = Bounds(
        least=settings.pricing_workers_min,
        most=settings.pricing_workers_max,
        target_s=settings.pricing_waiting_target_s,
        resting_s=settings.pricing_resting_s,
    )
    await Crew(partial(work_waiting_s, process.engine), bounds).run()


async def _work(settings: PricingSettings, process: Service) -> None:
    files, measurer = files_of(process, settings), _measurer(settings, waits=True)
    try:
        await measurer.ready()
        await run_worker(settings, calculation_of(process, files, settings, measurer))
    finally:
        await measurer.close()
        await files.close()
