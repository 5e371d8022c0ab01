"""The pricing worker: takes calculations off the queue, and takes over those of workers that died."""

from __future__ import annotations

from functools import partial
from uuid import UUID

import procrastinate
from procrastinate import JobContext
from procrastinate.jobs import Job
from prometheus_client import Counter, Histogram

from system.kernel.errors import Unavailable
from system.plumbing import jobs
from system.plumbing.jobs import ATTEMPTS_MAX, Backoff
from system.plumbing.telemetry import log
from system.pricing.adapters.jobs import CALCULATE, QUEUE
from system.pricing.adapters.turns import FairJobs
from system.pricing.application.calculation import Calculation
from system.pricing.application.commands import CalculateQuote
from system.pricing.application.ports import MeasuringKilled
from system.pricing.domain.setback import DEPENDENCY_AWAY, LEASE_LOST, MEASURING_KILLED, WORKER_DIED, Setback
from system.pricing.settings import PricingSettings

CALCULATED = Counter("alexandrite_pricing_calculations_total", "Calculations of quotes, by how they ended.", ["ended"])
for _ended in ("done", "unavailable", "error"):
    # There from the start: the first failure is then seen as one more, and not as a figure that was always so.
    CALCULATED.labels(_ended)
CALCULATION_SECONDS = Histogram(
    "alexandrite_pricing_calculation_seconds",
    "Time of one calculation, from the start of its job.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
TAKEN_OVER = Counter("alexandrite_pricing_jobs_taken_over_total", "Jobs taken over from workers that stopped beating.")


def make_app(settings: PricingSettings, calculation: Calculation) -> procrastinate.App:
    """The queue's application with its one task."""
    app = jobs.make_app(
        settings,
        name="pricing-worker",
        concurrency=settings.pricing_concurrency,
        lease_s=settings.pricing_stalled_after_s,
        jobs=FairJobs,
    )

    @app.task(name=CALCULATE, queue=QUEUE, retry=Backoff(), pass_context=True)
    async def calculate_quote(context: JobContext, *, quote_id: str) -> None:
        leases = jobs.leases_of(app)
        lapses = leases.lapses
        command = CalculateQuote(
            UUID(quote_id),
            last_attempt=context.job.attempts >= ATTEMPTS_MAX,
            attempt=context.job.attempts + 1,
            is_ours=lambda: leases.lapses == lapses,
        )
        async with jobs.traced(app, context.job, "calculate quote", quote__id=quote_id):
            with CALCULATION_SECONDS.time():
                await calculate(command, calculation)
        CALCULATED.labels("done").inc()

    return app


async def calculate(command: CalculateQuote, calculation: Calculation) -> None:
    """Carries the quote to its end, or tells the timeline what holds it up and raises: the queue tries again later."""
    quote_id = str(command.quote_id)
    try:
        await calculation.run(command)
    except Unavailable as error:
        CALCULATED.labels("unavailable").inc()
        log.warning("calculation tried again later", quote_id=quote_id, error=str(error))
        await calculation.held_up(command, _setback_of(error, command))
        raise
    except Exception:
        CALCULATED.labels("error").inc()
        log.exception("calculation failed", quote_id=quote_id)
        if command.last_attempt:
            await calculation.give_up(command)
        raise


def _setback_of(error: Unavailable, command: CalculateQuote) -> Setback:
    if isinstance(error, MeasuringKilled):
        return Setback(MEASURING_KILLED)
    if not command.is_ours():
        # Whoever stands still loses its connections: that the file broke off says nothing of the storage.
        return Setback(LEASE_LOST)
    return Setback(DEPENDENCY_AWAY, {"code": error.code})


def _command_of(job: Job, *, attempt: int) -> CalculateQuote:
    return CalculateQuote(UUID(str(job.task_kwargs["quote_id"])), attempt=attempt)


async def take_over(app: procrastinate.App, calculation: Calculation, *, stalled_after_s: float) -> int:
    """Puts the jobs of workers without a heartbeat back into the queue, or ends those that keep killing their worker."""

    async def give_up(job: Job) -> None:
        await calculation.give_up(_command_of(job, attempt=job.attempts + 1))

    async def told(job: Job) -> None:
        died = Setback(WORKER_DIED, {"worker": job.worker_id})
        await calculation.held_up(_command_of(job, attempt=job.attempts + 2), died)

    taken = await jobs.take_over(app, QUEUE, stalled_after_s=stalled_after_s, give_up=give_up, told=told)
    TAKEN_OVER.inc(taken)
    return taken


async def run_worker(settings: PricingSettings, calculation: Calculation) -> None:
    """Works until cancelled: what runs then has a few seconds to end, and otherwise goes back to the queue."""
    app = make_app(settings, calculation)
    await jobs.run_worker(
        app,
        QUEUE,
        name="pricing",
        concurrency=settings.pricing_concurrency,
        stalled_after_s=settings.pricing_stalled_after_s,
        sweep=partial(take_over, app, calculation, stalled_after_s=settings.pricing_stalled_after_s),
    )
