"""The pages of whoever answers for the whole road: what hangs, what was set aside, who did what, what services disagree about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Query, Request, Response

from system.kernel.errors import Refused, Unavailable
from system.orchestrator.application import deeds, replays
from system.orchestrator.application.heaps import heaps_of
from system.orchestrator.application.replays import ReplayMessages
from system.orchestrator.domain.budgets import Attention
from system.orchestrator.entrypoints.api import Administrator, Desks, reconcile
from system.orchestrator.settings import OrchestratorSettings
from system.pagekit.pages import Pages
from system.pagekit.words import N_

BASE = "/operations"
PAGE_ROWS = 100
# What of one heap is shown at once; a deed is for the whole heap all the same.
SHOWN_MAX = 50
SET_ASIDE = ("parked", "dead", "refused")
ON_THEIR_WAY = ("retry", "waiting", "held")
State = Literal["parked", "dead", "refused", "retry", "waiting", "held"]

NAMES = {
    "message_state": {
        "parked": N_("Set aside after too many attempts"),
        "dead": N_("Not readable"),
        "refused": N_("Refused: does not fit"),
        "retry": N_("Tried again soon"),
        "waiting": N_("Waiting for its turn"),
        "held": N_("Waiting for an earlier one"),
    },
}
PROBLEMS = {
    "message-unreadable": N_("It still cannot be read, so nothing was delivered. Mend its content below: %(detail)s"),
    "message-unknown": N_("This message is not there any more. Load the page again."),
    "content-invalid": N_("The content is not JSON: %(detail)s"),
    "amended-many": N_("Mended content fits one message only."),
}

router = APIRouter(prefix=BASE)


class ContentInvalid(Refused):
    """What was typed is not a message's content."""

    status = 422


def pages_of(settings: OrchestratorSettings) -> Pages:
    """The pages of operations."""
    return Pages(BASE, Path(__file__).parent, settings, problems=PROBLEMS, names=NAMES)


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


def _desks(request: Request) -> Desks:
    return cast(Desks, request.app.state.desks)


Shown = Annotated[Pages, Depends(_pages)]
TheDesks = Annotated[Desks, Depends(_desks)]


@router.get("/")
async def messages_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    desks: TheDesks,
    which: Literal["aside", "moving"] = "aside",
) -> Response:
    """Messages that were set aside, heaped by what is wrong with them; or those that are still tried by themselves."""
    states = SET_ASIDE if which == "aside" else ON_THEIR_WAY
    items, silent = await replays.list_attention(desks.peers, list(states))
    return pages.render(
        request,
        "messages.html",
        who=who,
        which=which,
        heaps=heaps_of(items),
        shown_max=SHOWN_MAX,
        silent=silent,
        section="messages",
    )


@router.post("/replays")
async def replay_form(
    request: Request,
    who: Administrator,
    pages: Shown,
    desks: TheDesks,
    service: Annotated[str, Form(max_length=40)],
    ids: Annotated[list[UUID], Form(max_length=1000)],
    confirmed: Annotated[bool, Form()] = False,
    content: Annotated[str, Form(max_length=100_000)] = "",
) -> Response:
    """First shows what would be delivered again, with the same ids; confirmed, it is. `content` replaces a single one's content."""
    said, result = None, None
    try:
        command = ReplayMessages(
            actor=who.name or who.email,
            service=service,
            ids=tuple(ids),
            dry_run=not confirmed,
            amended_body=_amended(content),
            principal=who,
        )
        result = await replays.replay_messages(command, request.app.state.make_uow, desks.peers)
    except (Refused, Unavailable) as refusal:
        said = pages.refusal(request, refusal)
    return pages.render(
        request,
        "replay.html",
        who=who,
        service=service,
        ids=ids,
        content=content,
        confirmed=confirmed and said is None,
        result=result,
        said=said,
        section="messages",
    )


@router.get("/orders")
async def orders_page(
    request: Request, who: Administrator, pages: Shown, desks: TheDesks, attention: Attention = Attention.STUCK
) -> Response:
    """Orders that hang, or whose promise is at risk, the worst first."""
    if attention is Attention.NONE:
        attention = Attention.STUCK
    found = await desks.queries.needing_attention(attention, after=None, limit=PAGE_ROWS)
    return pages.render(
        request, "orders.html", who=who, items=found, attention=attention.value, limit=PAGE_ROWS, section="orders"
    )


@router.get("/audit")
async def audit_page(
    request: Request,
    who: Administrator,
    pages: Shown,
    desks: TheDesks,
    actor: Annotated[str, Query(max_length=100)] = "",
    subject: Annotated[str, Query(max_length=200)] = "",
    before: datetime | None = None,
) -> Response:
    """Who did what, in every service, the newest first."""
    actor, subject = actor.strip(), subject.strip()
    if before is not None and before.tzinfo is None:
        before = None
    found, following, silent = await deeds.list_deeds(
        desks.peers, before=before, actor=actor, subject=subject, limit=PAGE_ROWS
    )
    kept = {name: value for name, value in (("actor", actor), ("subject", subject)) if value}
    more = f"{BASE}/audit?{urlencode(kept | {'before': following.isoformat()})}" if following else None
    return pages.render(
        request,
        "audit.html",
        who=who,
        items=found,
        actor=actor,
        subject=subject,
        more=more,
        silent=silent,
        section="audit",
    )


@router.get("/reconciliation")
async def reconciliation_page(request: Request, who: Administrator, pages: Shown, desks: TheDesks) -> Response:
    """What the services disagree about."""
    report = await reconcile(desks, None)
    return pages.render(request, "reconciliation.html", who=who, report=report, section="reconciliation")


def _amended(content: str) -> dict[str, Any] | None:
    if not content.strip():
        return None
    try:
        told = json.loads(content)
    except ValueError as error:
        raise ContentInvalid("content-invalid", str(error)) from error
    if not isinstance(told, Mapping):
        raise ContentInvalid("content-invalid", "it has to be an object: {...}")
    return dict(told)
