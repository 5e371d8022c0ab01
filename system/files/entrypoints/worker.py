"""The worker of files: makes levels of detail, and takes over from workers that died."""

from __future__ import annotations

from functools import partial

import procrastinate
from procrastinate import JobContext
from procrastinate.jobs import Job
from prometheus_client import Counter, Histogram

from system.files.adapters.levels.repository import MAKE, QUEUE
from system.files.application.commands import MakeLevels
from system.files.application.levels import LevelMaking
from system.files.settings import FilesSettings
from system.kernel.errors import Unavailable
from system.plumbing import jobs
from system.plumbing.jobs import ATTEMPTS_MAX, Backoff
from system.plumbing.telemetry import log

MADE = Counter("alexandrite_files_levels_total", "Meshes whose levels were to be made, by how it ended.", ["ended"])
MAKING_SECONDS = Histogram(
    "alexandrite_files_levels_seconds",
    "Time to make the levels of one mesh, from the start of its job.",
    buckets=(0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300),
)
TAKEN_OVER = Counter("alexandrite_files_jobs_taken_over_total", "Jobs taken over from workers that stopped beating.")
# One at a time: two large meshes would not fit into a worker's memory.
CONCURRENCY = 1
# Nobody waits for a level as for a price: an idle system shall cost little.
POLLED_EVERY_S = 5.0


def make_app(settings: FilesSettings, making: LevelMaking) -> procrastinate.App:
    """The queue's application with its one task."""
    app = jobs.make_app(settings, name="files-worker", concurrency=CONCURRENCY)

    @app.task(name=MAKE, queue=QUEUE, retry=Backoff(), pass_context=True)
    async def make_levels(context: JobContext, *, mesh_sha256: str) -> None:
        command = MakeLevels(mesh_sha256, last_attempt=context.job.attempts >= ATTEMPTS_MAX)
        async with jobs.traced(app, context.job, "make levels", mesh__sha256=mesh_sha256):
            with MAKING_SECONDS.time():
                ended = await _make(command, making)
        MADE.labels(ended).inc()

    return app


async def _make(command: MakeLevels, making: LevelMaking) -> str:
    mesh_sha256 = command.mesh_sha256
    try:
        return await making.run(command)
    except Unavailable as error:
        MADE.labels("unavailable").inc()
        log.warning("levels tried again later", mesh_sha256=mesh_sha256, error=str(error))
        raise
    except Exception:
        MADE.labels("error").inc()
        log.exception("levels failed", mesh_sha256=mesh_sha256)
        if command.last_attempt:
            await making.give_up(command)
        raise


async def take_over(app: procrastinate.App, making: LevelMaking, *, stalled_after_s: float) -> int:
    """Puts the jobs of workers without a heartbeat back into the queue, or ends those that keep killing their worker."""

    async def give_up(job: Job) -> None:
        await making.give_up(MakeLevels(str(job.task_kwargs["mesh_sha256"])))

    taken = await jobs.take_over(app, QUEUE, stalled_after_s=stalled_after_s, give_up=give_up)
    TAKEN_OVER.inc(taken)
    return taken


async def run_worker(settings: FilesSettings, making: LevelMaking) -> None:
    """Works until cancelled: what runs then has a few seconds to end, and otherwise goes back to the queue."""
    app = make_app(settings, making)
    await jobs.run_worker(
        app,
        QUEUE,
        name="files",
        concurrency=CONCURRENCY,
        stalled_after_s=settings.levels_stalled_after_s,
        sweep=partial(take_over, app, making, stalled_after_s=settings.levels_stalled_after_s),
        polled_every_s=POLLED_EVERY_S,
    )
