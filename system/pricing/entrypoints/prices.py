"""The pages of administrators about prices: the book in force, its history, and a new one, looked at before it is published."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlencode
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import AlexandriteError, Refused, Stale
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages, Said
from system.pagekit.reader import Language
from system.pagekit.words import N_
from system.plumbing.auth import Principal
from system.plumbing.settings import ServiceSettings
from system.pricing.application import price_books
from system.pricing.application.book_views import ended_plan_view, preview_view
from system.pricing.application.commands import PlanPriceBook, PreviewPriceBook, ReplacePriceBook, WithdrawPlan
from system.pricing.domain.book_changes import Change, changes_between
from system.pricing.domain.plan import REASON_CHARACTERS_MAX, check_changes, check_reason, check_start
from system.pricing.domain.price_book import PriceBook
from system.pricing.entrypoints.api import Queries
from system.pricing.entrypoints.book_sheet import NAMES, NOTHING_TYPED, Sheet, percent
from system.pricing.entrypoints.books_api import VERSION_MAX, Administrator, book_of
from system.pricing.entrypoints.proposals import Proposal, proposal_of, read_start

BASE = "/prices"
PAGE_ROWS = 30
CHOICES = 100

PROBLEMS = {
    "price-book-changed": N_("A colleague published another book in this very moment. Look once more."),
    "price-book-unknown": N_("There is no book of this number. Choose one from the list."),
    "price-book-invalid": N_("The book does not hold together like this: %(path)s."),
    "nothing-changes": N_("These are the prices in force already: nothing would change."),
    "reason-missing": N_("Say why the prices change: whoever reads the list of books later wants to know."),
    "reason-too-long": N_("Say it in fewer words: there is room for 500 characters."),
    "start-is-past": N_("This moment is over. Choose a later one, or publish at once."),
    "start-is-too-far": N_("Plan at most a year ahead."),
    "start-unreadable": N_("The moment cannot be read. Choose a day and a time."),
    "plan-unknown": N_("There is no such planned book."),
    "plan-has-started": N_("This book is in force already and cannot be withdrawn. Publish another one instead."),
    "currency-differs": N_("Prices in two currencies cannot be compared."),
}
# What is wrong with the part of the form that publishes, said beside its field.
OF_REASON = frozenset({"reason-missing", "reason-too-long"})
OF_START = frozenset({"start-is-past", "start-is-too-far", "start-unreadable"})

router = APIRouter(prefix=BASE)
Number = Annotated[int, Query(ge=1, le=VERSION_MAX)]


def pages_of(settings: ServiceSettings) -> Pages:
    """The pages about prices."""
    return Pages(BASE, Path(__file__).parent, settings, problems=PROBLEMS, names=NAMES)


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


Shown = Annotated[Pages, Depends(_pages)]


# -- what is and was in force ----------------------------------------------------------------------------------------


@router.get("/")
async def prices_page(request: Request, who: Administrator, pages: Shown, queries: Queries) -> Response:
    """The book in force, what is planned, and the metals' prices to be changed."""
    return await _front(request, who, pages, queries)


@router.get("/versions")
async def versions_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    queries: Queries,
    before: Annotated[int | None, Query(ge=1, le=VERSION_MAX)] = None,
) -> Response:
    """Every book there was, the newest first; any two to be compared."""
    present = await book_of(queries, None)
    found = await queries.book_records(before=before, limit=PAGE_ROWS + 1)
    more = f"{BASE}/versions?before={found[PAGE_ROWS - 1].version}" if len(found) > PAGE_ROWS else None
    return pages.render(
        request,
        "versions.html",
        who=who,
        present=present,
        items=found[:PAGE_ROWS],
        used=await queries.quotes_by_book(record.version for record in found[:PAGE_ROWS]),
        choices=range(present.version, max(0, present.version - CHOICES), -1),
        more=more,
        section="versions",
    )


@router.get("/versions/{version}")
async def version_page(request: Request, who: Administrator, pages: Shown, queries: Queries, version: int) -> Response:
    """One book as it was, and what it changed."""
    # A number of no book, however long, is one that there is not.
    book = await book_of(queries, max(0, min(version, VERSION_MAX)))
    before = await queries.book(book.version - 1)
    (record,) = await queries.book_records(before=book.version + 1, limit=1)
    sheet = _sheet(request, pages, book)
    return pages.render(
        request,
        "version.html",
        who=who,
        record=record,
        used=(await queries.quotes_by_book([book.version])).get(book.version, 0),
        groups=sheet.groups(book),
        changes=sheet.changes(changes_between(before, book), book, before) if before else None,
        section="versions",
        percent=_percent(request),
    )


