"""Workers take what is fair, not what is oldest; and a worker that was away for too long changes nothing any more."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import procrastinate
import pytest
from procrastinate.jobs import Job, Status

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing.jobs import leases_of
from system.pricing.adapters.forecast import work_waiting_s
from system.pricing.adapters.jobs import QUEUE
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.application.calculation import Calculation
from system.pricing.application.commands import CalculateQuote
from system.pricing.application.ports import MeasuringKilled
from system.pricing.domain.order_pricing import PriceRequest, RequestedLine
from system.pricing.entrypoints.crew import COMMAND
from system.pricing.entrypoints.worker import calculate, make_app, take_over
from system.pricing.main import calculation_of
from system.pricing.settings import PricingSettings
from system.pricing.tests.integration.conftest import Pricing, eventually, running_worker
from system.pricing.tests.integration.test_worker import environment_of, worker_process

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


@pytest.fixture
def calculation(pricing: Pricing, settings: PricingSettings) -> Calculation:
    """The calculation as a worker runs it."""
    return calculation_of(pricing.service, pricing.service.app.state.files, settings)


@pytest.fixture
async def app(calculation: Calculation, settings: PricingSettings) -> AsyncIterator[procrastinate.App]:
    """The workers' queue, of which the test takes jobs itself."""
    made = make_app(settings, calculation)
    async with made.open_async():
        yield made


class Worker:
    """A worker that takes, and does nothing of it."""

    def __init__(self, app: procrastinate.App) -> None:
        self.jobs = leases_of(app)
        self.id = 0

    async def take(self) -> Job:
        """The next job. Fails when there is none."""
        self.id = self.id or await self.jobs.register_worker()
        job = await self.jobs.fetch_job([QUEUE], self.id)
        assert job is not None
        return job


async def ask(pricing: Pricing, who: UUID, model: str = "torus-ring") -> str:
    file_id = pricing.storage.upload(pricing.fresh_model(model), who)
    return str((await pricing.ask(who, {"file_id": str(file_id), **GOLD})).json()["quote_id"])


def quote_of(job: Job) -> str:
    return str(job.task_kwargs["quote_id"])


async def orders(pricing: Pricing, *quote_ids: str) -> UUID:
    """An order that waits for these quotes; its id."""
    order_id = new_id()
    lines = tuple(RequestedLine(line_id=new_id(), quote_id=UUID(each)) for each in quote_ids)
    async with pricing.service.make_uow() as uow:
        await uow.requests.record(PriceRequest(order_id, 1, lines), at=uow.now)
        await uow.commit()
    return order_id


async def setbacks(pricing: Pricing, order_id: UUID) -> list[dict[str, Any]]:
    answer = await pricing.http.get(
        f"/internal/orders/{order_id}/setbacks", headers=pricing.service_token("orchestrator")
    )
    assert answer.status_code == 200, answer.text
    told: list[dict[str, Any]] = answer.json()["items"]
    return told


async def test_one_model_of_the_shop_goes_before_the_rest_of_a_partners(
    pricing: Pricing, app: procrastinate.App
) -> None:
    partner, anna, worker = uuid4(), uuid4(), Worker(app)
    flood = [await ask(pricing, partner) for _ in range(3)]
    assert quote_of(await worker.take()) == flood[0]
    own = await ask(pricing, anna)
    shown = await pricing.service.app.state.calculations.view()
    foretold = [item["quote_id"] for item in shown["items"] if item["state"] == "waiting"]
    taken = [quote_of(await worker.take()) for _ in range(3)]
    assert taken == foretold == [own, *flood[1:]]
    assert await worker.jobs.fetch_job([QUEUE], worker.id) is None


async def test_two_who_take_at_one_moment_take_two(pricing: Pricing, app: procrastinate.App) -> None:
    asked = {await ask(pricing, uuid4()) for _ in range(6)}
    workers = [Worker(app) for _ in range(6)]
    taken = await asyncio.gather(*(worker.take() for worker in workers))
    assert {quote_of(job) for job in taken} == asked


