"""The worker's part: measure the model of a quote, show its estimate at once, then its firm price; its picture comes last."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from datetime import timedelta
from typing import Any, BinaryIO

from prometheus_client import Histogram

from system.kernel.errors import Unavailable
from system.plumbing.telemetry import log
from system.pricing.application.commands import CalculateQuote
from system.pricing.application.ports import Measurer, MeasuringKilled, ModelFile, ModelFiles, ModelGone, PricingWork
from system.pricing.application.settling import settle_waiting
from system.pricing.domain.mesh import Analysis, MeshMeasure, Preview, Problem
from system.pricing.domain.quote import Quote, firm_price, first_price, price_by_analysis
from system.pricing.domain.setback import GIVEN_UP, LEASE_LOST, Setback
from system.pricing.domain.stages import Stage, Step

MEASURING_SECONDS = Histogram(
    "alexandrite_pricing_measuring_seconds",
    "From the fetched file to the firm price, by how many triangles the model has.",
    ["triangles"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120),
)
SIZES = {1_000: "1k", 10_000: "10k", 100_000: "100k", 1_000_000: "1M", 5_000_000: "5M"}
"""The classes of models, each up to so many triangles; `more` are larger."""
LOOK_EVERY_S = 1.0
"""How often it is asked whether a quote is wanted still."""
TOLD_FROM_TRIANGLES = 50_000
"""A smaller model is looked at before anybody has read that it is."""
_OF_THE_MOMENT = frozenset({"analysis-timed-out", "analysis-crashed", "file-unavailable"})
"""Problems of this attempt, not of the mesh: they are not remembered for the next quote."""


class Calculation:
    """Carries a quote to its end. Repeating it, or two workers doing it at once, ends in one result: the quote's update decides."""

    def __init__(
        self,
        make_uow: Callable[[], Any],
        files: ModelFiles,
        measurer: Measurer,
        *,
        valid_for: timedelta,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._make_uow = make_uow
        self._files = files
        self._measurer = measurer
        self._valid_for = valid_for
        self._look_every_s = look_every_s

    async def run(self, command: CalculateQuote) -> None:
        """Prices the quote. Raises Unavailable when a dependency is away and another attempt may help."""
        quote = await self._start(command)
        if quote is None:
            return
        try:
            await self._measure_while_wanted(quote, command)
        except ModelGone:
            await self._end(quote, Problem.of("file-unavailable"), first_look=None)
        except MeasuringKilled:
            if not command.last_attempt:
                raise
            await self.give_up(command)
        except Unavailable:
            if not command.last_attempt:
                raise
            await self._end(quote, Problem.of("file-unavailable"), first_look=None)

    async def give_up(self, command: CalculateQuote) -> None:
        """Ends a quote whose calculation keeps taking its worker down with it."""
        async with self._make_uow() as uow:
            quote = await uow.quotes.find(command.quote_id)
        if quote is not None and not quote.status.is_final:
            await self.held_up(command, Setback(GIVEN_UP))
            await self._end(quote, Problem.of("analysis-crashed", reason="too many attempts"), first_look=None)

    async def held_up(self, command: CalculateQuote, setback: Setback) -> None:
        """Notes what held a calculation up, for support; of a quote that is final nothing is noted."""
        async with self._make_uow() as uow:
            quote = await uow.quotes.find(command.quote_id)
            if quote is None or quote.status.is_final:
                return
            await uow.jobs.held_up(
                command.quote_id, setback.code, attempt=command.attempt, at=uow.now, details=setback.details
            )
            await uow.commit()

    async def _start(self, command: CalculateQuote) -> Quote | None:
        """The quote to measure, or None when there is nothing left to measure."""
        async with self._make_uow() as uow:
            quote: Quote | None = await uow.quotes.find(command.quote_id)
            if quote is None or quote.status.is_final:
                return None
            analysis = await uow.analyses.find(quote.asked.mesh_sha256 or "")
            if analysis is not None:
                book = await uow.books.current()
                done = price_by_analysis(quote, analysis, book, now=uow.now, valid_for=self._valid_for)
                await self._record_end(done, uow)
                await uow.commit()
                return None
            quote = quote.started()
            await uow.quotes.save_unfinished(quote)
            await uow.jobs.started(quote.quote_id, at=uow.now)
            await uow.commit()
            return quote

    async def _measure_while_wanted(self, quote: Quote, command: CalculateQuote) -> None:
        """Measures until the end, or until whoever asked stops it: then the measuring process is ended, and nothing is kept."""
        measuring = asyncio.create_task(self._measure(quote, command))
        try:
            while not (await asyncio.wait({measuring}, timeout=self._look_every_s))[0]:
                if await self._was_cancelled(quote):
                    log.info("calculation stopped", quote_id=str(quote.quote_id))
                    return
            await measuring
        finally:
            measuring.cancel()
            # Its measuring process ends with it; whatever else it had to say belongs to a quote that is over.
            await asyncio.gather(measuring, return_exceptions=True)

    async def _was_cancelled(self, quote: Quote) -> bool:
        async with self._make_uow() as uow:
            return bool(await uow.quotes.was_cancelled(quote.quote_id))

    async def _measure(self, quote: Quote, command: CalculateQuote) -> None:
        assert quote.asked.file_id is not None
        model: ModelFile | None = await self._files.describe(quote.asked.file_id)
        if model is None or model.sha256 != quote.asked.mesh_sha256:
            raise ModelGone(f"file {quote.asked.file_id} is not the one that was quoted")
        async with self._files.fetch(model) as file:
            await self._measure_file(quote, command, file)

    async def _measure_file(self, quote: Quote, command: CalculateQuote, file: BinaryIO) -> None:
        first_look: MeshMeasure | None = None
        started = time.perf_counter()
        async with aclosing(self._measurer.measure(file)) as findings:
            async for finding in findings:
                if isinstance(finding, MeshMeasure) and not finding.checked:
                    first_look = finding
                    quote = await self._estimate(quote, finding)
                elif isinstance(finding, Preview):
                    await self._keep(quote, finding)
                elif isinstance(finding, Setback):
                    await self.held_up(command, finding)
                elif isinstance(finding, Step):
                    await self._tell(quote, finding)
                else:
                    if not command.is_ours():
                        await self._outlived(command, finding)
                    await self._end(quote, finding, first_look=first_look)
                    if isinstance(finding, MeshMeasure):
                        MEASURING_SECONDS.labels(size_of(finding.triangle_count)).observe(time.perf_counter() - started)

    async def _outlived(self, command: CalculateQuote, finding: MeshMeasure | Problem) -> None:
        """A worker that stood still past its lease came to a result: a measure is as good as another's.

        Raises Unavailable for a problem of the moment: there was no time because it stood still, and the next attempt has it.
        """
        if isinstance(finding, Problem) and finding.code in _OF_THE_MOMENT:
            raise Unavailable(LEASE_LOST, "The worker was paused for longer than its lease.")
        await self.held_up(command, Setback(LEASE_LOST))

    async def _estimate(self, quote: Quote, first_look: MeshMeasure) -> Quote:
        async with self._make_uow() as uow:
            estimated = first_price(quote, first_look, await uow.books.current())
            if estimated is not None:
                await uow.quotes.save_unfinished(estimated)
            await uow.jobs.stands(quote.quote_id, Step(Stage.SURFACE, first_look.triangle_count), at=uow.now)
            await uow.commit()
            return estimated or quote

    async def _tell(self, quote: Quote, step: Step) -> None:
        if (step.triangle_count or 0) < TOLD_FROM_TRIANGLES:
            return
        async with self._make_uow() as uow:
            await uow.jobs.stands(quote.quote_id, step, at=uow.now)
            await uow.commit()

    async def _end(self, quote: Quote, outcome: MeshMeasure | Problem, *, first_look: MeshMeasure | None) -> None:
        async with self._make_uow() as uow:
            book = await uow.books.current()
            done = firm_price(quote, outcome, book, now=uow.now, valid_for=self._valid_for)
            await self._record_end(done, uow)
            if isinstance(outcome, MeshMeasure) or outcome.code not in _OF_THE_MOMENT:
                assert quote.asked.mesh_sha256 is not None
                await uow.analyses.keep(Analysis(quote.asked.mesh_sha256, first_look, outcome), at=uow.now)
                await uow.jobs.measured(quote.quote_id, at=uow.now)
            await uow.commit()

    async def _keep(self, quote: Quote, preview: Preview) -> None:
        """Hands a picture over. The price is given already: one that cannot be kept now is drawn later, by `previews`."""
        assert quote.asked.mesh_sha256 is not None
        try:
            await self._files.keep_preview(quote.asked.mesh_sha256, preview)
        except Unavailable as error:
            log.warning("preview not kept", mesh_sha256=quote.asked.mesh_sha256, error=str(error))

    async def _record_end(self, quote: Quote, uow: PricingWork) -> None:
        if await uow.quotes.save_unfinished(quote):
            await settle_waiting(quote.quote_id, uow, valid_for=self._valid_for)


def size_of(triangles: int) -> str:
    """The class of a model with so many triangles: `1k` up to a thousand, and so on; `more` above five million."""
    return next((name for most, name in SIZES.items() if triangles <= most), "more")
