"""A worker's hold on its jobs: it lasts while the worker beats, and whoever lost it changes nothing of the job any more.

A worker that was paused does not know it when it goes on. Its beats tell it: two that are further apart than the lease mean that
its jobs may be another's by now (`lapses`), and what it says of a job counts only while the job is its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, LiteralString

from procrastinate.connector import BaseConnector
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from system.plumbing.telemetry import log

# One statement each, so that a worker paused in the middle of it holds no lock.
_MINE: LiteralString = """
    WITH mine AS (SELECT id FROM procrastinate_jobs WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s
                  AND worker_id IS NOT DISTINCT FROM %(worker_id)s::bigint FOR UPDATE)
"""
_FINISH: LiteralString = f"""{_MINE}
    SELECT mine.id, procrastinate_finish_job_v1(mine.id, %(status)s, %(delete_job)s) FROM mine
"""  # noqa: S608 - of our own words
_RETRY: LiteralString = f"""{_MINE}
    SELECT mine.id, procrastinate_retry_job_v2(mine.id, %(retry_at)s, %(priority)s, %(queue)s, %(lock)s) FROM mine
"""  # noqa: S608 - of our own words
_BEAT: LiteralString = """
    INSERT INTO procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE VALUES (%(worker_id)s, now())
    ON CONFLICT (id) DO UPDATE SET last_heartbeat = excluded.last_heartbeat
"""


class LeasedJobs(JobManager):
    """The library's jobs, of which each worker ends only its own."""

    def __init__(
        self, connector: BaseConnector, *, lease_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(connector)
        self._lease_s, self._clock = lease_s, clock
        self._beaten_at: float | None = None
        self._lapses = 0

    @property
    def lapses(self) -> int:
        """How often this worker was silent for longer than its lease; a job that was begun before the last time may be another's."""
        return self._lapses + self._is_silent()

    def _is_silent(self) -> bool:
        return self._beaten_at is not None and self._clock() - self._beaten_at > self._lease_s

    async def register_worker(self) -> int:
        """A new worker; its lease begins."""
        worker_id = await super().register_worker()
        self._beaten_at = self._clock()
        return worker_id

    async def update_heartbeat(self, worker_id: int) -> None:
        """A beat. Others may have struck the worker off while it was paused: it is alive again, without the jobs it had."""
        self._lapses += self._is_silent()
        self._beaten_at = self._clock()
        await self.connector.execute_query_async(query=_BEAT, worker_id=worker_id)

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """Ends a job, unless it is another worker's by now."""
        if not await self._is_done(_FINISH, job, status=status.value, delete_job=delete_job):
            log.warning("job is another worker's by now", job_id=job.id, attempts=job.attempts)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Puts a job back, unless it is another worker's by now."""
        if not await self.give_back(job, retry_at=retry_at, priority=priority, queue=queue, lock=lock):
            log.warning("job is another worker's by now", job_id=job.id, attempts=job.attempts)

    async def give_back(
        self,
        job: Job,
        *,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> bool:
        """Puts a job back if it still runs for the worker, and at the attempt, that `job` tells of; says whether it does."""
        wanted = {"retry_at": retry_at or datetime.now(UTC), "priority": priority, "queue": queue, "lock": lock}
        return await self._is_done(_RETRY, job, **wanted)

    async def _is_done(self, statement: LiteralString, job: Job, **more: Any) -> bool:
        which = {"job_id": job.id, "attempts": job.attempts, "worker_id": job.worker_id}
        return bool(await self.connector.execute_query_all_async(query=statement, **which, **more))
