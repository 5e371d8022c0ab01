"""Identity's pages: signing in and out. They work without a script; with one, a session continues unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import handlers
from system.identity.application.commands import SignIn, SignOut
from system.identity.domain.errors import InvalidCredentials, TooManyAttempts
from system.identity.entrypoints.api import HandlerTools, forget_session, remember_session
from system.pagekit.areas import SIGN_IN, landing_of
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages
from system.pagekit.words import N_
from system.plumbing.auth import Principal, Unauthenticated, principal_of, public, refuse_cross_site
from system.plumbing.settings import ServiceSettings

PROBLEMS = {
    "invalid-credentials": N_("E-mail and password do not fit together. Check both, and mind the keyboard's language."),
    "too-many-attempts": N_("Too many wrong passwords. Wait %(retry_after_s)s seconds, then try again."),
    "email-taken": N_("An account with this e-mail exists. Change what its owner may do, or use another e-mail."),
    "last-administrator": N_("This is the last administrator. Make somebody else an administrator first."),
    "user-unknown": N_("There is no such account any more. Load the page again."),
    "password-too-simple": N_("This password is one character repeated. Choose another one."),
    "password-too-short": N_("This password is too short. Choose a longer one."),
    "email-invalid": N_("This is not an e-mail address. Check it."),
    "busy": N_("Many people are signing in at this moment. Try again in a few seconds."),
}

router = APIRouter()


def pages_of(settings: ServiceSettings) -> Pages:
    """Identity's pages."""
    return Pages(SIGN_IN, Path(__file__).parent, settings, problems=PROBLEMS)


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


@router.get("/", dependencies=[public])
async def front_door(request: Request) -> Response:
    """Whoever comes to the bare address is led to their first place, or to the sign-in."""
    who = await _whoever(request)
    return RedirectResponse(landing_of(who.roles) if who else SIGN_IN, status_code=303)


@router.get(SIGN_IN, dependencies=[public])
async def sign_in_page(request: Request, next: str = "") -> Response:
    """The form; whoever is signed in already goes on, or reads where they may go."""
    who = await _whoever(request)
    if who is not None and (after := _inside(next)):
        return RedirectResponse(after, status_code=303)
    return _form(request, who=who, after=_inside(next), resume=bool(next))


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
        return _form(request, email=email, after=_inside(next), said=said, status=refusal.status)
    target = _inside(next) or landing_of({str(role) for role in signed_in.user.roles})
    response = RedirectResponse(target, status_code=303)
    remember_session(signed_in, response, tools)
    return response


@router.post("/sign-out", dependencies=[public])
async def sign_out_page(request: Request, tools: HandlerTools) -> Response:
    """Ends the session everywhere and shows the form again."""
    refuse_cross_site(request)
    who = await _whoever(request)
    await handlers.sign_out(
        SignOut(session_id=UUID(who.session_id) if who and who.session_id else None, refresh_secret=None), tools
    )
    response = RedirectResponse(SIGN_IN, status_code=303)
    forget_session(response)
    return response


async def _whoever(request: Request) -> Principal | None:
    try:
        return await principal_of(request)
    except Unauthenticated:
        return None


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


def _inside(address: str) -> str:
    """The address when it is one of ours, else nothing: a sign-in must not send people to strangers."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain and not address.startswith(SIGN_IN) else ""
