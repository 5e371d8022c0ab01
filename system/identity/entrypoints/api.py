"""Identity's HTTP API."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Cookie, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.adapters.queries import IdentityQueries, Place
from system.identity.application import accounts, handlers
from system.identity.application.commands import (
    AddUser,
    GiveRoles,
    OpenGuest,
    RefreshSession,
    Register,
    SignIn,
    SignOut,
    UpgradeGuest,
)
from system.identity.application.handlers import SignedIn, Tools
from system.identity.domain.errors import NotSignedIn, SessionGoesOnElsewhere
from system.identity.domain.user import Role
from system.identity.entrypoints.doors import inside
from system.identity.entrypoints.schemas import (
    GuestBody,
    GuestOpened,
    Registered,
    RegistrationBody,
    RolesBody,
    SessionAnswer,
    SessionBody,
    SessionUser,
    UserBody,
    UserList,
    UserView,
)
from system.kernel.errors import Invalid
from system.pagekit.areas import FRONT
from system.plumbing.auth import (
    RETURNING_COOKIE,
    SESSION_COOKIE,
    Principal,
    Unauthenticated,
    principal_of,
    public,
    require,
)
from system.plumbing.settings import ServiceSettings
from system.plumbing.web import Cursor

REFRESH_COOKIE = "__Secure-refresh"
REFRESH_PATH = "/api/identity"
DEVICE_COOKIE = "__Host-workstation"
PRIVATE_KEY_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "k"})

Administrator = Annotated[Principal, require("administrator")]
Anybody = Annotated[Principal, require(*Role)]
Customer = Annotated[Principal, require("customer")]
RefreshSecret = Annotated[str | None, Cookie(alias=REFRESH_COOKIE, max_length=200)]
DeviceSecret = Annotated[str | None, Cookie(alias=DEVICE_COOKIE, max_length=200)]


AUTHOR_CHARACTERS = 120
router = APIRouter()
internal = APIRouter(prefix="/internal")


def _tools(request: Request) -> Tools:
    tools: Tools = request.app.state.tools
    return tools


def _queries(request: Request) -> IdentityQueries:
    queries: IdentityQueries = request.app.state.queries
    return queries


HandlerTools = Annotated[Tools, Depends(_tools)]
Queries = Annotated[IdentityQueries, Depends(_queries)]


@router.get("/jwks.json", dependencies=[public])
async def show_public_keys(request: Request, response: Response) -> dict[str, Any]:
    """The public keys of all services, as a JSON Web Key Set (RFC 7517)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    settings: ServiceSettings = request.app.state.settings
    keys = json.loads(settings.jwks)["keys"]
    return {"keys": [{k: v for k, v in key.items() if k not in PRIVATE_KEY_MEMBERS} for key in keys]}


@router.post("/registrations", status_code=201, dependencies=[public])
async def register(body: RegistrationBody, tools: HandlerTools) -> Registered:
    """Makes a customer's account. 409 `email-taken` when the e-mail has one."""
    command = Register(
        email=body.email, password=body.password, name=body.name, phone=body.phone, language=body.language
    )
    return Registered(user_id=(await handlers.register(command, tools)).user_id)


@router.put("/me/registration")
async def register_guest(
    body: RegistrationBody, who: Customer, response: Response, tools: HandlerTools
) -> SessionAnswer:
    """Makes an account of the guest who asks; the user id stays, the session is a new one. 409 `email-taken`, `not-a-guest`."""
    command = UpgradeGuest(
        user_id=who.subject,
        email=body.email,
        password=body.password,
        name=body.name,
        phone=body.phone,
        language=body.language,
    )
    return session_answer(await accounts.upgrade_guest(command, tools), response)


@internal.post("/guests", status_code=201, dependencies=[require("service:shop")])
async def open_guest(response: Response, tools: HandlerTools, body: GuestBody | None = None) -> GuestOpened:
    """Makes a guest for a visitor of the shop, which hands the cookies on to the browser as they are."""
    asked = body or GuestBody()
    signed_in = await accounts.open_guest(OpenGuest(language=asked.language), tools)
    handed_on = Response()
    remember_session(signed_in, handed_on)
    response.headers["Cache-Control"] = "no-store"
    return GuestOpened(
        access_token=signed_in.access_token,
        user_id=signed_in.user.user_id,
        cookies=handed_on.headers.getlist("set-cookie"),
    )


@router.post("/sessions", dependencies=[public])
async def sign_in(body: SessionBody, response: Response, tools: HandlerTools) -> SessionAnswer:
    """Signs in. 401 `invalid-credentials`; 429 `too-many-attempts` after wrong passwords in a row."""
    signed_in = await handlers.sign_in(SignIn(email=body.email, password=body.password), tools)
    return session_answer(signed_in, response)


@router.post("/sessions/refresh", dependencies=[public])
async def refresh_session(
    response: Response, tools: HandlerTools, refresh: RefreshSecret = None, device: DeviceSecret = None
) -> SessionAnswer:
    """Exchanges the refresh cookie for a new access token and the next refresh cookie. Each works once.

    A session by badge goes on only where the workstation's own cookie comes along.
    """
    if not refresh:
        raise NotSignedIn()
    return session_answer(await handlers.refresh_session(RefreshSession(refresh, device), tools), response)


