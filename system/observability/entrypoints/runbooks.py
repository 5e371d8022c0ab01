"""Runbooks as pages: what an alert means, who is hurt, what to look at, what to do."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from system.observability.adapters.runbooks import Runbooks
from system.observability.domain.alerts import runbook_of
from system.observability.entrypoints.pages import BASE, Administrator, Shown

ADDRESS = f"{BASE}/runbooks"

router = APIRouter(prefix=ADDRESS)


def _runbooks(request: Request) -> Runbooks:
    return cast(Runbooks, request.app.state.runbooks)


TheRunbooks = Annotated[Runbooks, Depends(_runbooks)]


@router.get("")
async def runbooks_page(request: Request, who: Administrator, pages: Shown, runbooks: TheRunbooks) -> Response:
    """All of them."""
    return pages.render(request, "runbooks.html", who=who, section="alerts", titles=runbooks.titles())


@router.get("/{name}")
async def runbook_page(
    request: Request, name: str, who: Administrator, pages: Shown, runbooks: TheRunbooks
) -> Response:
    """One of them, by its own name or by its alert's."""
    found = runbooks.read(runbook_of(name))
    # Made by the renderer from text, with raw HTML left as text.
    text = Markup(found.html)  # noqa: S704
    return pages.render(request, "runbook.html", who=who, section="alerts", runbook=found, text=text)
