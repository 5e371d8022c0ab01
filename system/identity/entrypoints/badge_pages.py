"""The pages of a workstation: a badge is scanned, a PIN typed, the person changes. They work without a script."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Cookie, Form, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import badges, handlers, workstations
from system.identity.application.commands import ChoosePin, SignInByBadge, SignOut
from system.identity.domain.badge import is_code, read_code
from system.identity.domain.errors import BadgeRefused, NotAWorkstation, TooManyWrongPins
from system.identity.domain.pin import PIN_DIGITS_MAX, PIN_DIGITS_MIN
from system.identity.domain.workstation import Workstation
from system.identity.entrypoints.api import DeviceSecret, HandlerTools, forget_session, remember_session
from system.identity.entrypoints.badge_api import AnOperator, remember_device, session_here, with_password
from system.identity.entrypoints.doors import BADGE, WITH_PASSWORD, inside
from system.kernel.errors import Invalid, Refused
from system.pagekit.pages import Pages, Said
from system.plumbing.auth import Principal, principal_or_none, public, refuse_cross_site

SCANNED_COOKIE = "__Host-badge"
SCANNED_S = 120
"""How long a badge that was scanned waits for its PIN. Its owner may have walked away."""

WORK = "/mes/"
PIN_PAGE = "/sign-in/pin"

router = APIRouter()
Scanned = Annotated[str, Cookie(alias=SCANNED_COOKIE, max_length=40)]
# A scanner may type a whole badge wherever the keyboard is, so that every field has room for one.
Typed = Annotated[str, Form(max_length=100)]
Next = Annotated[str, Form(max_length=2000)]


@router.get(BADGE, dependencies=[public])
async def badge_page(
    request: Request, tools: HandlerTools, device: DeviceSecret = None, scanned: Scanned = "", next: str = ""
) -> Response:
    """Waits for a badge; for its PIN, when one was scanned a moment ago."""
    here = await workstations.workstation_here(device, tools)
    who = await principal_or_none(request)
    response = _page(request, here, "pin" if is_code(scanned) else "scan", who=who, after=next)
    if here is not None and device:
        # Whatever is used stays a workstation: a browser keeps no cookie for longer than this.
        remember_device(device, request, response)
    return response


@router.post(BADGE, dependencies=[public])
async def scan(
    request: Request, tools: HandlerTools, code: Typed = "", next: Next = "", device: DeviceSecret = None
) -> Response:
    """A badge was scanned. Whoever was signed in here by badge has left: the next person stands there."""
    refuse_cross_site(request)
    here = await workstations.workstation_here(device, tools)
    if here is None or not code.strip():
        return _again(next)
    return await _scanned(request, tools, here, code, next)


@router.post(f"{BADGE}/pin", dependencies=[public])
async def type_pin(
    request: Request,
    tools: HandlerTools,
    pin: Typed = "",
    next: Next = "",
    device: DeviceSecret = None,
    scanned: Scanned = "",
) -> Response:
    """The PIN of the badge that was scanned; another badge instead changes the person at once."""
    refuse_cross_site(request)
    here = await workstations.workstation_here(device, tools)
    if here is not None and is_code("".join(pin.split())):
        return await _scanned(request, tools, here, pin, next)
    if here is None or not is_code(scanned):
        return _again(next)
    command = SignInByBadge(code=scanned, pin=pin.strip(), device_secret=device, ends=await session_here(request))
    return await _signs_in(request, tools, here, command, "pin", next)


@router.get(f"{BADGE}/first", dependencies=[public])
async def first_page(
    request: Request, tools: HandlerTools, device: DeviceSecret = None, scanned: Scanned = "", next: str = ""
) -> Response:
    """For whoever has no PIN yet, or forgot it: an administrator's one-time code lets them choose one."""
    here = await workstations.workstation_here(device, tools)
    if here is None or not is_code(scanned):
        return _again(next)
    return _page(request, here, "first", after=next)


@router.post(f"{BADGE}/first", dependencies=[public])
async def choose_first_pin(
    request: Request,
    tools: HandlerTools,
    one_time_code: Typed = "",
    pin: Typed = "",
    again: Typed = "",
    next: Next = "",
    device: DeviceSecret = None,
    scanned: Scanned = "",
) -> Response:
    """Chooses the PIN and signs in with it."""
    refuse_cross_site(request)
    here = await workstations.workstation_here(device, tools)
    if here is None or not is_code(scanned):
        return _again(next)
    try:
        _same(pin, again)
    except Invalid as refusal:
        return _page(request, here, "first", after=next, refusal=refusal)
    command = SignInByBadge(
        code=scanned,
        pin=pin.strip(),
        device_secret=device,
        one_time_code="".join(one_time_code.split()),
        ends=await session_here(request),
    )
    return await _signs_in(request, tools, here, command, "first", next)


