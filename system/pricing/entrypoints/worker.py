"""The pricing worker: takes calculations off the queue, and takes over those of workers that died."""

from __future__ import annotations

import asyncio
from uuid import UUID

import procrastinate
from procrastinate import JobContext, RetryDecision
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.retry import BaseRetryStrategy
from prometheus_client import Counter, Histogram
from sqlalchemy.engine import make_url

from system.kernel.errors import Unavailable
from system.plumbing.database import database_url
from system.plumbing.telemetry import log, span
from system.pricing.adapters.jobs import CALCULATE, QUEUE
from system.pricing.application.calculation import Calculation
from system.pricing.application.commands import CalculateQuote
from system.pricing.settings import PricingSettings

CALCULATED = Counter("alexandrite_pricing_calculations_total", "Calculations of quotes, by how they ended.", ["ended"])
CALCULATION_SECONDS = Histogram(
    "alexandrite_pricing_calculation_seconds",
    "Time of one calculation, from the start of its job.",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
TAKEN_OVER = Counter("alexandrite_pricing_jobs_taken_over_total", "Jobs taken over from workers that stopped beating.")

ATTEMPTS_MAX = 8
TAKEOVERS_MAX = 4
_SHUTDOWN_S = 5.0


class Backoff(BaseRetryStrategy):
    """Again after 1, 2, 4 ... seconds, at most a minute, ATTEMPTS_MAX times; at once when only this process is stopping."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again, or None for never."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        if job.attempts >= ATTEMPTS_MAX:
            return None
        return RetryDecision(retry_in={"seconds": min(2**job.attempts, 60)})


def make_app(settings: PricingSettings, calculation: Calculation) -> procrastinate.App:
    """The queue's application with its one task."""
    url = database_url(settings)
    connector = procrastinate.PsycopgConnector(
        conninfo=make_url(url).set(drivername="postgresql").render_as_string(hide_password=False),
        min_size=1,
        max_size=settings.pricing_concurrency + 3,
        kwargs={"application_name": "pricing-worker", "connect_timeout": 5},
    )
    app = procrastinate.App(connector=connector)

    @app.task(name=CALCULATE, queue=QUEUE, retry=Backoff(), pass_context=True)
    async def calculate_quote(context: JobContext, *, quote_id: str) -> None:
        command = CalculateQuote(UUID(quote_id), last_attempt=context.job.attempts >= ATTEMPTS_MAX)
        with span("calculate quote", quote__id=quote_id), CALCULATION_SECONDS.time():
            try:
                await calculation.run(command)
            except Unavailable as error:
                CALCULATED.labels("unavailable").inc()
                log.warning("calculation tried again later", quote_id=quote_id, error=str(error))
                raise
            except Exception:
                CALCULATED.labels("error").inc()
                log.exception("calculation failed", quote_id=quote_id)
                if command.last_attempt:
                    await calculation.give_up(command)
                raise
        CALCULATED.labels("done").inc()

    return app


async def take_over(app: procrastinate.App, calculation: Calculation, *, stalled_after_s: float) -> int:
    """Puts the jobs of workers without a heartbeat back into the queue, or ends those that keep killing their worker."""
    taken = 0
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=stalled_after_s):
        quote_id = str(job.task_kwargs["quote_id"])
        if job.attempts >= TAKEOVERS_MAX:
            await calculation.give_up(CalculateQuote(UUID(quote_id)))
        try:
            await app.job_manager.retry_job(job)
        except ProcrastinateException as error:
            # Another worker was quicker.
            log.info("job not taken over", job_id=job.id, error=str(error))
            continue
        TAKEN_OVER.inc()
        taken += 1
        log.warning("job of a stalled worker taken over", job_id=job.id, quote_id=quote_id, attempts=job.attempts)
    return taken


async def run_worker(settings: PricingSettings, calculation: Calculation) -> None:
    """Works until cancelled: what runs then has a few seconds to end, and otherwise goes back to the queue."""
    app = make_app(settings, calculation)
    beat_s = max(0.2, min(10.0, settings.pricing_stalled_after_s / 3))
    async with app.open_async(), asyncio.TaskGroup() as group:
        sweeper = group.create_task(_sweep(app, calculation, settings.pricing_stalled_after_s, beat_s))
        try:
            await app.run_worker_async(
                queues=[QUEUE],
                name="pricing",
                concurrency=settings.pricing_concurrency,
                fetch_job_polling_interval=1.0,
                shutdown_graceful_timeout=_SHUTDOWN_S,
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
                update_heartbeat_interval=beat_s,
                stalled_worker_timeout=settings.pricing_stalled_after_s,
            )
        finally:
            sweeper.cancel()


async def _sweep(app: procrastinate.App, calculation: Calculation, stalled_after_s: float, every_s: float) -> None:
    while True:
        try:
            await take_over(app, calculation, stalled_after_s=stalled_after_s)
        except Exception as error:
            log.error("stalled jobs not looked for", error=str(error))
        await asyncio.sleep(every_s)
