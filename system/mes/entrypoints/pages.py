"""MES's pages beside the board: a work order's card, what an operator holds and earned. Each works without a script."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, cast
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.money import Money
from system.mes.adapters.queries import BoardFilter
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
from system.mes.entrypoints.sentences import NAMES, PROBLEMS, own_reason
from system.mes.settings import MesSettings
from system.pagekit.codes import qr_code
from system.pagekit.models import ModelMissing, model_route
from system.pagekit.pages import Pages, Said, is_piece
from system.plumbing.auth import Principal
from system.plumbing.unit_of_work import Answer

BASE = "/mes"

router = APIRouter(prefix=BASE)


def pages_of(settings: MesSettings) -> Pages:
    """MES's pages."""
    return Pages(BASE, Path(__file__).parent, settings, problems=PROBLEMS, names=NAMES)


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


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


Shown = Annotated[Pages, Depends(_pages)]
Why = Annotated[schemas.Reason, Form()]
LabelField = Annotated[schemas.Label, Form()]
Handler = Callable[..., Awaitable[Answer]]


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
        return await self.pages.attempt(self.request, lambda: handler(command, self.uow, terms=self.terms), missing=())

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
    return visit.pages.render(visit.request, "slip.html", who=who, w=work_order, address=address, code=qr_code(address))


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
