"""The pages of administrators about badges: who has one, and the workstations where they work."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import workstations
from system.identity.application.commands import (
    GiveOneTimeCode,
    IssueBadge,
    RegisterWorkstation,
    RevokeBadge,
    RevokeWorkstation,
    UnlockBadge,
)
from system.identity.application.workstations import OneTimeCode
from system.identity.entrypoints.api import (
    DEVICE_COOKIE,
    Administrator,
    DeviceSecret,
    HandlerTools,
    Queries,
    author_of,
)
from system.identity.entrypoints.badge_api import remember_device
from system.identity.entrypoints.badge_schemas import BadgeView, WorkstationName, WorkstationView
from system.identity.entrypoints.people import BASE
from system.identity.entrypoints.schemas import UserView
from system.kernel.errors import Refused
from system.pagekit.codes import qr_code
from system.pagekit.pages import Pages
from system.plumbing.auth import Principal

WORKSTATIONS = f"{BASE}/workstations"

router = APIRouter(prefix=BASE)


# -- workstations --------------------------------------------------------------------------------------------------------


@router.get("/workstations")
async def workstations_page(
    request: Request, who: Administrator, queries: Queries, tools: HandlerTools, device: DeviceSecret = None
) -> Response:
    """The workstations, and whether this browser is one."""
    return await _workstations(request, who, queries, tools, device)


@router.post("/workstations")
async def workstation_form(
    request: Request,
    who: Administrator,
    queries: Queries,
    tools: HandlerTools,
    name: Annotated[WorkstationName, Form()],
    device: DeviceSecret = None,
) -> Response:
    """Makes this browser a workstation."""
    command = RegisterWorkstation(name=name, by=author_of(who), device_secret=device)
    try:
        registered = await workstations.register_workstation(command, tools)
    except Refused as refusal:
        return await _workstations(request, who, queries, tools, device, name=name, refusal=refusal)
    response = RedirectResponse(WORKSTATIONS, status_code=303)
    remember_device(registered.secret, request, response)
    return response


@router.post("/workstations/{workstation_id}/revocation")
async def revoke_workstation_form(
    request: Request,
    who: Administrator,
    queries: Queries,
    tools: HandlerTools,
    workstation_id: UUID,
    device: DeviceSecret = None,
) -> Response:
    """Takes a workstation away, this one or another; sessions by badge at it end."""
    here = await workstations.workstation_here(device, tools)
    try:
        await workstations.revoke_workstation(RevokeWorkstation(workstation_id, by=author_of(who)), tools)
    except Refused as refusal:
        return await _workstations(request, who, queries, tools, device, refusal=refusal)
    response = RedirectResponse(WORKSTATIONS, status_code=303)
    if here is not None and here.workstation_id == workstation_id:
        response.delete_cookie(DEVICE_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _workstations(
    request: Request,
    who: Principal,
    queries: Queries,
    tools: HandlerTools,
    device: str | None,
    *,
    name: str = "",
    refusal: Refused | None = None,
) -> Response:
    pages: Pages = request.app.state.pages
    here = await workstations.workstation_here(device, tools)
    return pages.render(
        request,
        "workstations.html",
        who=who,
        here=str(here.workstation_id) if here else "",
        items=[WorkstationView.of(each).model_dump(mode="json") for each in await queries.workstations()],
        name=name,
        said=pages.refusal(request, refusal) if refusal else None,
        status=refusal.status if refusal else 200,
    )


# -- a person's badge ----------------------------------------------------------------------------------------------------


@router.get("/{user_id}/badge")
async def person_badge_page(request: Request, who: Administrator, queries: Queries, user_id: UUID) -> Response:
    """How it is with somebody's badge and PIN, and what to do about it."""
    return await _badge(request, who, queries, user_id)


@router.post("/{user_id}/badge")
async def badge_form(
    request: Request,
    who: Administrator,
    queries: Queries,
    tools: HandlerTools,
    user_id: UUID,
    replaces: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Gives a badge in place of the one shown; its card, this once."""
    command = IssueBadge(user_id=user_id, replaces=replaces, by=author_of(who))
    try:
        issued = await workstations.issue_badge(command, tools)
    except Refused as refusal:
        return await _badge(request, who, queries, user_id, refusal=refusal)
    pages: Pages = request.app.state.pages
    return pages.render(
        request,
        "badge_card.html",
        who=who,
        person=UserView.of(issued.user).model_dump(mode="json"),
        code=issued.code,
        picture=qr_code(issued.code),
        one_time=issued.one_time,
    )


@router.post("/{user_id}/badge/revocation")
async def revoke_badge_form(
    request: Request, who: Administrator, queries: Queries, tools: HandlerTools, user_id: UUID
) -> Response:
    """Ends somebody's badge and the sessions that it opened."""
    try:
        await workstations.revoke_badge(RevokeBadge(user_id, by=author_of(who)), tools)
    except Refused as refusal:
        return await _badge(request, who, queries, user_id, refusal=refusal)
    return _back(user_id)


@router.post("/{user_id}/badge/one-time-code")
async def one_time_code_form(
    request: Request, who: Administrator, queries: Queries, tools: HandlerTools, user_id: UUID
) -> Response:
    """Gives a one-time code, shown this once."""
    try:
        given = await workstations.give_one_time_code(GiveOneTimeCode(user_id, by=author_of(who)), tools)
    except Refused as refusal:
        return await _badge(request, who, queries, user_id, refusal=refusal)
    return await _badge(request, who, queries, user_id, one_time=given)


@router.post("/{user_id}/badge/unlock")
async def unlock_badge_form(
    request: Request, who: Administrator, queries: Queries, tools: HandlerTools, user_id: UUID
) -> Response:
    """Forgives wrong PINs, so that the badge opens again."""
    try:
        await workstations.unlock_badge(UnlockBadge(user_id, by=author_of(who)), tools)
    except Refused as refusal:
        return await _badge(request, who, queries, user_id, refusal=refusal)
    return _back(user_id)


def _back(user_id: UUID) -> Response:
    return RedirectResponse(f"{BASE}/{user_id}/badge", status_code=303)


async def _badge(
    request: Request,
    who: Principal,
    queries: Queries,
    user_id: UUID,
    *,
    one_time: OneTimeCode | None = None,
    refusal: Refused | None = None,
) -> Response:
    user = await queries.user(user_id)
    state = (await queries.badges_of([user_id]))[user_id]
    pages: Pages = request.app.state.pages
    return pages.render(
        request,
        "person_badge.html",
        who=who,
        person=UserView.of(user).model_dump(mode="json"),
        badge=BadgeView.of(state).model_dump(mode="json"),
        one_time=one_time,
        said=pages.refusal(request, refusal) if refusal else None,
        status=refusal.status if refusal else 200,
    )