@router.post(f"{BADGE}/change", dependencies=[public])
async def change_person(request: Request, tools: HandlerTools) -> Response:
    """Ends the session; the badge page waits for the next person."""
    refuse_cross_site(request)
    response = _again("")
    await _leaves(await principal_or_none(request), tools, response)
    return response


@router.get(PIN_PAGE)
async def pin_page(request: Request, who: AnOperator, done: str = "") -> Response:
    """Where an operator chooses the own PIN."""
    with_password(who)
    return _pin_page(request, who, done=bool(done))


@router.post(PIN_PAGE)
async def choose_pin(
    request: Request, who: AnOperator, tools: HandlerTools, pin: Typed = "", again: Typed = ""
) -> Response:
    """Sets the own PIN; the page again, saying why not."""
    with_password(who)
    try:
        _same(pin, again)
        await badges.choose_pin(ChoosePin(who.subject, pin.strip()), tools)
    except Refused as refusal:
        return _pin_page(request, who, refusal=refusal)
    return RedirectResponse(f"{PIN_PAGE}?done=yes", status_code=303)


# -- how they answer -----------------------------------------------------------------------------------------------------


async def _scanned(request: Request, tools: Any, here: Workstation, code: str, after: str) -> Response:
    who = await principal_or_none(request)
    try:
        code = read_code(code)
    except Invalid as refusal:
        return _page(request, here, "scan", who=who, after=after, refusal=refusal)
    response = _to_badge(after)
    if who is not None and who.idle_s is not None:
        await _leaves(who, tools, response)
    response.set_cookie(
        SCANNED_COOKIE, code, max_age=SCANNED_S, path="/", secure=True, httponly=True, samesite="strict"
    )
    return response


async def _signs_in(
    request: Request, tools: Any, here: Workstation, command: SignInByBadge, step: str, after: str
) -> Response:
    try:
        signed_in = await badges.sign_in_by_badge(command, tools)
    except NotAWorkstation as refusal:
        return _page(request, None, "scan", refusal=refusal)
    except (BadgeRefused, TooManyWrongPins, Invalid) as refusal:
        return _page(request, here, step, after=after, refusal=refusal)
    except Refused as refusal:
        # Typing again does not help: the page waits for another badge.
        response = _page(request, here, "scan", after=after, refusal=refusal)
        _forget_badge(response)
        return response
    response = RedirectResponse(_work(after), status_code=303)
    remember_session(signed_in, response)
    _forget_badge(response)
    return response


async def _leaves(who: Principal | None, tools: Any, response: Response) -> None:
    if who is not None and who.session_id:
        await handlers.sign_out(SignOut(session_id=UUID(who.session_id)), tools)
    forget_session(response)


def _forget_badge(response: Response) -> None:
    response.delete_cookie(SCANNED_COOKIE, path="/", secure=True, httponly=True, samesite="strict")


def _to_badge(after: str) -> Response:
    kept = _work(after)
    return RedirectResponse(BADGE if kept == WORK else f"{BADGE}?{urlencode({'next': kept})}", status_code=303)


def _again(after: str) -> Response:
    """To the badge page, which waits for a scan, whatever was scanned before."""
    response = _to_badge(after)
    _forget_badge(response)
    return response


def _work(after: str) -> str:
    """Where an operator's work goes on: only there does a badge open anything."""
    address = inside(after)
    return address if address.startswith(WORK) else WORK


def _same(pin: str, again: str) -> None:
    if pin.strip() != again.strip():
        raise Invalid("pins-differ", "The two PINs differ: type the same one twice.")


def _said(request: Request, refusal: Refused | None) -> tuple[Said | None, int]:
    pages: Pages = request.app.state.pages
    return (pages.refusal(request, refusal), refusal.status) if refusal else (None, 200)


def _page(
    request: Request,
    here: Workstation | None,
    step: str,
    *,
    who: Principal | None = None,
    after: str = "",
    refusal: Refused | None = None,
) -> Response:
    pages: Pages = request.app.state.pages
    if here is None:
        refusal = refusal or NotAWorkstation()
    said, status = _said(request, refusal)
    return pages.render(
        request,
        "sign_in_badge.html",
        who=who,
        here=here,
        step=step if here else "elsewhere",
        next=_work(after),
        said=said,
        status=status,
        by_password=WITH_PASSWORD,
        tries_max=request.app.state.settings.badge_tries_max,
        digits=(PIN_DIGITS_MIN, PIN_DIGITS_MAX),
        waits_s=SCANNED_S,
    )


def _pin_page(request: Request, who: Principal, *, done: bool = False, refusal: Refused | None = None) -> Response:
    pages: Pages = request.app.state.pages
    said, status = _said(request, refusal)
    return pages.render(
        request,
        "pin.html",
        who=who,
        done=done,
        said=said,
        status=status,
        digits=(PIN_DIGITS_MIN, PIN_DIGITS_MAX),
    )
