"""The queue of letters, worked through inside the service's process while that holds a share of the queued work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import procrastinate
from procrastinate import JobContext, RetryDecision
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.retry import BaseRetryStrategy

from system.plumbing import jobs
from system.plumbing.mail.box import QUEUE, SEND, KeptNotices
from system.plumbing.mail.delivery import Delivery, TryAgain
from system.plumbing.mail.notice import Writer
from system.plumbing.mail.pace import Pace
from system.plumbing.mail.settings import MailSettings
from system.plumbing.mail.smtp import SmtpPost
from system.plumbing.runtime import Service
from system.plumbing.telemetry import log

OURS_FAILED_S = 60
SHARE_LOOKED_FOR_S = 0.5
POLL_S_MAX = 5.0
CONNECTION_KEPT_S = 2.0


class AsTold(BaseRetryStrategy):
    """Again when the try said so; at once when only this process stops; later when the fault is ours. The try gives up, not this."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """When to try again."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision()
        after_s = exception.after_s if isinstance(exception, TryAgain) else OURS_FAILED_S
        return RetryDecision(retry_in={"milliseconds": int(after_s * 1000)})


def make_app(settings: MailSettings, delivery: Delivery) -> procrastinate.App:
    """The queue's application with its one task. While many letters wait they are sent evenly: an order's road is more urgent."""
    pace = Pace(settings.mail_per_second_max)
    app = jobs.make_app(settings, name=f"{settings.service}-mail", concurrency=settings.mail_at_once)

    @app.task(name=SEND, queue=QUEUE, retry=AsTold(), pass_context=True)
    async def send_notice(context: JobContext, *, notice_id: str) -> None:
        await pace.turn()
        later: TryAgain | None = None
        async with jobs.traced(app, context.job, "send letter", notice__id=notice_id):
            try:
                await delivery.attempt(UUID(notice_id))
            except TryAgain as told:
                # A letter that waits has not failed; a mail server that refused it is an error of its own span.
                later = told
            except Exception:
                log.exception("letter failed", notice_id=notice_id)
                raise
        if later is not None:
            raise later

    return app


async def send_letters(service: Service, writer: Writer, settings: MailSettings) -> None:
    """Sends until cancelled, and only while this process holds buckets of the role `timer`.

    So a release that is being tried writes to nobody before it has a share of the work.
    """
    post = SmtpPost(settings, kept_s=CONNECTION_KEPT_S)
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
            await post.close()
        if isinstance(ended, Exception):
            raise ended


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(SHARE_LOOKED_FOR_S)


async def _work(settings: MailSettings, delivery: Delivery) -> None:
    app = make_app(settings, delivery)
    await jobs.run_worker(
        app,
        QUEUE,
        name=f"{settings.service}-mail",
        concurrency=settings.mail_at_once,
        stalled_after_s=settings.mail_stalled_after_s,
        # A letter that was taken up meanwhile keeps its Message-ID.
        sweep=partial(jobs.take_over, app, QUEUE, stalled_after_s=settings.mail_stalled_after_s),
        polled_every_s=min(settings.mail_retry_base_s, POLL_S_MAX),
        # What became of a letter stands in its own row.
        delete_jobs=DeleteJobCondition.ALWAYS,
    )
