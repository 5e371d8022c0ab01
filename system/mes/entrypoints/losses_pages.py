"""Weights on the card, and the page of metal losses."""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import Refused
from system.mes.application.commands import CompleteWorkOrder, WeighWorkOrder
from system.mes.application.handlers import complete_work_order
from system.mes.application.weighing import weigh_work_order
from system.mes.domain.errors import WeightDoubtful
from system.mes.domain.weights import GRAMS_MAX, Stage
from system.mes.entrypoints import typed
from system.mes.entrypoints.api import AnOperator, Reader, operator_of
from system.mes.entrypoints.losses_api import Lost, NothingWeighed, ThePeriod, whose
from system.mes.entrypoints.pages import BASE, WORK_ORDER, AtWorkOrder, Shown, Visit, as_text
from system.pagekit.pages import is_piece
from system.plumbing.auth import Principal
from system.plumbing.unit_of_work import Answer

COLUMNS = ("operator_name", "material", "order_number", "title")
SHOWN_MAX = 200
GRAMS = ("quoted_g", "cast_g", "finished_g", "lost_g", "lost_percent")

router = APIRouter(prefix=BASE)
Typed = Annotated[str, Form(max_length=40)]
Weighed = Mapping[Stage, Decimal]


@dataclass(frozen=True, slots=True)
class Entered:
    """Weights as somebody typed them into one of the card's forms; shown again when they are refused or doubted.

    `sure`: the weights that somebody was asked about and stands by. Others are asked about anew."""

    form: Literal["weighing", "completion"]
    cast: str = ""
    finished: str = ""
    sure: str = ""
    doubts: Sequence[str] = ()

    def grams(self) -> Weighed:
        """What was filled in, understood. Raises what refuses it."""
        entered = {Stage.CAST: self.cast, Stage.FINISHED: self.finished}
        return {
            stage: typed.number(text, least=typed.A_TRIFLE, most=GRAMS_MAX)
            for stage, text in entered.items()
            if text.strip()
        }


def named(grams: Weighed) -> str:
    """These very weights, as the card's form remembers that they were asked about."""
    return " ".join(f"{stage}={value:.2f}" for stage, value in grams.items())


async def _weighs(
    visit: Visit, who: Principal, entered: Entered, do: Callable[[Weighed, bool], Awaitable[Answer]]
) -> Response:
    """Does it and shows the card; what is doubted or refused is asked on the card, and nothing that was typed is lost."""
    try:
        grams = entered.grams()
        await do(grams, bool(grams) and entered.sure == named(grams))
    except Refused as refusal:
        if isinstance(refusal, WeightDoubtful):
            entered = replace(entered, doubts=refusal.extra["doubts"], sure=named(grams))
        said = visit.pages.refusal(visit.request, refusal)
        return await visit.card(who, said=said, status=refusal.status, entered=entered)
    if is_piece(visit.request):
        return await visit.card(who)
    return RedirectResponse(f"{BASE}/work-orders/{visit.work_order_id}", status_code=303)


@router.post(f"{WORK_ORDER}/weighing")
async def weighing_form(
    visit: AtWorkOrder, who: AnOperator, cast: Typed = "", finished: Typed = "", sure: Typed = ""
) -> Response:
    """What the pieces weigh; either may be left empty."""

    async def do(grams: Weighed, confirmed: bool) -> Answer:
        if not grams:
            raise NothingWeighed()
        command = WeighWorkOrder(visit.work_order_id, operator_of(who), grams, confirmed)
        return await weigh_work_order(command, visit.uow)

    return await _weighs(visit, who, Entered("weighing", cast, finished, sure), do)


@router.post(f"{WORK_ORDER}/completion")
async def completion_form(visit: AtWorkOrder, who: AnOperator, finished: Typed = "", sure: Typed = "") -> Response:
    """Made, and perhaps weighed."""

    async def do(grams: Weighed, confirmed: bool) -> Answer:
        command = CompleteWorkOrder(visit.work_order_id, operator_of(who), grams.get(Stage.FINISHED), confirmed)
        return await complete_work_order(command, visit.uow, terms=visit.terms)

    return await _weighs(visit, who, Entered("completion", finished=finished, sure=sure), do)


# -- losses --------------------------------------------------------------------------------------------------------------


@router.get("/losses")
async def losses_page(request: Request, who: Reader, lost: Lost, pages: Shown, period: ThePeriod) -> Response:
    """Metal lost of what was made in a period, by operator and alloy."""
    begins, ends = period.moments(pages.zone)
    found = await lost.losses(begins, ends, of_operator=whose(who))
    return pages.render(
        request,
        "losses.html",
        who=who,
        found=found,
        period=period,
        norms={norm["material"]: norm for norm in found["alloys"]},
        is_present=ends > datetime.now(pages.zone),
        shows_everybody=whose(who) is None,
        most=SHOWN_MAX,
    )


@router.get("/losses.csv")
async def losses_csv(who: Reader, lost: Lost, pages: Shown, period: ThePeriod) -> Response:
    """Each work order that was made in a period, as a table for a spreadsheet, the newest first."""
    begins, ends = period.moments(pages.zone)
    found = await lost.losses(begins, ends, of_operator=whose(who))
    name = f"losses-{period.first.isoformat()}-{period.last.isoformat()}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    table = losses_table(found["work_orders"], pages.zone)
    return Response(table, media_type="text/csv; charset=utf-8", headers=headers)


def losses_table(made: Sequence[dict[str, Any]], zone: ZoneInfo) -> bytes:
    """Work orders that were made as CSV (RFC 4180), as `pay_table` writes it; what is not known stays empty."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["made_at", "operator", "material", "order", "piece", "quantity", *GRAMS, "stands_out"])
    for one in made:
        at = datetime.fromisoformat(one["made_at"]).astimezone(zone).isoformat(timespec="seconds")
        words = [as_text(one[name]) for name in COLUMNS]
        grams = ["" if one[name] is None else one[name] for name in GRAMS]
        table.writerow([at, *words, one["quantity"], *grams, "yes" if one["is_outlier"] else "no"])
    return text.getvalue().encode("utf-8-sig")
