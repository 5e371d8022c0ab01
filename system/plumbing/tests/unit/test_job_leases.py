"""A worker that was silent for longer than its lease knows that its jobs may be another's."""

from __future__ import annotations

from procrastinate.testing import InMemoryConnector

from system.plumbing.job_leases import LeasedJobs


class Jobs(LeasedJobs):
    """A worker whose time the test makes pass."""

    def __init__(self) -> None:
        self.now = 100.0
        connector = InMemoryConnector()
        # The library's stand-in knows the library's own statements alone.
        connector.execute_query_async = _heard  # type: ignore[method-assign]
        super().__init__(connector, lease_s=30.0, clock=lambda: self.now)


async def _heard(query: str, **arguments: object) -> None:
    assert arguments["worker_id"]


async def registered() -> tuple[Jobs, int]:
    jobs = Jobs()
    return jobs, await jobs.register_worker()


async def test_while_it_beats_nothing_is_lost() -> None:
    jobs, worker = await registered()
    for _ in range(5):
        jobs.now += 29
        await jobs.update_heartbeat(worker)
    assert jobs.lapses == 0


async def test_silence_is_noticed_before_the_next_beat_and_stays_noticed() -> None:
    jobs, worker = await registered()
    jobs.now += 31
    assert jobs.lapses == 1, "whatever runs first after a pause"
    await jobs.update_heartbeat(worker)
    assert jobs.lapses == 1
    jobs.now += 10
    await jobs.update_heartbeat(worker)
    assert jobs.lapses == 1
    jobs.now += 31
    assert jobs.lapses == 2
