"""Identity's HTTP API about workstations, badges and PINs."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response

from system.identity.application import badges, workstations
from system.identity.application.commands import (
    ChoosePin,
    GiveOneTimeCode,
    IssueBadge,
    RegisterWorkstation,
    RevokeBadge,
    RevokeWorkstation,
    SignInByBadge,
    UnlockBadge,
)
from system.identity.domain.errors import PasswordNeeded
from system.identity.entrypoints.api import (
    DEVICE_COOKIE,
    Administrator,
    DeviceSecret,
    HandlerTools,
    Queries,
    author_of,
    session_answer,
)
from system.identity.entrypoints.badge_schemas import (
    BadgeBody,
    BadgeSessionBody,
    BadgeView,
    FirstBadgeSessionBody,
    IssuedView,
    OneTimeCodeView,
    PinBody,
    WorkstationBody,
    WorkstationList,
    WorkstationView,
)
from system.identity.entrypoints.schemas import SessionAnswer
from system.identity.settings import IdentitySettings
from system.plumbing.auth import Principal, Unauthenticated, principal_of, public, refuse_cross_site, require

router = APIRouter()
AnOperator = Annotated[Principal, require("operator")]


# -- workstations --------------------------------------------------------------------------------------------------------


@router.get("/workstations")
async def list_workstations(_: Administrator, queries: Queries) -> WorkstationList:
    """The workstations that were not revoked, by name."""
    return WorkstationList(items=[WorkstationView.of(each) for each in await queries.workstations()])


@router.post("/workstations", status_code=201)
async def register_workstation(
    request: Request,
    body: WorkstationBody,
    response: Response,
    who: Administrator,
    tools: HandlerTools,
    device: DeviceSecret = None,
) -> WorkstationView:
    """Makes whoever asks a workstation, by a cookie. 409 `workstation-name-taken`, `workstation-already`."""
    command = RegisterWorkstation(name=body.name, by=author_of(who), device_secret=device)
    registered = await workstations.register_workstation(command, tools)
    remember_device(registered.secret, request, response)
    return WorkstationView.of(registered.workstation)


@router.delete("/workstations/{workstation_id}", status_code=204)
async def revoke_workstation(workstation_id: UUID, who: Administrator, tools: HandlerTools) -> Response:
    """Takes a workstation away; sessions at it end. 404 `workstation-unknown`."""
    await workstations.revoke_workstation(RevokeWorkstation(workstation_id, by=author_of(who)), tools)
    return Response(status_code=204)


def remember_device(secret: str, request: Request, response: Response) -> None:
    """Gives the browser the cookie that makes it a workstation, for a long time from now."""
    settings: IdentitySettings = request.app.state.settings
    response.set_cookie(
        DEVICE_COOKIE,
        secret,
        max_age=settings.workstation_kept_s,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )


# -- people's badges -----------------------------------------------------------------------------------------------------


@router.get("/users/{user_id}/badge")
async def show_badge(user_id: UUID, _: Administrator, queries: Queries) -> BadgeView:
    """How it is with somebody's badge and PIN."""
    user = await queries.user(user_id)
    return BadgeView.of((await queries.badges_of([user.user_id]))[user.user_id])


@router.post("/users/{user_id}/badge", status_code=201)
async def issue_badge(user_id: UUID, body: BadgeBody, who: Administrator, tools: HandlerTools) -> IssuedView:
    """Gives an operator a badge in place of the one named. 409 `badge-changed` when they have another one by now."""
    command = IssueBadge(user_id=user_id, replaces=body.replaces, by=author_of(who))
    return IssuedView.of(await workstations.issue_badge(command, tools))


@router.delete("/users/{user_id}/badge", status_code=204)
async def revoke_badge(user_id: UUID, who: Administrator, tools: HandlerTools) -> Response:
    """Ends somebody's badge and the sessions that it opened. 404 `badge-unknown`."""
    await workstations.revoke_badge(RevokeBadge(user_id, by=author_of(who)), tools)
    return Response(status_code=204)


@router.post("/users/{user_id}/badge/one-time-codes", status_code=201)
async def give_one_time_code(user_id: UUID, who: Administrator, tools: HandlerTools) -> OneTimeCodeView:
    """Lets somebody choose a PIN anew, and ends the old one. 404 `badge-unknown`."""
    return OneTimeCodeView.of(await workstations.give_one_time_code(GiveOneTimeCode(user_id, by=author_of(who)), tools))


@router.delete("/users/{user_id}/badge/lock", status_code=204)
async def unlock_badge(user_id: UUID, who: Administrator, tools: HandlerTools) -> Response:
    """Forgives wrong PINs, so that the badge opens again. 404 `badge-unknown`."""
    await workstations.unlock_badge(UnlockBadge(user_id, by=author_of(who)), tools)
    return Response(status_code=204)


# -- at the workstation --------------------------------------------------------------------------------------------------


@router.put("/me/pin", status_code=204)
async def choose_pin(body: PinBody, who: AnOperator, tools: HandlerTools) -> Response:
    """Sets the own PIN; not from a session by badge. 422 says what is wrong with it."""
    with_password(who)
    await badges.choose_pin(ChoosePin(who.subject, body.pin), tools)
    return Response(status_code=204)


@router.post("/sessions/badge", dependencies=[public])
async def sign_in_by_badge(
    request: Request, body: BadgeSessionBody, response: Response, tools: HandlerTools, device: DeviceSecret = None
) -> SessionAnswer:
    """Signs an operator in at a workstation.

    401 `badge-refused`; 403 `not-a-workstation`, `badge-locked`; 429 `too-many-wrong-pins`.
    """
    refuse_cross_site(request)
    ends = await session_here(request)
    command = SignInByBadge(code=body.code, pin=body.pin, device_secret=device, ends=ends)
    return session_answer(await badges.sign_in_by_badge(command, tools), response)


@router.post("/sessions/badge/first", dependencies=[public])
async def sign_in_by_badge_first(
    request: Request, body: FirstBadgeSessionBody, response: Response, tools: HandlerTools, device: DeviceSecret = None
) -> SessionAnswer:
    """The same with an administrator's one-time code: the PIN is chosen now. 422 says what is wrong with it."""
    refuse_cross_site(request)
    ends = await session_here(request)
    command = SignInByBadge(
        code=body.code, pin=body.pin, device_secret=device, one_time_code=body.one_time_code, ends=ends
    )
    return session_answer(await badges.sign_in_by_badge(command, tools), response)


def with_password(who: Principal) -> None:
    """Raises PasswordNeeded for a session by badge."""
    if who.idle_s is not None:
        raise PasswordNeeded()


async def session_here(request: Request) -> UUID | None:
    """The session that the browser holds, if one is still open."""
    try:
        who = await principal_of(request)
    except Unauthenticated:
        return None
    return UUID(who.session_id) if who.session_id else None
