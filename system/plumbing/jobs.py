"""Long work, done aside: a queue in the service's own database (procrastinate, ADR 0004), and the workers that take from it.

A job is deferred in the transaction that needs it. A worker beats; after a while without a beat another one takes its jobs over, and a
job that keeps killing its worker is given up by the service whose it is. SIGTERM gives work back.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import procrastinate
import psycopg
from procrastinate import RetryDecision
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.retry import BaseRetryStrategy
from sqlalchemy import BigInteger, Column, MetaData, String, Table, Uuid, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from system.plumbing import telemetry
from system.plumbing.database import database_url
from system.plumbing.job_leases import LeasedJobs
from system.plumbing.rows import as_rows, inserting
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log

ATTEMPTS_MAX = 8
TAKEOVERS_MAX = 4
_SHUTDOWN_S = 5.0
job_trace = Table(
    "job_trace",
    MetaData(),
    Column("job_id", BigInteger, primary_key=True),
    Column("traceparent", String(80), nullable=False),
    Column("order_id", Uuid),
)
_JOB_TRACE = """
    CREATE TABLE IF NOT EXISTS job_trace (
        job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs (id) ON DELETE CASCADE,
        traceparent varchar(80) NOT NULL,
        order_id uuid
    )
"""
_ASKED = """
    SELECT asked.traceparent, asked.order_id
    FROM (SELECT) AS one LEFT JOIN job_trace AS asked ON asked.job_id = %(job_id)s
"""
_TRACE = inserting(job_trace, "job_id", "traceparent", "order_id")
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


@dataclass(frozen=True, slots=True)
class Asked:
    """A job to be done: its arguments, and on whose behalf, as of the moment at which it was wanted."""

    arguments: Mapping[str, Any]
    traceparent: str | None
    order_id: str | None

    @classmethod
    def now(cls, **arguments: Any) -> Asked:
        """Wanted at this place of the trace."""
        return cls(arguments, telemetry.current_traceparent(), telemetry.order_of_now())


async def defer(connection: AsyncConnection, task: str, *, queue: str, **arguments: Any) -> None:
    """Asks the workers, over the transaction's own connection: the job is there if, and only if, what asked for it is."""
    await defer_all(connection, task, [Asked.now(**arguments)], queue=queue)


async def defer_all(connection: AsyncConnection, task: str, asked: Sequence[Asked], *, queue: str) -> None:
    """As `defer`, for any number of jobs of one kind: two statements for all of them."""
    if not asked:
        return
    raw = await connection.get_raw_connection()
    job_ids = await _deferring.configure_task(
        task, queue=queue, allow_unknown=True, connection=raw.driver_connection
    ).batch_defer_async(*(dict(each.arguments) for each in asked))
    # Beside the job and not among its arguments, which a worker of the release before would not know.
    traced = [
        {"job_id": job_id, "traceparent": each.traceparent, "order_id": each.order_id}
        for job_id, each in zip(job_ids, asked, strict=True)
        if each.traceparent is not None
    ]
    if traced:
        await connection.execute(_TRACE, as_rows(traced))


@asynccontextmanager
async def traced(app: procrastinate.App, job: Job, name: str, **attributes: Any) -> AsyncIterator[None]:
    """A span around a job, under whoever asked for it; about an order when they were."""
    row = await app.connector.execute_query_one_async(_ASKED, job_id=job.id)
    told = {"kind": telemetry.SpanKind.CONSUMER, "messaging__message__id": str(job.id), **attributes}
    if row["order_id"] is not None:
        with telemetry.in_order(row["order_id"], name, caused_by=row["traceparent"], **told):
            yield
    else:
        with telemetry.span(name, traceparent=row["traceparent"], **told):
            yield


def create_job_trace(connection: Any) -> None:
    """Creates the table of who asked for which job; called by a migration with `op.get_bind()`, where there is a queue."""
    connection.execute(text(_JOB_TRACE))


def make_app(
    settings: ServiceSettings,
    *,
    name: str,
    concurrency: int,
    lease_s: float = math.inf,
    jobs: Callable[..., LeasedJobs] = LeasedJobs,
) -> procrastinate.App:
    """The queue's application, without tasks yet. A worker of it that is silent for `lease_s` has lost its jobs."""
    connector = procrastinate.PsycopgConnector(
        conninfo=make_url(database_url(settings)).set(drivername="postgresql").render_as_string(hide_password=False),
        min_size=1,
        max_size=concurrency + 3,
        kwargs={"application_name": name, "connect_timeout": 5},
        configure=_each_statement_alone,
    )
    app = procrastinate.App(connector=connector)
    app.job_manager = jobs(connector, lease_s=lease_s)
    return app


def leases_of(app: procrastinate.App) -> LeasedJobs:
    """The jobs of an application that `make_app` made."""
    assert isinstance(app.job_manager, LeasedJobs)
    return app.job_manager


async def _each_statement_alone(connection: psycopg.AsyncConnection[Any]) -> None:
    """What the queue asks is one statement each time: a transaction around it would be two more."""
    await connection.set_autocommit(True)


async def take_over(
    app: procrastinate.App,
    queue: str,
    *,
    stalled_after_s: float,
    give_up: Callable[[Job], Awaitable[None]] | None = None,
    told: Callable[[Job], Awaitable[None]] | None = None,
) -> int:
    """Puts the jobs of workers without a heartbeat back into the queue, after `give_up` for those that keep killing their worker.

    `told` hears of each that was put back, as it was before.
    """
    taken = 0
    for job in await app.job_manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=stalled_after_s):
        if give_up is not None and job.attempts >= TAKEOVERS_MAX:
            await give_up(job)
        if not await leases_of(app).give_back(job):
            log.info("job not taken over: another worker was quicker", job_id=job.id)
            continue
        taken += 1
        if told is not None:
            await told(job)
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
            log.error("stalled jobs not looked for", error=telemetry.said_by(error))
        await asyncio.sleep(every_s)
