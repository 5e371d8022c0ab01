"""Workers die, hang and race; each quote still ends exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from system.plumbing.jobs import TAKEOVERS_MAX
from system.pricing.adapters.kept_findings import POINTS_KEPT
from system.pricing.application.commands import CalculateQuote
from system.pricing.domain.mesh import MeshMeasure
from system.pricing.entrypoints.worker import make_app, take_over
from system.pricing.main import calculation_of
from system.pricing.settings import PricingSettings
from system.pricing.tests.integration.conftest import Pricing, eventually, running_worker

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


def environment_of(settings: PricingSettings) -> dict[str, str]:
    """What a process is told at start, to have these settings."""
    return {
        f"ALEXANDRITE_{name.upper()}": str(getattr(value, "get_secret_value", lambda v=value: v)())
        for name, value in settings.model_dump(mode="python").items()
    }


@asynccontextmanager
async def worker_process(settings: PricingSettings) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """`python -m system.pricing work`, as it runs in production, and the port of its health."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = environment_of(settings.model_copy(update={"port": port}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "system.pricing", "work", env=os.environ | environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def ask(pricing: Pricing) -> tuple[UUID, str]:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model(), anna)
    return anna, (await pricing.ask(anna, {"file_id": str(file_id), **GOLD})).json()["quote_id"]


async def test_work_of_a_killed_worker_is_taken_over(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna, quote_id = await ask(pricing)
    async with worker_process(pricing.settings) as (process, port):
        await eventually(lambda: _true(bool(pricing.storage.asked)))
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"http://127.0.0.1:{port}/health/ready")).json()["status"] == "ready"
            assert (
                "alexandrite_pricing_jobs_taken_over_total" in (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            )
            assert (await http.get(f"http://127.0.0.1:{port}/api/pricing/v1/materials")).status_code == 404
        process.send_signal(signal.SIGKILL)
        await process.wait()
    assert (await pricing.quote(quote_id, anna))["status"] == "ANALYSING"
    pricing.storage.pause.set()
    async with running_worker(pricing.settings):
        assert (await pricing.finished(quote_id, anna))["status"] == "READY"


async def test_stopping_worker_gives_its_work_back(pricing: Pricing) -> None:
    pricing.storage.pause = asyncio.Event()
    anna, quote_id = await ask(pricing)
    async with worker_process(pricing.settings) as (process, _):
        await eventually(lambda: _true(bool(pricing.storage.asked)))
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            await process.wait()
    jobs = await pricing.rows(
        "SELECT status::text FROM procrastinate_jobs WHERE args ->> 'quote_id' = :id", id=quote_id
    )
    assert [job.status for job in jobs] == ["todo"]
    pricing.storage.pause.set()
    async with running_worker(pricing.settings):
        assert (await pricing.finished(quote_id, anna))["status"] == "READY"


async def test_calculating_twice_at_once_has_one_result(pricing: Pricing, settings: PricingSettings) -> None:
    anna, quote_id = await ask(pricing)
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, settings)
    await asyncio.gather(*(calculation.run(CalculateQuote(UUID(quote_id))) for _ in range(4)))
    first = await pricing.quote(quote_id, anna)
    await calculation.run(CalculateQuote(UUID(quote_id)))
    assert first["status"] == "READY"
    assert await pricing.quote(quote_id, anna) == first


async def test_job_that_keeps_killing_its_worker_ends_with_a_reason(
    pricing: Pricing, settings: PricingSettings
) -> None:
    anna, quote_id = await ask(pricing)
    async with pricing.service.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing', attempts = :attempts, worker_id = NULL"
                " WHERE args ->> 'quote_id' = :id"
            ),
            {"attempts": TAKEOVERS_MAX, "id": quote_id},
        )
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, settings)
    app = make_app(settings, calculation)
    async with app.open_async():
        assert await take_over(app, calculation, stalled_after_s=settings.pricing_stalled_after_s) >= 1
    quote = await pricing.quote(quote_id, anna)
    assert (quote["status"], quote["problem"]["code"]) == ("FAILED", "analysis-crashed")


async def test_hanging_parser_fails_its_quote_and_is_not_remembered(
    pricing: Pricing, settings: PricingSettings
) -> None:
    anna, quote_id = await ask(pricing)
    hasty = settings.model_copy(update={"pricing_analysis_timeout_s": 0.01})
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, hasty)
    await calculation.run(CalculateQuote(UUID(quote_id)))
    quote = await pricing.quote(quote_id, anna)
    assert (quote["status"], quote["problem"]["code"]) == ("FAILED", "analysis-timed-out")
    [row] = await pricing.rows("SELECT mesh_sha256 FROM quote WHERE quote_id = :id", id=quote_id)
    async with pricing.service.make_uow() as uow:
        assert await uow.analyses.find(row.mesh_sha256) is None


async def test_storage_that_stays_away_ends_the_last_attempt_with_a_reason(
    pricing: Pricing, settings: PricingSettings
) -> None:
    anna, quote_id = await ask(pricing)
    pricing.storage.away = True
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, settings)
    with pytest.raises(Exception, match="files-unavailable"):
        await calculation.run(CalculateQuote(UUID(quote_id)))
    assert (await pricing.quote(quote_id, anna))["status"] == "ANALYSING"
    await calculation.run(CalculateQuote(UUID(quote_id), last_attempt=True))
    assert (await pricing.quote(quote_id, anna))["problem"]["code"] == "file-unavailable"


async def test_job_is_tried_again_when_storage_comes_back(pricing: Pricing) -> None:
    anna, quote_id = await ask(pricing)
    pricing.storage.away = True
    async with running_worker(pricing.settings):

        async def tried() -> bool:
            rows = await pricing.rows(
                "SELECT attempts FROM procrastinate_jobs WHERE args ->> 'quote_id' = :id", id=quote_id
            )
            return bool(rows and rows[0].attempts >= 1)

        await eventually(tried)
        pricing.storage.away = False
        assert (await pricing.finished(quote_id, anna))["status"] == "READY"


async def test_analysis_is_kept_as_it_was_found(pricing: Pricing, settings: PricingSettings) -> None:
    anna = uuid4()
    file_id = pricing.storage.upload(pricing.fresh_model("pave-ring"), anna)
    quote_id = (await pricing.ask(anna, {"file_id": str(file_id), **GOLD})).json()["quote_id"]
    calculation = calculation_of(pricing.service, pricing.service.app.state.files, settings)
    await calculation.run(CalculateQuote(UUID(quote_id)))
    [row] = await pricing.rows("SELECT mesh_sha256 FROM quote WHERE quote_id = :id", id=quote_id)
    async with pricing.service.make_uow() as uow:
        analysis = await uow.analyses.find(row.mesh_sha256)
        quote = await uow.quotes.find(UUID(quote_id))
    assert isinstance(analysis.outcome, MeshMeasure)
    kept = analysis.outcome.character
    assert kept is not None and kept.thickness is not None and 100 < len(kept.thickness.points) <= POINTS_KEPT
    without = replace(kept, thickness=replace(kept.thickness, points=()))
    assert replace(analysis.outcome, character=without) == quote.mesh, "no quote carries a picture"
    assert analysis.first_look.volume_mm3 > analysis.outcome.volume_mm3


async def _true(value: bool) -> bool:
    return value
