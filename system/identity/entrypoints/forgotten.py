"""A forgotten password: asking for a link, and what the link leads to. By pages without a script, and by the API."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Form, Path, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import password_resets
from system.identity.application.commands import AskForReset, ResetPassword
from system.identity.application.password_resets import SECRET_CHARACTERS_MAX
from system.identity.domain import rules
from system.identity.domain.errors import ResetLinkOver, TooManyResets
from system.identity.entrypoints.api import HandlerTools, remember_session, session_answer
from system.identity.entrypoints.doors import FORGOTTEN, RESET_PAGE
from system.identity.entrypoints.schemas import NewPasswordBody, ResetAsked, ResetBody, SessionAnswer
from system.kernel.errors import AlexandriteError, Invalid
from system.pagekit.areas import landing_of
from system.pagekit.pages import Pages
from system.plumbing.auth import public, refuse_cross_site

api = APIRouter()
router = APIRouter()
Secret = Annotated[str, Path(max_length=SECRET_CHARACTERS_MAX)]
Typed = Annotated[str, Form(max_length=1000)]
# Nobody else is told where a reader of this page came from. Not `no-referrer`: a browser would then send the form without the
# Origin by which we know that it is ours.
HEADERS = {"Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex"}


@api.post("/password-resets", status_code=202, dependencies=[public])
async def ask_for_reset(body: ResetBody, tools: HandlerTools) -> ResetAsked:
    """Sends a letter with a link to the account with this e-mail. The answer is the same when there is none. 429 `too-many-resets`."""
    await password_resets.ask_for_reset(AskForReset(body.email), tools)
    return ResetAsked(lifetime_s=int(tools.reset_terms.lifetime.total_seconds()))


@api.put("/password-resets/{token}", dependencies=[public])
async def reset_password(
    token: Secret, body: NewPasswordBody, response: Response, tools: HandlerTools
) -> SessionAnswer:
    """Sets another password by the link's token, signs everybody out and the caller in. 404 `reset-link-over`."""
    return session_answer(await password_resets.reset_password(ResetPassword(token, body.password), tools), response)


@router.get(FORGOTTEN, dependencies=[public])
async def forgotten_page(request: Request, asked: str = "") -> Response:
    """The form; once it was sent, what to do now."""
    return _pages(request).render(request, "forgotten.html", asked=bool(asked), email="", fault=None)


@router.post(FORGOTTEN, dependencies=[public])
async def ask_by_form(request: Request, tools: HandlerTools, email: Typed = "") -> Response:
    """Asks for a letter; the form again when the e-mail is none, or when it was asked for too often."""
    refuse_cross_site(request)
    try:
        await password_resets.ask_for_reset(AskForReset(email), tools)
    except (Invalid, TooManyResets) as refusal:
        return _pages(request).render(
            request, "forgotten.html", asked=False, email=email, fault=_said(request, refusal), status=refusal.status
        )
    return RedirectResponse(f"{FORGOTTEN}?asked=1", status_code=303)


@router.get(f"{RESET_PAGE}/{{token}}", dependencies=[public])
async def reset_page(request: Request, token: Secret, tools: HandlerTools) -> Response:
    """The form for the new password; a link that is over leads to asking for another."""
    try:
        await password_resets.check_link(token, tools)
    except ResetLinkOver as refusal:
        return _over(request, refusal)
    return _reset_form(request, token)


@router.post(f"{RESET_PAGE}/{{token}}", dependencies=[public])
async def reset_by_form(request: Request, token: Secret, tools: HandlerTools, password: Typed = "") -> Response:
    """Sets the password, signs in and leads on; the form again, saying what does not fit."""
    refuse_cross_site(request)
    try:
        signed_in = await password_resets.reset_password(ResetPassword(token, password), tools)
    except ResetLinkOver as refusal:
        return _over(request, refusal)
    except Invalid as refusal:
        return _reset_form(request, token, refusal)
    response = RedirectResponse(landing_of({str(role) for role in signed_in.user.roles}), status_code=303)
    remember_session(signed_in, response)
    return response


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


def _said(request: Request, refusal: AlexandriteError) -> object:
    return _pages(request).refusal(request, refusal)


def _over(request: Request, refusal: ResetLinkOver) -> Response:
    return _pages(request).render(
        request,
        "forgotten.html",
        asked=False,
        email="",
        fault=_said(request, refusal),
        status=refusal.status,
        headers=HEADERS,
    )


def _reset_form(request: Request, token: str, refusal: Invalid | None = None) -> Response:
    faults = {"password": _said(request, refusal)} if refusal else {}
    return _pages(request).render(
        request,
        "reset.html",
        token=token,
        faults=faults,
        password_min=rules.PASSWORD_LENGTH_MIN,
        status=refusal.status if refusal else 200,
        headers=HEADERS,
    )
