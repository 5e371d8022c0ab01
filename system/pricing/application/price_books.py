"""The commands about the price book: publish the next one, plan one, withdraw a plan, and look before doing either."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from system.kernel.errors import Conflict, NotFound, Stale
from system.pricing.application.commands import PlanPriceBook, PreviewPriceBook, ReplacePriceBook, WithdrawPlan
from system.pricing.application.ports import PLANS, BookQueries, PricingWork
from system.pricing.domain.book_changes import changes_between
from system.pricing.domain.plan import Plan, check_changes, check_reason, check_start
from system.pricing.domain.preview import Effect, Preview, catalogue_moves, check_currency, torus_moves
from system.pricing.domain.price_book import PriceBook

QUOTES_MAX = 20_000
"""So many open quotes are recalculated one by one, in two or three seconds; of more, an even share that comes to about as many."""
QUOTES_BETWEEN_BREATHS = 50


async def replace_price_book(command: ReplacePriceBook, uow: PricingWork) -> PriceBook:
    """The next version of the book. Raises Stale when another one is in force than was edited, Invalid when it is unusable."""
    async with uow:
        current = await uow.books.current()
        book = _next(command.data, current, replaces=command.replaces)
        reason = None if command.reason is None else check_reason(command.reason)
        if not await uow.books.add(book, made_by=command.made_by, made_at=uow.now, reason=reason):
            raise _stale(book.version)
        await uow.audit(
            actor=str(command.actor_id),
            action="price_book.replaced",
            subject=f"price book {book.version}",
            details={
                "replaces": command.replaces,
                "made_by": command.made_by,
                "reason": reason,
                "changes": len(changes_between(current, book)),
            },
        )
        await uow.commit()
        return book


async def plan_price_book(command: PlanPriceBook, uow: PricingWork) -> Plan:
    """A book that comes into force at a moment to come. Raises Stale, Invalid; the same id again returns the plan there is."""
    async with uow:
        known = await uow.plans.find(command.plan_id)
        if known is not None:
            return known.plan
        current = await uow.books.current()
        book = _next(command.data, current, replaces=command.replaces)
        plan = Plan(
            plan_id=command.plan_id,
            made_from=current.version,
            changes=changes_between(current, book),
            reason=check_reason(command.reason),
            made_by=command.made_by,
            actor_id=command.actor_id,
            made_at=uow.now,
            starts_at=command.starts_at,
        )
        check_changes(plan.changes)
        check_start(plan.starts_at, now=uow.now)
        await uow.plans.add(plan)
        await uow.audit(
            actor=str(command.actor_id),
            action="price_book.planned",
            subject=f"price book plan {plan.plan_id}",
            details={
                "made_from": plan.made_from,
                "made_by": plan.made_by,
                "reason": plan.reason,
                "starts_at": plan.starts_at.isoformat(),
                "changes": len(plan.changes),
            },
        )
        await uow.commit()
        return plan


async def withdraw_plan(command: WithdrawPlan, uow: PricingWork) -> None:
    """Ends a plan before it starts; one that is withdrawn stays so. Raises NotFound, Conflict when it has started."""
    reason = check_reason(command.reason)
    async with uow:
        # A process that starts it holds the same lock: of both, one is first, and the other sees what it did.
        await uow.lock(PLANS)
        known = await uow.plans.find(command.plan_id)
        if known is None:
            raise NotFound("plan-unknown", "There is no such planned price book.")
        if known.outcome == "withdrawn":
            return
        if known.outcome is not None or known.plan.starts_at <= uow.now:
            raise Conflict(
                "plan-has-started",
                "This price book is in force already and cannot be withdrawn. Publish another one instead.",
                version=known.version,
            )
        await uow.plans.end(command.plan_id, "withdrawn", at=uow.now, told=reason, by=command.withdrawn_by)
        await uow.audit(
            actor=str(command.actor_id),
            action="price_book.plan_withdrawn",
            subject=f"price book plan {command.plan_id}",
            details={"withdrawn_by": command.withdrawn_by, "reason": reason},
        )
        await uow.commit()


async def preview_price_book(
    command: PreviewPriceBook, queries: BookQueries, *, now: datetime, quotes_max: int = QUOTES_MAX
) -> Preview:
    """What a book would do, were it in force. Keeps nothing. Raises Stale, Invalid as publishing it would."""
    current = await queries.book()
    assert current is not None, "there is always a book in force"
    proposed = _next(command.data, current, replaces=command.replaces)
    check_currency(current.currency, proposed)
    open_count = await queries.open_quote_count(now=now)
    step = max(1, math.ceil(open_count / quotes_max))
    effect = Effect(proposed)
    async for quote in queries.open_quotes(now=now, step=step):
        effect.add(quote)
        if effect.all.count % QUOTES_BETWEEN_BREATHS == 0:
            # Everybody else who asks this process for a price is answered in between.
            await asyncio.sleep(0)
    return Preview(
        present=current,
        proposed=proposed,
        open_count=open_count,
        step=step,
        effect=effect,
        catalogue=catalogue_moves(current, proposed),
        torus=torus_moves(current, proposed),
    )


def _next(data: Mapping[str, Any], current: PriceBook, *, replaces: int) -> PriceBook:
    if current.version != replaces:
        raise _stale(current.version)
    return PriceBook.from_data(data, version=current.version + 1)


def _stale(version: int) -> Stale:
    return Stale(
        "price-book-changed",
        "Somebody changed the price book since you read it. Read it again and apply your change to that version.",
        version=version,
    )
