"""Identity's pages: signing in and out. They work without a script; with one, a session continues unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import handlers
from system.identity.application.commands import SignIn, SignOut
from system.identity.application.workstations import workstation_here
from system.identity.domain.errors import InvalidCredentials, TooManyAttempts
from system.identity.entrypoints.api import DeviceSecret, HandlerTools, forget_session, remember_session
from system.identity.entrypoints.doors import BADGE, guest_here, inside
from system.identity.entrypoints.sentences import NAMES, PROBLEMS
from system.pagekit.areas import SIGN_IN, landing_of
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages
from system.plumbing.auth import Principal, principal_or_none, public, refuse_cross_site
from system.plumbing.settings import ServiceSettings

router = APIRouter()


def pages_of(settings: ServiceSettings) -> Pages:
    """Identity's pages."""
    return Pages(SIGN_IN, Path(__file__).parent, settings, problems=PROBLEMS, names=NAMES)


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


@router.get(SIGN_IN, dependencies=[public])
async def sign_in_page(
    request: Request,
    tools: HandlerTools,
    next: str = "",
    by: Annotated[str, Query(alias="with")] = "",
    device: DeviceSecret = None,
) -> Response:
    """The form; whoever is signed in already goes on, or reads where they may go. At a workstation a badge is asked for first."""
    who = await principal_or_none(request)
    if who is not None and not who.is_guest and (after := inside(next)):
        return RedirectResponse(after, status_code=303)
    if (who is None or who.is_guest) and not by and await workstation_here(device, tools) is not None:
        return RedirectResponse(f"{BADGE}?{urlencode({'next': next})}" if inside(next) else BADGE, status_code=303)
    return _form(request, who=who, after=inside(next), resume=bool(next) and who is None)


@router.post(SIGN_IN, dependencies=[public])
async def sign_in(
    request: Request,
    tools: HandlerTools,
    email: Annotated[str, Form(max_length=254)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=2000)] = "",
) -> Response:
    """Opens a session and leads on; the form again, saying why not."""
    refuse_cross_site(request)
    try:
        signed_in = await handlers.sign_in(SignIn(email=email, password=password), tools)
    except (InvalidCredentials, TooManyAttempts) as refusal:
        said = _pages(request).says(
            language_of(request), refusal.extra | {"code": refusal.code, "detail": refusal.detail}
        )
        who = await guest_here(request)
        return _form(request, who=who, email=email, after=inside(next), said=said, status=refusal.status)
    target = inside(next) or landing_of({str(role) for role in signed_in.user.roles})
    response = RedirectResponse(target, status_code=303)
    remember_session(signed_in, response)
    return response


@router.post("/sign-out", dependencies=[public])
async def sign_out_page(request: Request, tools: HandlerTools) -> Response:
    """Ends the session everywhere and shows the form again."""
    refuse_cross_site(request)
    who = await principal_or_none(request)
    await handlers.sign_out(
        SignOut(session_id=UUID(who.session_id) if who and who.session_id else None, refresh_secret=None), tools
    )
    response = RedirectResponse(SIGN_IN, status_code=303)
    forget_session(response)
    return response


def _form(
    request: Request,
    *,
    after: str,
    who: Principal | None = None,
    email: str = "",
    said: str = "",
    status: int = 200,
    resume: bool = False,
) -> Response:
    return _pages(request).render(
        request, "sign_in.html", who=who, next=after, email=email, said=said, status=status, resume=resume
    )
