"""Long work, done aside: a queue in the service's own database (procrastinate, ADR 0004), and the workers that take from it.

A job is deferred in the transaction that needs it. A worker beats; after a while without a beat another one takes its jobs over, and a
job that keeps killing its worker is given up by the service whose it is. SIGTERM gives work back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import procrastinate
from procrastinate import RetryDecision
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.retry import BaseRetryStrategy
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing.database import database_url
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log

ATTEMPTS_MAX = 8
TAKEOVERS_MAX = 4
_SHUTDOWN_S = 5.0
_deferring = procrastinate.App(connector=procrastinate.PsycopgConnector())


class Backoff(BaseRetryStrategy):
    """Again after 1, 2, 4 ... seconds, at most a minute, ATTEMPTS_MAX times; at once when only this process is stopping."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again, or None for never."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        if job.attempts >= ATTEMPTS_MAX:
            return None
        return RetryDecision(retry_in={"seconds": min(2**job.attempts, 60)})


async def defer(connection: AsyncConnection, task: str, *, queue: str, **arguments: Any) -> None:
    """Asks the workers, over the transaction's own connection: the job is there if, and only if, what asked for it is."""
    raw = await connection.get_raw_connection()
    await _deferring.configure_task(
        task, queue=queue, allow_unknown=True, connection=raw.driver_connection
    ).defer_async(**arguments)


def make_app(settings: ServiceSettings, *, name: str, concurrency: int) -> procrastinate.App:
    """The queue's application, without tasks yet."""
    connector = procrastinate.PsycopgConnector(
        conninfo=make_url(database_url(settings)).set(drivername="postgresql").render_as_string(hide_password=False),
        min_size=1,
        max_size=concurrency + 3,
        kwargs={"application_name": name, "connect_timeout": 5},
    )
    return procrastinate.App(connector=connector)


async def take_over(
    app: procrastinate.App,
    queue: str,
    *,
    stalled_after_s: float,
    give_up: Callable[[Job], Awaitable[None]] | None = None,
) -> int:
    """Puts the jobs of workers without a heartbeat back into the queue, after `give_up` for those that keep killing their worker."""
    taken = 0
    for job in await app.job_manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=stalled_after_s):
        if give_up is not None and job.attempts >= TAKEOVERS_MAX:
            await give_up(job)
        try:
            await app.job_manager.retry_job(job)
        except ProcrastinateException as error:
            # Another worker was quicker.
            log.info("job not taken over", job_id=job.id, error=str(error))
            continue
        taken += 1
        log.warning("job of a stalled worker taken over", job_id=job.id, attempts=job.attempts, **job.task_kwargs)
    return taken


async def run_worker(
    app: procrastinate.App,
    queue: str,
    *,
    name: str,
    concurrency: int,
    stalled_after_s: float,
    sweep: Callable[[], Awaitable[int]],
    polled_every_s: float = 1.0,
    delete_jobs: DeleteJobCondition = DeleteJobCondition.SUCCESSFUL,
) -> None:
    """Works until cancelled: what runs then has a few seconds to end, and otherwise goes back to the queue.

    `sweep` takes over what stalled, once a beat. A new job wakes a worker at once; the queue is polled for those to be tried again.
    """
    beat_s = max(0.2, min(10.0, stalled_after_s / 3))
    async with app.open_async(), asyncio.TaskGroup() as group:
        sweeper = group.create_task(_sweep(sweep, beat_s))
        try:
            await app.run_worker_async(
                queues=[queue],
                name=name,
                concurrency=concurrency,
                fetch_job_polling_interval=polled_every_s,
                shutdown_graceful_timeout=_SHUTDOWN_S,
                delete_jobs=delete_jobs,
                install_signal_handlers=False,
                update_heartbeat_interval=beat_s,
                stalled_worker_timeout=stalled_after_s,
            )
        finally:
            sweeper.cancel()


async def _sweep(sweep: Callable[[], Awaitable[int]], every_s: float) -> None:
    while True:
        try:
            await sweep()
        except Exception as error:
            log.error("stalled jobs not looked for", error=str(error))
        await asyncio.sleep(every_s)
