"""MES's pages: the board, a work order's card, what an operator holds and earned. Each works without a script; with one it is live."""

from __future__ import annotations

import asyncio
import csv
import io
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import Refused
from system.kernel.money import Money
from system.mes.adapters.queries import BoardFilter, MesQueries
from system.mes.application import handlers
from system.mes.application.commands import (
    AssignWorkOrder,
    ClaimWorkOrder,
    HandOverWorkOrder,
    ReportProgress,
    ReturnWorkOrder,
    ShipWorkOrder,
    StartPacking,
    StartRework,
    UndoCompletion,
)
from system.mes.application.views import money_view
from system.mes.domain.work_order import Parcel
from system.mes.entrypoints import labels, schemas
from system.mes.entrypoints.api import Agreed, AnOperator, Assigner, Queries, Reader, Uow, meet, operator_of
from system.mes.entrypoints.sentences import PROBLEMS, own_reason
from system.mes.settings import MesSettings
from system.pagekit import live
from system.pagekit.languages import LANGUAGES, language_of
from system.pagekit.models import ModelMissing, model_route
from system.pagekit.pages import Pages, Said, is_piece
from system.plumbing.auth import Principal
from system.plumbing.unit_of_work import Answer

BASE = "/mes"
PAGE_ROWS = 40
COUNTED_EVERY_S = 1.0
# More than this at once is no news to be slid in: the list is loaded again.
CAUGHT_UP_MAX = 500

router = APIRouter(prefix=BASE)


def pages_of(settings: MesSettings) -> Pages:
    """MES's pages."""
    return Pages(BASE, Path(__file__).parent, settings, problems=PROBLEMS)


def watch_of(queries: MesQueries, pages: Pages) -> live.Watch:
    """What every open board of this process is told from."""

    async def write(ids: Sequence[UUID]) -> Sequence[live.Change]:
        return [_change(pages, work_order) for work_order in await queries.work_orders(ids)]

    return live.watch_rows(queries.changed_since, write, at_once=CAUGHT_UP_MAX)


def _change(pages: Pages, work_order: dict[str, Any]) -> live.Change:
    at = datetime.fromisoformat(work_order["state_since"])
    about = {
        name: work_order[name] for name in ("work_order_id", "state", "claimed_by", "claimed_by_id", "approved_at")
    }
    words = {
        language: orjson.dumps(
            about | {"row": pages.fragment(language, "board_row.html", w=work_order, viewer=None, said=None)}
        ).decode()
        for language in LANGUAGES
    }
    return live.Change((UUID(work_order["work_order_id"]), at), at, "work-order", words)


@dataclass(frozen=True, slots=True)
class Month:
    """One month of earnings: its first day, its sum, and (day, sum, claims) of each day, newest first."""

    begins: date
    total: dict[str, str]
    days: tuple[tuple[date, dict[str, str], int], ...]


def by_month(days: Sequence[tuple[date, Money, int]]) -> list[Month]:
    """Days, newest first, as months, newest first."""
    months = []
    for begins, group in groupby(days, key=lambda one: one[0].replace(day=1)):
        own = list(group)
        total = Money(sum((money.amount for _, money, _ in own), Decimal(0)), own[0][1].currency)
        months.append(Month(begins, money_view(total), tuple((day, money_view(money), n) for day, money, n in own)))
    return months


def pay_table(entries: Sequence[dict[str, Any]], zone: ZoneInfo) -> bytes:
    """Ledger entries as CSV (RFC 4180) that spreadsheets open as UTF-8 and never take for formulas."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["at", "order", "piece", "kind", "amount", "currency"])
    for entry in entries:
        at = datetime.fromisoformat(entry["at"]).astimezone(zone).isoformat(timespec="seconds")
        words = [as_text(entry[name]) for name in ("order_number", "title", "kind")]
        table.writerow([at, *words, entry["amount"]["amount"], entry["amount"]["currency"]])
    return text.getvalue().encode("utf-8-sig")


def as_text(cell: str) -> str:
    """A customer named the piece: what a spreadsheet would compute is shown as it was written."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