async def test_what_the_release_before_asked_for_is_taken_too(pricing: Pricing, app: procrastinate.App) -> None:
    from sqlalchemy import text

    old, new = await ask(pricing, uuid4()), await ask(pricing, uuid4())
    async with pricing.service.engine.begin() as connection:
        forget = "UPDATE calculation SET triangles = NULL, place = NULL, clock = NULL WHERE quote_id = :id"
        await connection.execute(text(forget), {"id": old})
    worker = Worker(app)
    assert {quote_of(await worker.take()), quote_of(await worker.take())} == {old, new}


async def test_what_is_tried_again_later_is_not_taken_before(pricing: Pricing, app: procrastinate.App) -> None:
    worker = Worker(app)
    await ask(pricing, uuid4())
    job = await worker.take()
    await worker.jobs.retry_job(job, retry_at=datetime.now(UTC) + timedelta(hours=1))
    assert await worker.jobs.fetch_job([QUEUE], worker.id) is None


async def test_whoever_lost_a_job_neither_ends_it_nor_gives_it_back(
    pricing: Pricing, app: procrastinate.App, calculation: Calculation, settings: PricingSettings
) -> None:
    paused, other = Worker(app), Worker(app)
    quote_id = await ask(pricing, uuid4())
    order_id = await orders(pricing, quote_id)
    lost = await paused.take()
    await _struck_off(pricing, paused.id)
    assert await take_over(app, calculation, stalled_after_s=settings.pricing_stalled_after_s) == 1
    taken = await other.take()
    await paused.jobs.finish_job(lost, Status.SUCCEEDED, delete_job=True)
    await paused.jobs.retry_job(lost)
    [row] = await pricing.rows("SELECT status::text, attempts, worker_id FROM procrastinate_jobs")
    assert (row.status, row.attempts, row.worker_id) == ("doing", 1, other.id)
    await other.jobs.finish_job(taken, Status.SUCCEEDED, delete_job=True)
    assert await pricing.rows("SELECT 1 FROM procrastinate_jobs") == []
    [told] = await setbacks(pricing, order_id)
    assert (told["quote_id"], told["code"], told["attempt"]) == (quote_id, "worker-died", 2)
    assert told["title"] == "worker died, taken over, attempt 2"


async def test_a_worker_that_was_struck_off_is_back_with_its_next_beat(
    pricing: Pricing, app: procrastinate.App
) -> None:
    worker = Worker(app)
    await ask(pricing, uuid4())
    worker.id = await worker.jobs.register_worker()
    await worker.jobs.unregister_worker(worker.id)
    assert await worker.jobs.fetch_job([QUEUE], worker.id) is None, "nobody is there who could be given a job"
    await worker.jobs.update_heartbeat(worker.id)
    assert await worker.take()


async def test_a_pause_fails_no_model(pricing: Pricing, settings: PricingSettings) -> None:
    anna = uuid4()
    quote_id = await ask(pricing, anna)
    order_id = await orders(pricing, quote_id)
    hasty = settings.model_copy(update={"pricing_analysis_timeout_s": 0.01})
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, hasty)
    with pytest.raises(Unavailable, match="lease-lost"):
        await calculate(CalculateQuote(UUID(quote_id), is_ours=lambda: False), calculation)
    assert (await pricing.quote(quote_id, anna))["status"] == "ANALYSING"
    assert [told["code"] for told in await setbacks(pricing, order_id)] == ["allowance-exceeded", "lease-lost"]


async def test_a_measuring_process_that_is_killed_as_for_want_of_memory_gives_one_price(pricing: Pricing) -> None:
    anna = uuid4()
    quote_id = await ask(pricing, anna, "pave-ring-100k")
    order_id = await orders(pricing, quote_id)
    async with worker_process(pricing.settings) as (worker, _):
        os.kill(await _measuring_for(worker.pid), signal.SIGKILL)
        priced = await pricing.finished(quote_id, anna)
        assert (priced["status"], worker.returncode) == ("READY", None)
    assert [(told["code"], told["attempt"]) for told in await setbacks(pricing, order_id)] == [("measuring-killed", 1)]
    assert len(await pricing.messages(order_id)) == 1


