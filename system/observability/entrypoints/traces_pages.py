"""Pages: the trace of an order, found by its number; and any other trace."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import NotFound, Unavailable
from system.observability.adapters.peers import HttpOrders
from system.observability.adapters.queries import TraceQueries
from system.observability.application.traces import Shown as Wanted
from system.observability.application.traces import order_view, view_of
from system.observability.entrypoints.pages import BASE, Shown, Support, lasting_of
from system.observability.entrypoints.traces_api import trace_of
from system.observability.settings import ObservabilitySettings
from system.pagekit.pages import is_piece

Lines = Literal["all", "warnings", "none"]
Services = Annotated[list[str] | None, Query(max_length=20)]

router = APIRouter(prefix=BASE)


class OrderUnknown(NotFound):
    """No order has this number."""


@router.get("/orders")
async def orders_page(
    request: Request, who: Support, pages: Shown, number: Annotated[str, Query(max_length=60)] = ""
) -> Response:
    """Asks for an order's number, and leads to its trace."""
    orders: HttpOrders = request.app.state.orders
    said, status = None, 200
    wanted = number.strip()
    if wanted:
        try:
            found = await orders.order_id(wanted)
            if found is not None:
                return RedirectResponse(f"{BASE}/orders/{found}", status_code=303)
            raise OrderUnknown("order-unknown", f"There is no order {wanted}.")
        except (OrderUnknown, Unavailable) as refusal:
            said, status = pages.refusal(request, refusal), refusal.status
    return pages.render(
        request, "trace_search.html", who=who, number=wanted, said=said, status=status, section="orders"
    )


@router.get("/orders/{order_id}")
async def order_trace_page(
    request: Request, who: Support, pages: Shown, order_id: UUID, service: Services = None, lines: Lines = "all"
) -> Response:
    """Everything that was done for an order, on one axis of time; its messages; who looked at it."""
    queries: TraceQueries = request.app.state.traces
    orders: HttpOrders = request.app.state.orders
    wanted = Wanted(frozenset(service or ()), lines)
    view = await order_view(queries, orders, order_id, wanted)
    return pages.render(
        request,
        "trace_piece.html" if is_piece(request) else "trace.html",
        who=who,
        order_id=order_id,
        view=view.trace,
        order=view.order,
        messages=view.messages,
        silent=view.silent,
        is_open=view.is_open,
        wanted=wanted,
        spans_max=_spans_max(request),
        address=f"{BASE}/orders/{order_id}",
        lasts=lasting_of(request),
        section="orders",
    )


@router.get("/traces/{trace_id}")
async def trace_page(
    request: Request, who: Support, pages: Shown, trace_id: str, service: Services = None, lines: Lines = "all"
) -> Response:
    """One trace that need not be an order's."""
    queries: TraceQueries = request.app.state.traces
    known = trace_of(trace_id)
    wanted = Wanted(frozenset(service or ()), lines)
    return pages.render(
        request,
        "trace_piece.html" if is_piece(request) else "trace.html",
        who=who,
        order_id=None,
        view=view_of(known, await queries.of_trace(known), wanted),
        order=None,
        messages=(),
        silent=(),
        is_open=False,
        wanted=wanted,
        spans_max=_spans_max(request),
        address=f"{BASE}/traces/{known.hex}",
        lasts=lasting_of(request),
        section="orders",
    )


def _spans_max(request: Request) -> int:
    settings: ObservabilitySettings = request.app.state.settings
    return settings.trace_spans_max