class Tally:
    """How much work waits in each state, counted at most once a second however many boards ask."""

    def __init__(self, queries: MesQueries) -> None:
        self._queries = queries
        self._turn = asyncio.Lock()
        self._counted: dict[str, int] = {}
        self._at = float("-inf")

    async def counts(self) -> dict[str, int]:
        """By state, and how many of the free ones are escalated; a second old at most."""
        async with self._turn:
            if time.monotonic() - self._at > COUNTED_EVERY_S:
                self._counted = await self._queries.counts()
                self._at = time.monotonic()
        return self._counted


# -- the board -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wishes:
    """The filters as the address has them; empty means all."""

    status: schemas.WorkableState = "RELEASED"
    material: Annotated[str, Query(max_length=60)] = ""
    channel: Annotated[str, Query(max_length=20)] = ""
    due: Literal["", "late", "3", "7", "14"] = ""
    number: Annotated[str, Query(max_length=40)] = ""
    escalated: bool = False

    def filter(self, now: datetime) -> BoardFilter:
        """As the queries want it."""
        return BoardFilter(
            state=self.status,
            material=self.material or None,
            channel=self.channel or None,
            escalated=True if self.escalated else None,
            number=self.number.strip().upper() or None,
            due_before=now + timedelta(days=0 if self.due == "late" else int(self.due)) if self.due else None,
        )

    def address(self, **other: Any) -> str:
        """The board's address with these filters, some of them changed."""
        given = {
            "status": self.status,
            "material": self.material,
            "channel": self.channel,
            "due": self.due,
            "number": self.number,
            "escalated": "true" if self.escalated else "",
        } | other
        kept = {name: value for name, value in given.items() if value and (name, value) != ("status", "RELEASED")}
        return f"{BASE}/?{urlencode(kept)}" if kept else f"{BASE}/"


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


Shown = Annotated[Pages, Depends(_pages)]
Why = Annotated[schemas.Reason, Form()]
LabelField = Annotated[schemas.Label, Form()]
Handler = Callable[..., Awaitable[Answer]]