@router.get("/changes")
async def changes_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    queries: Queries,
    earlier: Annotated[Number, Query(alias="from")],
    later: Annotated[Number, Query(alias="to")],
) -> Response:
    """What differs between two books."""
    before, after = await book_of(queries, earlier), await book_of(queries, later)
    present = await book_of(queries, None)
    return pages.render(
        request,
        "changes.html",
        who=who,
        before=before,
        after=after,
        choices=range(present.version, max(0, present.version - CHOICES), -1),
        changes=_sheet(request, pages, after).changes(changes_between(before, after), after, before),
        section="versions",
        percent=_percent(request),
    )


# -- a new one ---------------------------------------------------------------------------------------------------------


@router.get("/edit")
async def edit_page(request: Request, who: Administrator, pages: Shown, queries: Queries) -> Response:
    """Every number of the book in force, to be changed."""
    present = await book_of(queries, None)
    return await _edit(request, who, pages, queries, _untouched(present))


@router.post("/edit")
async def edit_again(request: Request, who: Administrator, pages: Shown, queries: Queries) -> Response:
    """Back from the look at the effect, with everything that was typed."""
    return await _edit(request, who, pages, queries, await proposal_of(request, queries, language_of(request)))


@router.get("/preview")
@router.get("/publications")
async def begin_again(request: Request, who: Administrator) -> Response:
    """These addresses answer a form; whoever comes without one, from another language perhaps, begins at the book."""
    kept = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{BASE}/{kept}", status_code=303)


@router.post("/preview")
async def preview_form(request: Request, who: Administrator, pages: Shown, queries: Queries) -> Response:
    """What the typed book would do. Nothing is kept; it can be published from here."""
    return await _preview(request, who, pages, queries, await proposal_of(request, queries, language_of(request)))


@router.post("/publications")
async def publish_form(request: Request, who: Administrator, pages: Shown, queries: Queries) -> Response:
    """Publishes what was looked at, at once or from a moment on; shows it again when something is in the way."""
    proposal = await proposal_of(request, queries, language_of(request))
    if proposal.book is None or proposal.overtaken is not None:
        # What would be published is not what was looked at.
        return await _preview(request, who, pages, queries, proposal, status=409)
    try:
        done = await _publish(request, who, pages, proposal)
    except Stale:
        again = await proposal_of(request, queries, language_of(request))
        return await _preview(request, who, pages, queries, again, status=409)
    except Refused as refusal:
        return await _preview(request, who, pages, queries, proposal, refusal=refusal, status=refusal.status)
    return RedirectResponse(f"{BASE}/?{urlencode({'done': done})}", status_code=303)


@router.post("/plans/{plan_id}/withdrawal")
async def withdraw_form(
    request: Request,
    who: Administrator,
    pages: Shown,
    queries: Queries,
    plan_id: UUID,
    reason: Annotated[str, Form(max_length=4000)] = "",
) -> Response:
    """Takes a planned book back."""
    command = WithdrawPlan(plan_id=plan_id, reason=reason, withdrawn_by=who.name, actor_id=who.subject)
    try:
        await price_books.withdraw_plan(command, request.app.state.make_uow())
    except Refused as refusal:
        said = pages.refusal(request, refusal)
        return await _front(request, who, pages, queries, said=said, kept={str(plan_id): reason}, status=refusal.status)
    return RedirectResponse(f"{BASE}/?done=withdrawn", status_code=303)


async def _publish(request: Request, who: Principal, pages: Pages, proposal: Proposal) -> str:
    """Publishes or plans; says which."""
    assert proposal.book is not None, "what is wrong was said before"
    check_changes(proposal.changes)
    reason = check_reason(proposal.fields.get("reason", ""))
    starts_at = None
    if proposal.fields.get("when") == "later":
        starts_at = read_start(proposal.fields.get("starts_at", "") or "-", pages.zone)
    if starts_at is None:
        await price_books.replace_price_book(
            ReplacePriceBook(
                replaces=proposal.present.version,
                data=proposal.book.to_data(),
                made_by=who.name,
                actor_id=who.subject,
                reason=reason,
            ),
            request.app.state.make_uow(),
        )
        return "published"
    check_start(starts_at, now=datetime.now(UTC))
    await price_books.plan_price_book(
        PlanPriceBook(
            plan_id=_plan_id(proposal.fields),
            replaces=proposal.present.version,
            data=proposal.book.to_data(),
            reason=reason,
            starts_at=starts_at,
            made_by=who.name,
            actor_id=who.subject,
        ),
        request.app.state.make_uow(),
    )
    return "planned"


# -- pages of several addresses ----------------------------------------------------------------------------------------


