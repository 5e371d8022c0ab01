"""The orchestrator's request for firm prices of an order: answered at once, or when its last quote is finished."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from system.pricing.domain.mesh import Problem
from system.pricing.domain.quote import Quote, QuoteStatus


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A line of the order and the quote its customer agreed to."""

    line_id: UUID
    quote_id: UUID


@dataclass(frozen=True, slots=True)
class PriceRequest:
    """One attempt to price an order. The same attempt asked twice is answered once."""

    order_id: UUID
    attempt: int
    lines: tuple[RequestedLine, ...]

    @property
    def quote_ids(self) -> tuple[UUID, ...]:
        """The quotes it waits for, in one order for every caller, so that locks on them are taken alike."""
        return tuple(sorted({line.quote_id for line in self.lines}))


@dataclass(frozen=True, slots=True)
class Unpriceable:
    """The first line, in the order's own sequence, that has no price, and why."""

    line: RequestedLine
    problem: Problem


def is_waiting(request: PriceRequest, quotes: Mapping[UUID, Quote]) -> bool:
    """A quote is still being calculated, and none has failed: only then an answer has to wait."""
    known = [quotes[quote_id] for quote_id in request.quote_ids if quote_id in quotes]
    if len(known) < len(request.quote_ids) or any(quote.status is QuoteStatus.FAILED for quote in known):
        return False
    return any(not quote.status.is_final for quote in known)


def first_unpriceable(lines: Iterable[RequestedLine], quotes: Mapping[UUID, Quote]) -> Unpriceable | None:
    """The line that makes the whole order unpriceable: its quote failed, or pricing never made it."""
    for line in lines:
        quote = quotes.get(line.quote_id)
        if quote is None:
            return Unpriceable(line, Problem.of("quote-unknown"))
        if quote.status is QuoteStatus.FAILED:
            assert quote.problem is not None, "a failed quote carries its problem"
            return Unpriceable(line, quote.problem)
    return None