@router.get("/")
async def board_page(
    request: Request,
    who: Reader,
    queries: Queries,
    pages: Shown,
    wishes: Annotated[Wishes, Depends()],
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Work that can be done, the newest approved first; asked by htmx with a cursor: the next rows only."""
    await meet(request, who)
    now = datetime.now(UTC)
    found = await queries.board(wishes.filter(now), cursor=cursor, limit=PAGE_ROWS)
    more = wishes.address(cursor=found["next"]) if found["next"] else None
    shown = {
        "items": found["items"],
        "more": more,
        "viewer": str(who.subject),
        "wishes": wishes,
        "who": who,
        "said": None,
    }
    if is_piece(request) and cursor:
        return pages.render(request, "board_rows.html", **shown)
    counts = await request.app.state.tally.counts()
    materials = await queries.materials()
    return pages.render(request, "board.html", counts=counts, materials=materials, since=now.isoformat(), **shown)


@router.get("/counts")
async def counts_piece(request: Request, who: Reader, pages: Shown) -> Response:
    """The numbers on the tabs, for a board that saw something change."""
    return pages.render(request, "board_counts.html", who=who, counts=await request.app.state.tally.counts())


@router.get("/events")
async def board_events(request: Request, who: Reader) -> Response:
    """Every change of a work order as it happens (server-sent events)."""
    now = datetime.now(UTC)
    watch: live.Watch = request.app.state.watch
    return live.stream(request, watch, since=live.moment_of(request, now), language=language_of(request))


# -- one work order ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Visit:
    """One request about one work order, with all that answers it."""

    request: Request
    queries: Queries
    pages: Shown
    uow: Uow
    terms: Agreed
    work_order_id: UUID

    async def does(self, who: Principal, handler: Handler, command: Any) -> Response:
        """Does it and shows the card; a refusal is said on the card, which is as it is now."""
        said, status = await self.tries(handler, command)
        if said is None and not is_piece(self.request):
            return RedirectResponse(f"{BASE}/work-orders/{self.work_order_id}", status_code=303)
        return await self.card(who, said=said, status=status)

    async def tries(self, handler: Handler, command: Any) -> tuple[Said | None, int]:
        """Does it: what was refused, if it was, and the status that means it."""
        try:
            await handler(command, self.uow, terms=self.terms)
        except Refused as refusal:
            return self.pages.refusal(self.request, refusal), refusal.status
        return None, 200

    async def card(
        self, who: Principal, *, said: Said | None = None, status: int = 200, entered: Any = None
    ) -> Response:
        """The card as it is now, with what was typed and refused; asked by htmx, without the page around it."""
        work_order = await self.queries.work_order(self.work_order_id)
        gives_out = who.has("seller", "administrator") and (work_order["escalated"] or work_order["state"] == "CLAIMED")
        known = (await self.queries.operators())["items"] if gives_out else []
        operators = [each for each in known if each["operator_id"] != work_order["claimed_by_id"]]
        piece = is_piece(self.request)
        return self.pages.render(
            self.request,
            "card_piece.html" if piece else "card.html",
            who=who,
            w=work_order,
            viewer=str(who.subject),
            operators=operators,
            said=said,
            entered=entered,
            own_reason=own_reason,
            # A piece says itself what was refused; a browser would report any other status as a fault of the page.
            status=200 if piece else status,
        )


AtWorkOrder = Annotated[Visit, Depends()]
WORK_ORDER = "/work-orders/{work_order_id}"


@router.get(WORK_ORDER)
async def work_order_page(visit: AtWorkOrder, who: Reader) -> Response:
    """The card: what is to be made, for whom nobody is told, and what can be done now."""
    return await visit.card(who)


async def file_of_work_order(who: Reader, queries: Queries, work_order_id: UUID) -> UUID:
    """Whoever may open the card may see what is to be made. Raises ModelMissing for goods of the catalogue."""
    file_id = (await queries.work_order(work_order_id))["file_id"]
    if file_id is None:
        raise ModelMissing()
    return UUID(file_id)


router.include_router(model_route(f"{WORK_ORDER}/model", file_of_work_order))


@router.post(f"{WORK_ORDER}/claim")
async def claim_form(visit: AtWorkOrder, who: AnOperator) -> Response:
    """Takes it. On the board the row answers: yours, or whose."""
    command = ClaimWorkOrder(visit.work_order_id, operator_of(who))
    if not visit.request.headers.get("hx-target", "").startswith("wo-"):
        return await visit.does(who, handlers.claim_work_order, command)
    said, _ = await visit.tries(handlers.claim_work_order, command)
    work_order = await visit.queries.work_order(visit.work_order_id)
    # Pressed twice: the second press finds what the first one won.
    if work_order["claimed_by_id"] == str(who.subject):
        said = None
    return visit.pages.render(
        visit.request, "board_row.html", who=who, w=work_order, viewer=str(who.subject), said=said
    )


@router.post(f"{WORK_ORDER}/assignment")
async def assignment_form(visit: AtWorkOrder, who: Assigner, operator_id: Annotated[UUID, Form()]) -> Response:
    """A seller gives what nobody took to an operator."""
    command = AssignWorkOrder(visit.work_order_id, operator_id, None, operator_of(who))
    return await visit.does(who, handlers.assign_work_order, command)


@router.post(f"{WORK_ORDER}/handover")
async def handover_form(visit: AtWorkOrder, who: Assigner, operator_id: Annotated[UUID, Form()]) -> Response:
    """A seller gives what somebody holds to another operator."""
    command = HandOverWorkOrder(visit.work_order_id, operator_id, None, operator_of(who))
    return await visit.does(who, handlers.hand_over_work_order, command)


@router.post(f"{WORK_ORDER}/return")
async def return_form(visit: AtWorkOrder, who: AnOperator, reason: Why) -> Response:
    """Back to the board."""
    command = ReturnWorkOrder(visit.work_order_id, operator_of(who), reason)
    return await visit.does(who, handlers.return_work_order, command)


@router.post(f"{WORK_ORDER}/progress")
async def progress_form(visit: AtWorkOrder, who: AnOperator) -> Response:
    """Still at it."""
    command = ReportProgress(visit.work_order_id, operator_of(who))
    return await visit.does(who, handlers.report_progress, command)


@router.post(f"{WORK_ORDER}/undo")
async def undo_form(visit: AtWorkOrder, who: AnOperator) -> Response:
    """Not made after all."""
    command = UndoCompletion(visit.work_order_id, operator_of(who))
    return await visit.does(who, handlers.undo_completion, command)


@router.post(f"{WORK_ORDER}/rework")
async def rework_form(visit: AtWorkOrder, who: AnOperator, reason: Why) -> Response:
    """Back to the bench."""
    command = StartRework(visit.work_order_id, operator_of(who), reason)
    return await visit.does(who, handlers.start_rework, command)


@router.post(f"{WORK_ORDER}/packing")
async def packing_form(visit: AtWorkOrder, who: AnOperator) -> Response:
    """Packing begins."""
    command = StartPacking(visit.work_order_id, operator_of(who))
    return await visit.does(who, handlers.start_packing, command)


@router.post(f"{WORK_ORDER}/shipment")
async def shipment_form(
    visit: AtWorkOrder, who: AnOperator, carrier: LabelField, tracking_number: LabelField
) -> Response:
    """The carrier has it."""
    command = ShipWorkOrder(visit.work_order_id, operator_of(who), Parcel(carrier, tracking_number))
    return await visit.does(who, handlers.ship_work_order, command)


@router.get(f"{WORK_ORDER}/slip")
async def slip_page(visit: AtWorkOrder, who: Reader) -> Response:
    """The label that goes with the piece, to be printed: what it is and the way back to its card; no price, and nobody's name."""
    work_order = await visit.queries.work_order(visit.work_order_id)
    settings: MesSettings = visit.request.app.state.settings
    address = labels.card_address(settings.public_url, visit.work_order_id)
    return visit.pages.render(
        visit.request, "slip.html", who=who, w=work_order, address=address, code=labels.code_of(address)
    )


@router.get("/scan")
async def scan_page(
    request: Request,
    who: Reader,
    queries: Queries,
    pages: Shown,
    code: Annotated[str, Query(max_length=labels.CODE_CHARACTERS_MAX)] = "",
) -> Response:
    """From what was scanned or typed to the card; to a choice where an order has several pieces."""
    wanted = labels.read(code)
    if isinstance(wanted, UUID):
        return RedirectResponse(f"{BASE}/work-orders/{wanted}", status_code=303)
    found = await queries.of_number(wanted) if wanted else []
    if len(found) == 1:
        return RedirectResponse(f"{BASE}/work-orders/{found[0]['work_order_id']}", status_code=303)
    return pages.render(request, "scan.html", who=who, items=found, code=code, status=200 if found else 404)


# -- one operator --------------------------------------------------------------------------------------------------------


@router.get("/mine")
async def mine_page(request: Request, who: AnOperator, queries: Queries, pages: Shown) -> Response:
    """What the operator holds, with what can be done next."""
    await meet(request, who)
    found = await queries.board(BoardFilter(held_by=who.subject), cursor=None, limit=100)
    return pages.render(
        request, "mine.html", who=who, items=found["items"], viewer=str(who.subject), operators=[], said=None
    )


@router.get("/pay")
async def pay_page(
    request: Request,
    who: AnOperator,
    queries: Queries,
    pages: Shown,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """What the operator earned, by month and day, and the ledger itself, newest first."""
    found = await queries.pay(who.subject, cursor=cursor, limit=100)
    more = f"{BASE}/pay?{urlencode({'cursor': found['next']})}" if found["next"] else None
    months = by_month(await queries.earned_by_day(who.subject, zone=pages.zone.key))
    return pages.render(
        request, "pay.html", who=who, items=found["items"], total=found["total"], more=more, months=months
    )


@router.get("/pay.csv")
async def pay_csv(
    who: AnOperator,
    queries: Queries,
    pages: Shown,
    month: Annotated[str, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")],
) -> Response:
    """The operator's ledger of one month as a table for a spreadsheet, oldest first."""
    entries = await queries.ledger_of_month(who.subject, zone=pages.zone.key, month=date.fromisoformat(f"{month}-01"))
    name = f"pay-{month}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(pay_table(entries, pages.zone), media_type="text/csv; charset=utf-8", headers=headers)
