"""An order's scenario as a download, from its story's page or by the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from system.crm.application.commands import ExportOrder
from system.crm.application.exporting import Archive, Seen, export_order
from system.crm.application.ports import Models, Quotes
from system.crm.entrypoints.api import Queries, Staff, TheOrchestrator, Uow, hear_story
from system.crm.entrypoints.story import Line, silent_steps
from system.crm.settings import CrmSettings
from system.kernel.errors import Unavailable
from system.plumbing.auth import Principal

ZIP = "application/zip"
AS_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}, "description": "The archive"}
}
SCENARIO = "/orders/{order_id}/scenario"


@dataclass(frozen=True, slots=True)
class Export:
    """One request for an order's scenario, with all that answers it."""

    request: Request
    queries: Queries
    orchestrator: TheOrchestrator
    uow: Uow
    order_id: UUID

    async def archive(self, who: Principal) -> Archive:
        """The order's scenario; what could not be asked for just now is named in it. Raises OrderNotFound."""
        state = self.request.app.state
        settings = cast(CrmSettings, state.settings)
        order = await self.queries.order(self.order_id)
        story, told = await hear_story(order, self.orchestrator, None, who=who)
        now = datetime.now(UTC)
        seen = Seen(
            order=order,
            told=told,
            quotes=await self._quotes(order, cast(Quotes, state.quotes), who),
            now=now,
            hangs=bool(order["allowed"]) and (story.advice is not None or any(map(_holds_up, story.lines))),
            silent_steps=tuple(str(step.get("name", "")) for step in silent_steps(told, now=now)),
        )
        return await export_order(
            ExportOrder(self.order_id, who),
            seen,
            self.uow,
            cast(Models, state.models),
            bytes_max=settings.export_bytes_max,
        )

    async def answer(self, who: Principal) -> Response:
        """The archive as a browser saves it."""
        archive = await self.archive(who)
        headers = {
            "Content-Disposition": f'attachment; filename="{archive.filename}"',
            "Cache-Control": "no-store",
        }
        return Response(archive.content, media_type=ZIP, headers=headers)

    @staticmethod
    async def _quotes(order: dict[str, Any], quotes: Quotes, who: Principal) -> dict[str, dict[str, Any]]:
        """Without them a model's unit and size are not known; the scenario is worth having all the same."""
        try:
            return await quotes.of([UUID(line["quote_id"]) for line in order["lines"]], who=who)
        except Unavailable:
            return {}


def _holds_up(line: Line) -> bool:
    """Whether this is why an order waits; what is tried again, or on its way, mostly gets there in a moment."""
    return line.kind == "trouble" and line.facts["state"] in ("parked", "dead", "held")


AnExport = Annotated[Export, Depends()]
router = APIRouter()
pages = APIRouter(prefix="/crm")


@router.get(SCENARIO, response_class=Response, responses=AS_ZIP)
async def order_scenario(export: AnExport, who: Staff) -> Response:
    """The order's road as a runnable scenario, with its models and nobody's data, for whoever mends what it shows. Audited."""
    return await export.answer(who)


@pages.get(SCENARIO)
async def scenario_download(export: AnExport, who: Staff) -> Response:
    """The same, from the order's story."""
    return await export.answer(who)