@router.get("/sessions/resume", dependencies=[public], status_code=303, response_class=RedirectResponse)
async def resume_session(
    request: Request,
    tools: HandlerTools,
    next: Annotated[str, Query(max_length=2000)] = "",
    refresh: RefreshSecret = None,
    device: DeviceSecret = None,
) -> Response:
    """Goes on with a session whose access token ran out, as `/sessions/refresh` does, and leads back to `next`, a page of ours.

    The way of browsers without a script. When there is no session to go on with, what reminds of it is taken away. Other sites
    cannot use it: the refresh cookie comes from our own pages only. Two tabs at one moment do not end the session.
    """
    response = RedirectResponse(inside(next) or FRONT, status_code=303)
    response.headers["Cache-Control"] = "no-store"
    if request.headers.get("sec-fetch-dest", "document") != "document":
        return response
    if not refresh:
        if request.headers.get("sec-fetch-site") != "cross-site":
            response.delete_cookie(RETURNING_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return response
    try:
        signed_in = await handlers.refresh_session(RefreshSession(refresh, device, resumes=True), tools)
    except SessionGoesOnElsewhere:
        return response
    except NotSignedIn:
        forget_session(response)
        return response
    remember_session(signed_in, response)
    return response


@router.delete("/sessions/current", status_code=204, dependencies=[public])
async def sign_out(request: Request, tools: HandlerTools, refresh: RefreshSecret = None) -> Response:
    """Signs out, here and at every service; also when the access token is over already."""
    try:
        who: Principal | None = await principal_of(request)
    except Unauthenticated:
        who = None
    session_id = UUID(who.session_id) if who and who.session_id else None
    await handlers.sign_out(SignOut(session_id=session_id, refresh_secret=refresh), tools)
    response = Response(status_code=204)
    forget_session(response)
    return response


def forget_session(response: Response) -> None:
    """Takes the cookies away."""
    response.delete_cookie(RETURNING_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    response.delete_cookie(SESSION_COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    response.delete_cookie(REFRESH_COOKIE, path=REFRESH_PATH, secure=True, httponly=True, samesite="strict")


def remember_session(signed_in: SignedIn, response: Response) -> int:
    """Gives the browser its cookies; the seconds that the access token lives."""
    expires_in = int(signed_in.lifetime.total_seconds())
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.access_token,
        max_age=expires_in,
        path="/",
        secure=True,
        httponly=True,
        samesite="lax",
    )
    refresh_s = int((signed_in.refresh.expires_at - signed_in.refresh.issued_at).total_seconds())
    response.set_cookie(
        REFRESH_COOKIE,
        signed_in.refresh_secret,
        max_age=refresh_s,
        path=REFRESH_PATH,
        secure=True,
        httponly=True,
        samesite="strict",
    )
    if not signed_in.session.is_by_badge:
        # A session by badge goes on only while somebody touches the workstation.
        response.set_cookie(
            RETURNING_COOKIE, "1", max_age=refresh_s, path="/", secure=True, httponly=True, samesite="lax"
        )
    response.headers["Cache-Control"] = "no-store"
    return expires_in


def session_answer(signed_in: SignedIn, response: Response) -> SessionAnswer:
    """The answer to a sign-in, with the cookies of its session."""
    expires_in = remember_session(signed_in, response)
    user = signed_in.user
    return SessionAnswer(
        access_token=signed_in.access_token,
        expires_in=expires_in,
        user=SessionUser(id=user.user_id, name=user.name, email=user.email, roles=sorted(user.roles)),
    )


@router.get("/me")
async def show_me(who: Anybody, queries: Queries) -> UserView:
    """The signed-in user's own account."""
    return UserView.of(await queries.user(who.subject))


@router.get("/users")
async def list_users(
    who: Administrator,
    queries: Queries,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    role: Role | None = None,
    email: Annotated[str | None, Query(max_length=254, pattern=r"^[^\x00-\x1f]*$")] = None,
) -> UserList:
    """Accounts, newest first; `role` and the beginning of an `email` narrow them."""
    page = await queries.users(after=place_of(cursor), limit=limit, role=role, email=email)
    following = Cursor.encode(page.after.created_at.isoformat(), page.after.user_id) if page.after else None
    return UserList(items=[UserView.of(user) for user in page.users], next=following)


@router.post("/users", status_code=201)
async def add_user(body: UserBody, who: Administrator, tools: HandlerTools) -> UserView:
    """Makes an account with any roles. 409 `email-taken`."""
    command = AddUser(
        email=body.email,
        password=body.password,
        name=body.name,
        roles=body.roles,
        by=author_of(who),
        phone=body.phone,
        language=body.language,
    )
    return UserView.of(await handlers.add_user(command, tools))


@router.put("/users/{user_id}/roles")
async def give_roles(user_id: UUID, body: RolesBody, who: Administrator, tools: HandlerTools) -> UserView:
    """Sets all roles of a user and signs them out everywhere. 409 `last-administrator`."""
    command = GiveRoles(user_id=user_id, roles=body.roles, by=author_of(who))
    return UserView.of(await handlers.give_roles(command, tools))


def author_of(who: Principal) -> str:
    """How the audit log names somebody: for people, and to be sure."""
    return f"{(who.name or who.email)[:AUTHOR_CHARACTERS]} ({who.subject})"


def place_of(cursor: str | None) -> Place | None:
    """Where a list of users goes on. Raises Invalid."""
    keys = Cursor.decode(cursor, keys=2)
    if keys is None:
        return None
    try:
        return Place(created_at=datetime.fromisoformat(keys[0]), user_id=UUID(keys[1]))
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error