async def _front(
    request: Request,
    who: Principal,
    pages: Pages,
    queries: Any,
    *,
    proposal: Proposal | None = None,
    said: Said | None = None,
    kept: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    present: PriceBook = proposal.present if proposal else await book_of(queries, None)
    (record,) = await queries.book_records(before=present.version + 1, limit=1)
    sheet = _sheet(request, pages, present)
    plans = [
        ended_plan_view(known) | {"changes": sheet.changes(known.plan.changes, present)}
        for known in await queries.plans()
    ]
    return pages.render(
        request,
        "prices.html",
        who=who,
        record=record,
        plans=plans,
        metals=sheet.metals(present, proposal.typed) if proposal else sheet.metals(present),
        groups=sheet.groups(present),
        theirs=_theirs(sheet, proposal),
        overtaken=proposal.overtaken if proposal else None,
        said=said,
        kept=kept or {},
        done=request.query_params.get("done", ""),
        section="prices",
        percent=_percent(request),
        reason_max=REASON_CHARACTERS_MAX,
        status=status,
    )


async def _edit(
    request: Request,
    who: Principal,
    pages: Pages,
    queries: Any,
    proposal: Proposal,
    *,
    said: Said | None = None,
    status: int = 200,
) -> Response:
    sheet = _sheet(request, pages, proposal.present)
    place = proposal.typed.flaws.get("") or (proposal.refused.extra.get("path", "") if proposal.refused else "")
    if place and said is None:
        # Named as people call it; a place that is in no book any more, as the code does.
        name = sheet.name(tuple(str(place).split(".")), proposal.present)
        said = Said(
            "price-book-invalid", pages.says(language_of(request), {"code": "price-book-invalid", "path": name})
        )
    return pages.render(
        request,
        "edit.html",
        who=who,
        version=proposal.present.version,
        groups=sheet.groups(proposal.present, proposal.typed),
        flaw_count=len([place for place in proposal.typed.flaws if place]),
        theirs=_theirs(sheet, proposal),
        overtaken=proposal.overtaken,
        said=said,
        section="edit",
        status=status,
    )


async def _preview(
    request: Request,
    who: Principal,
    pages: Pages,
    queries: Any,
    proposal: Proposal,
    *,
    refusal: Refused | None = None,
    status: int = 200,
) -> Response:
    if proposal.book is None:
        if proposal.fields.get("form") == "metals" and not proposal.refused and "" not in proposal.typed.flaws:
            return await _front(request, who, pages, queries, proposal=proposal, status=422)
        return await _edit(request, who, pages, queries, proposal, status=422)
    try:
        check_changes(proposal.changes)
        seen = await price_books.preview_price_book(
            PreviewPriceBook(replaces=proposal.present.version, data=proposal.book.to_data()),
            queries,
            now=datetime.now(UTC),
        )
    except AlexandriteError as error:
        if not isinstance(error, Refused):
            raise
        why = pages.refusal(request, error)
        if proposal.fields.get("form") == "metals":
            return await _front(request, who, pages, queries, proposal=proposal, said=why, status=error.status)
        return await _edit(request, who, pages, queries, proposal, said=why, status=error.status)
    sheet = _sheet(request, pages, proposal.present)
    said = pages.refusal(request, refusal) if refusal else None
    plans = [known.plan for known in await queries.plans() if known.outcome is None]
    return pages.render(
        request,
        "preview.html",
        who=who,
        proposal=proposal,
        changes=sheet.changes(proposal.changes, proposal.book, proposal.present),
        theirs=_theirs(sheet, proposal),
        overtaken=proposal.overtaken,
        clashes=[plan for plan in plans if _meet(plan.changes, proposal.changes)],
        seen=preview_view(seen),
        titles=_titles(request, proposal.book, proposal.present),
        tolerance=sheet.value(("metal_tolerance",), str(proposal.book.metal_tolerance)),
        fields=proposal.fields,
        plan_id=_plan_id(proposal.fields),
        reason_said=said if said and said.code in OF_REASON else None,
        start_said=said if said and said.code in OF_START else None,
        said=said if said and said.code not in OF_REASON | OF_START else None,
        reason_max=REASON_CHARACTERS_MAX,
        section="edit",
        percent=_percent(request),
        status=status,
    )


def _untouched(present: PriceBook) -> Proposal:
    return Proposal({}, present, NOTHING_TYPED, present, ())


def _sheet(request: Request, pages: Pages, book: PriceBook) -> Sheet:
    return Sheet(pages, language_of(request), book.currency)


def _percent(request: Request) -> Any:
    language: Language = language_of(request)
    return lambda share: percent(language, share)


def _theirs(sheet: Sheet, proposal: Proposal | None) -> dict[str, dict[str, Any]]:
    """What a colleague changed meanwhile, by place."""
    if proposal is None:
        return {}
    return {change["place"]: change for change in sheet.changes(proposal.theirs, proposal.present)}


def _titles(request: Request, *books: PriceBook) -> dict[str, str]:
    """What materials are called, in the proposed book or in the one in force."""
    language = language_of(request)
    return {code: alloy.title[language] for book in reversed(books) for code, alloy in book.alloys.items()}


def _meet(one: tuple[Change, ...], other: tuple[Change, ...]) -> bool:
    return not {change.path for change in one}.isdisjoint(change.path for change in other)


def _plan_id(fields: Mapping[str, str]) -> UUID:
    """The id that the page gave what is planned from it, so that a form sent twice plans once."""
    try:
        return UUID(fields.get("plan_id", ""))
    except ValueError:
        return uuid4()
