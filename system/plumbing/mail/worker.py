"""The queue of letters, worked through inside the service's process while that holds a share of the queued work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import procrastinate
from procrastinate import RetryDecision
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.retry import BaseRetryStrategy
from sqlalchemy.engine import make_url

from system.plumbing.database import database_url
from system.plumbing.mail.box import QUEUE, SEND, KeptNotices
from system.plumbing.mail.delivery import Delivery, TryAgain
from system.plumbing.mail.notice import Writer
from system.plumbing.mail.settings import MailSettings
from system.plumbing.mail.smtp import SmtpPost
from system.plumbing.runtime import Service
from system.plumbing.telemetry import log

OURS_FAILED_S = 60
SHUTDOWN_S = 4.0
SHARE_LOOKED_FOR_S = 0.5
POLL_S_MAX = 5.0


class AsTold(BaseRetryStrategy):
    """Again when the try said so; at once when only this process stops; later when the fault is ours. The try gives up, not this."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        after_s = exception.after_s if isinstance(exception, TryAgain) else OURS_FAILED_S
        return RetryDecision(retry_in={"milliseconds": int(after_s * 1000)})


def make_app(settings: MailSettings, delivery: Delivery) -> procrastinate.App:
    """The queue's application with its one task."""
    url = make_url(database_url(settings)).set(drivername="postgresql")
    connector = procrastinate.PsycopgConnector(
        conninfo=url.render_as_string(hide_password=False),
        min_size=1,
        max_size=settings.mail_at_once + 3,
        kwargs={"application_name": f"{settings.service}-mail", "connect_timeout": 5},
    )
    app = procrastinate.App(connector=connector)

    @app.task(name=SEND, queue=QUEUE, retry=AsTold())
    async def send_notice(*, notice_id: str) -> None:
        try:
            await delivery.attempt(UUID(notice_id))
        except TryAgain:
            raise
        except Exception:
            log.exception("letter failed", notice_id=notice_id)
            raise

    return app


async def send_letters(service: Service, writer: Writer, settings: MailSettings) -> None:
    """Sends until cancelled, and only while this process holds buckets of the role `timer`.

    So a release that is being tried writes to nobody before it has a share of the work.
    """
    post = SmtpPost(settings)
    delivery = Delivery(KeptNotices(service.engine), post, writer, settings, now=lambda: datetime.now(UTC))
    while True:
        await _until(lambda: service.holds("timer"))
        working = asyncio.create_task(_work(settings, delivery), name="letters")
        watching = asyncio.create_task(_until(lambda: not service.holds("timer")), name="share of letters")
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            working.cancel()
            watching.cancel()
            ended, _ = await asyncio.gather(working, watching, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(SHARE_LOOKED_FOR_S)


async def _work(settings: MailSettings, delivery: Delivery) -> None:
    app = make_app(settings, delivery)
    beat_s = max(0.2, min(10.0, settings.mail_stalled_after_s / 3))
    async with app.open_async(), asyncio.TaskGroup() as group:
        sweeper = group.create_task(_sweep(app, settings.mail_stalled_after_s, beat_s))
        try:
            await app.run_worker_async(
                queues=[QUEUE],
                name=f"{settings.service}-mail",
                concurrency=settings.mail_at_once,
                fetch_job_polling_interval=min(settings.mail_retry_base_s, POLL_S_MAX),
                shutdown_graceful_timeout=SHUTDOWN_S,
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=beat_s,
                stalled_worker_timeout=settings.mail_stalled_after_s,
            )
        finally:
            sweeper.cancel()


async def _sweep(app: procrastinate.App, stalled_after_s: float, every_s: float) -> None:
    while True:
        try:
            await take_over(app, stalled_after_s=stalled_after_s)
        except Exception as error:
            log.error("stalled letters not looked for", error=str(error))
        await asyncio.sleep(every_s)


async def take_over(app: procrastinate.App, *, stalled_after_s: float) -> int:
    """Puts the letters of processes without a heartbeat back into the queue. One that was taken meanwhile keeps its Message-ID."""
    taken = 0
    for job in await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=stalled_after_s):
        try:
            await app.job_manager.retry_job(job)
        except ProcrastinateException as error:
            # Another process was quicker.
            log.info("letter not taken over", job_id=job.id, error=str(error))
            continue
        taken += 1
        log.warning("letter of a stalled process taken over", job_id=job.id)
    return taken
