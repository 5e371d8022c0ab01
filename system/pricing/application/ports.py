"""What pricing's application needs from the world, as promises."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Protocol, Self
from uuid import UUID

from system.kernel.errors import Unavailable
from system.messages.envelope import Message
from system.pricing.domain.mesh import Analysis, MeshMeasure, Preview, Problem
from system.pricing.domain.order_pricing import PriceRequest
from system.pricing.domain.plan import Plan
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Quote
from system.pricing.domain.setback import Setback
from system.pricing.domain.stages import Step


@dataclass(frozen=True, slots=True)
class ModelFile:
    """An uploaded model, as the files service knows it; `refusal` is the code and sentence of a REFUSED one."""

    file_id: UUID
    owner_id: UUID
    status: str
    sha256: str
    size_bytes: int
    download_url: str
    refusal: tuple[str, str] | None = None
    format: str | None = None


PLANS = "price book plans"
"""What is locked while planned books start or are withdrawn."""


@dataclass(frozen=True, slots=True)
class BookRecord:
    """Who made which version of the price book, when it came into force, and why."""

    version: int
    made_by: str
    made_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class EndedPlan:
    """A plan and what became of it: `started` as a version, `withdrawn`, `impossible` with what was wrong, or nothing yet."""

    plan: Plan
    outcome: str | None = None
    version: int | None = None
    told: str | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None


class ModelGone(Exception):
    """The bytes behind a verified upload are missing or are not the verified ones any more. Trying again does not help."""


class MeasuringKilled(Unavailable):
    """The measuring process was ended from outside, as the system does with the largest one when a machine's memory is used up."""

    def __init__(self) -> None:
        super().__init__("measuring-killed", "The measuring process was killed: the machine is short of memory.")


class ModelFiles(Protocol):
    """The files service and its storage."""

    async def describe(self, file_id: UUID) -> ModelFile | None:
        """The upload, or None when there is none. Raises Unavailable."""

    def fetch(self, model: ModelFile) -> AbstractAsyncContextManager[BinaryIO]:
        """The bytes in a temporary file that is gone afterwards, checked against `sha256`. Raises ModelGone, Unavailable."""

    async def without_preview(self, meshes: Collection[str]) -> Set[str]:
        """Those of these meshes of which files has not every picture. Raises Unavailable."""

    async def keep_preview(self, mesh_sha256: str, preview: Preview) -> bool:
        """Hands over a picture of a mesh; the same one again changes nothing. False when it was refused. Raises Unavailable."""


class Measurer(Protocol):
    """Measures a model under limits."""

    def measure(self, file: BinaryIO) -> AsyncGenerator[MeshMeasure | Problem | Preview | Setback | Step]:
        """Yields an unchecked measure, then a checked one or a Problem, which is the last; after a checked one the previews.

        Before the checked one some steps may say how far it is. After a Setback it begins anew.
        Raises MeasuringKilled.
        """


class Quotes(Protocol):
    """The quotes."""

    async def add(self, quote: Quote) -> None: ...

    async def find(self, quote_id: UUID) -> Quote | None: ...

    async def hold(self, quote_ids: Iterable[UUID]) -> dict[UUID, Quote]:
        """These quotes, unchangeable by others until this transaction ends: a worker that finishes one waits."""

    async def hold_alone(self, quote_id: UUID) -> Quote | None:
        """This quote, which nobody else can finish or take into an order until this transaction ends."""

    async def was_cancelled(self, quote_id: UUID) -> bool:
        """Whether whoever asked for it stopped it."""

    async def save_unfinished(self, quote: Quote) -> bool:
        """Records progress or the end, unless the quote is final already; says whether it was recorded."""


class PriceBooks(Protocol):
    """Every version of the price book."""

    async def current(self) -> PriceBook:
        """The book in force; a planned one whose moment has come is appended first."""

    async def version(self, version: int) -> PriceBook | None: ...

    async def add(self, book: PriceBook, *, made_by: str, made_at: datetime, reason: str | None = None) -> bool:
        """Adds the next version; False when somebody added that version first."""


class Plans(Protocol):
    """The planned books. They are ended by whoever holds the lock of PLANS."""

    async def add(self, plan: Plan) -> None: ...

    async def find(self, plan_id: UUID) -> EndedPlan | None: ...

    async def end(
        self,
        plan_id: UUID,
        outcome: str,
        *,
        at: datetime,
        version: int | None = None,
        told: str | None = None,
        by: str | None = None,
    ) -> None: ...


class BookQueries(Protocol):
    """What a preview reads."""

    async def book(self, version: int | None = None) -> PriceBook | None: ...

    async def open_quote_count(self, *, now: datetime) -> int: ...

    def open_quotes(self, *, now: datetime, step: int = 1) -> AsyncIterator[Quote]: ...


class Analyses(Protocol):
    """What is known of meshes, by content."""

    async def find(self, mesh_sha256: str) -> Analysis | None: ...

    async def keep(self, analysis: Analysis, *, at: datetime) -> None: ...


class PriceRequests(Protocol):
    """The orchestrator's requests that are answered or wait."""

    async def newest_attempt(self, order_id: UUID) -> int: ...

    async def record(self, request: PriceRequest, *, at: datetime) -> None: ...

    async def waiting_for(self, quote_id: UUID) -> list[PriceRequest]:
        """The requests that wait for this quote, each locked against another worker's answer."""

    async def settle(self, request: PriceRequest, *, outcome: str, at: datetime) -> None: ...

    async def supersede(self, order_id: UUID, *, before_attempt: int, at: datetime) -> None: ...


class Jobs(Protocol):
    """Work for the pricing workers."""

    async def calculate(
        self,
        quote_id: UUID,
        *,
        file_bytes: int | None,
        asked_by: str,
        file_format: str | None = None,
        at: datetime | None = None,
    ) -> None:
        """Defers the calculation; it exists if, and only if, this transaction commits."""

    async def started(self, quote_id: UUID, *, at: datetime) -> None:
        """A worker begins."""

    async def stands(self, quote_id: UUID, step: Step, *, at: datetime) -> None:
        """A worker is at this stage."""

    async def measured(self, quote_id: UUID, *, at: datetime) -> None:
        """A worker came to a result, a price or what is wrong with the model: what that took is remembered."""

    async def held_up(
        self, quote_id: UUID, code: str, *, attempt: int, at: datetime, details: Mapping[str, Any] | None = None
    ) -> None:
        """What held a calculation up, and the attempt that follows: a Setback's code."""


class PricingWork(Protocol):
    """One transaction over everything pricing keeps."""

    now: datetime
    quotes: Quotes
    books: PriceBooks
    plans: Plans
    analyses: Analyses
    requests: PriceRequests
    jobs: Jobs

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *error: Any) -> None: ...

    async def lock(self, *subjects: UUID | str) -> None: ...

    async def answer_to(self, key: Any) -> Any: ...

    async def audit(self, *, actor: str, action: str, subject: str, details: dict[str, Any] | None = None) -> None: ...

    def publish(self, message: Message) -> None: ...

    async def commit(self, answer: Any = None) -> Any: ...