async def test_a_measuring_process_that_is_killed_each_time_is_given_up_and_not_remembered(
    pricing: Pricing, settings: PricingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed(*args: Any) -> AsyncIterator[Any]:
        raise MeasuringKilled
        yield

    monkeypatch.setattr(MeshSupervisor, "measure", killed)
    anna = uuid4()
    quote_id = await ask(pricing, anna)
    order_id = await orders(pricing, quote_id)
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, settings)
    with pytest.raises(MeasuringKilled):
        await calculation.run(CalculateQuote(UUID(quote_id)))
    assert (await pricing.quote(quote_id, anna))["status"] == "ANALYSING"
    await calculation.run(CalculateQuote(UUID(quote_id), last_attempt=True))
    quote = await pricing.quote(quote_id, anna)
    assert (quote["status"], quote["problem"]["code"]) == ("FAILED", "analysis-crashed")
    assert [told["code"] for told in await setbacks(pricing, order_id)] == ["given-up"]


async def _measuring_for(worker: int) -> int:
    """The process in which the worker has a model measured, once there is one: a child of its child."""

    def children(of: int) -> list[int]:
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == of:
                    found.append(int(stat.parent.name))
        return found

    async with asyncio.timeout(60):
        while True:
            for child in children(worker):
                if measuring := children(child):
                    return measuring[0]
            await asyncio.sleep(0.01)


async def test_the_work_that_waits_is_told_in_seconds(pricing: Pricing) -> None:
    assert await work_waiting_s(pricing.service.engine) == 0
    await ask(pricing, uuid4())
    one = await work_waiting_s(pricing.service.engine)
    await ask(pricing, uuid4())
    assert 0 < one < await work_waiting_s(pricing.service.engine)


async def test_only_the_orchestrator_is_told_of_setbacks(pricing: Pricing) -> None:
    answer = await pricing.http.get(f"/internal/orders/{new_id()}/setbacks", headers=pricing.service_token("shop"))
    assert answer.status_code == 403


@pytest.mark.long
async def test_a_worker_paused_past_its_lease_gives_one_price_and_works_on(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna = uuid4()
    quote_id = await ask(pricing, anna)
    order_id = await orders(pricing, quote_id)
    async with worker_process(pricing.settings) as (process, _):
        await eventually(lambda: _true(bool(pricing.storage.asked)))
        process.send_signal(signal.SIGSTOP)
        pricing.storage.pause.set()
        async with running_worker(pricing.settings):
            priced = await pricing.finished(quote_id, anna)
        assert priced["status"] == "READY"
        process.send_signal(signal.SIGCONT)
        # The paused one is alone now: what is asked for next is calculated by it.
        second = await pricing.finished(await ask(pricing, anna), anna)
        assert second["status"] == "READY"
        assert process.returncode is None
    assert await pricing.quote(quote_id, anna) == priced
    assert [told["code"] for told in await setbacks(pricing, order_id)] == ["worker-died"]
    assert len(await pricing.messages(order_id)) == 1


@pytest.mark.long
async def test_workers_come_with_the_work_and_their_counts_are_told(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna = uuid4()
    busy = pricing.settings.model_copy(update={"pricing_workers_max": 2, "pricing_waiting_target_s": 0.001})
    asked = [await ask(pricing, anna) for _ in range(4)]
    async with worker_process(busy) as (_, port):
        await eventually(lambda: _true(len(pricing.storage.asked) == 2))
        pricing.storage.pause.set()
        for quote_id in asked:
            assert (await pricing.finished(quote_id, anna))["status"] == "READY"
        await eventually(lambda: _counted(port, 'alexandrite_pricing_calculations_total{ended="done"} 4.0'))


@pytest.mark.long
async def test_a_worker_beside_is_gone_when_its_supervisor_is_even_while_it_starts(settings: PricingSettings) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, str(theirs.fileno()), pass_fds=(theirs.fileno(),), env=os.environ | environment_of(settings)
        )
    ours.close()
    async with asyncio.timeout(60):
        assert await process.wait() == 0


async def _counted(port: int, line: str) -> bool:
    import httpx

    async with httpx.AsyncClient() as http:
        return line in (await http.get(f"http://127.0.0.1:{port}/metrics")).text


async def _struck_off(pricing: Pricing, worker_id: int) -> None:
    from sqlalchemy import text

    async with pricing.service.engine.begin() as connection:
        silent = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour' WHERE id = :id"
        await connection.execute(text(silent), {"id": worker_id})


async def _true(value: bool) -> bool:
    return value
