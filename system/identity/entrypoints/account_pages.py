"""The pages of customers about their own accounts: signing up, another password, signing out everywhere. They need no script."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import accounts
from system.identity.application.commands import ChangePassword, Register, SignOutEverywhere, UpgradeGuest
from system.identity.domain import rules
from system.identity.domain.errors import EmailTaken, InvalidCredentials, TooManyAttempts
from system.identity.domain.user import Language
from system.identity.entrypoints.api import Customer, HandlerTools, forget_session, remember_session
from system.identity.entrypoints.doors import SIGN_UP, inside
from system.kernel.errors import Invalid
from system.pagekit.areas import SIGN_IN, landing_of
from system.pagekit.languages import language_of
from system.pagekit.pages import Pages, Said
from system.plumbing.auth import Principal, principal_or_none, public, refuse_cross_site

ACCOUNT = "/account"

router = APIRouter()
# Roomier than what is accepted: what is too long is said beside its field, and the others keep what was typed.
Typed = Annotated[str, Form(max_length=1000)]
Next = Annotated[str, Form(max_length=2000)]
Faults = Mapping[str, Said]


@router.get(SIGN_UP, dependencies=[public])
async def sign_up_page(request: Request, next: str = "") -> Response:
    """The form; whoever has an account already goes on."""
    who = await principal_or_none(request)
    if who is not None and not who.is_guest:
        return RedirectResponse(_onwards(next, who.roles), status_code=303)
    return _sign_up_form(request, who, after=inside(next))


@router.post(SIGN_UP, dependencies=[public])
async def sign_up(
    request: Request,
    tools: HandlerTools,
    name: Typed = "",
    email: Typed = "",
    password: Typed = "",
    next: Next = "",
    guest: Annotated[UUID | None, Form()] = None,
) -> Response:
    """Makes an account, of the guest if one is here, and leads on; the form again, saying what does not fit.

    `guest` is whom the form was shown to. When that session is over there is an account made of it already, by the same form a
    moment ago; else nothing can be taken along, which is said before an account is made without it.
    """
    refuse_cross_site(request)
    who = await principal_or_none(request)
    if who is not None and not who.is_guest:
        # The same form a second time: the account was made a moment ago.
        return RedirectResponse(_onwards(next, who.roles), status_code=303)
    faults = _faults(
        request,
        name=lambda: rules.acceptable_name(name),
        email=lambda: rules.normal_email(email),
        password=lambda: rules.acceptable_password(password),
    )
    if faults:
        return _sign_up_form(request, who, after=inside(next), name=name, email=email, faults=faults, status=422)
    language = Language(language_of(request))
    about: dict[str, Any] = {"email": email, "password": password, "name": name, "phone": None, "language": language}
    try:
        if who is not None:
            signed_in = await accounts.sign_up_guest(UpgradeGuest(user_id=who.subject, **about), tools)
        elif guest is not None:
            signed_in = await accounts.sent_again(email, password, tools, user_id=guest)
        else:
            signed_in = await accounts.sign_up(Register(**about), tools)
    except EmailTaken as refusal:
        over = who is None and guest is not None
        faults = {} if over else {"email": _pages(request).refusal(request, refusal)}
        return _sign_up_form(
            request, who, after=inside(next), name=name, email=email, faults=faults, over=over, status=refusal.status
        )
    response = RedirectResponse(_onwards(next, frozenset(str(role) for role in signed_in.user.roles)), status_code=303)
    remember_session(signed_in, response)
    return response


@router.get(ACCOUNT)
async def account_page(request: Request, who: Customer, done: str = "") -> Response:
    """Who the customer is to us, and what they can do about it. A guest is asked to make an account."""
    return _to_sign_up() if who.is_guest else _account_page(request, who, done=bool(done))


@router.post(f"{ACCOUNT}/password")
async def change_password(
    request: Request, who: Customer, tools: HandlerTools, present: Typed = "", password: Typed = ""
) -> Response:
    """Sets another password, which the present one allows; the page again, saying why not."""
    if who.is_guest:
        return _to_sign_up()
    if faults := _faults(request, password=lambda: rules.acceptable_password(password)):
        return _account_page(request, who, faults=faults, status=422)
    session_id = UUID(who.session_id) if who.session_id else None
    command = ChangePassword(email=who.email, present=present, password=password, session_id=session_id)
    try:
        await accounts.change_password(command, tools)
    except InvalidCredentials:
        wrong = Invalid("present-password-wrong", "This is not your present password.")
        return _account_page(request, who, faults={"present": _pages(request).refusal(request, wrong)}, status=422)
    except TooManyAttempts as refusal:
        said = _pages(request).refusal(request, refusal)
        return _account_page(request, who, faults={"present": said}, status=refusal.status)
    return RedirectResponse(f"{ACCOUNT}?done=password", status_code=303)


@router.post(f"{ACCOUNT}/sign-out-everywhere")
async def sign_out_everywhere(who: Customer, tools: HandlerTools) -> Response:
    """Ends all sessions of the customer, this one too, and shows the sign-in."""
    await accounts.sign_out_everywhere(SignOutEverywhere(who.subject), tools)
    response = RedirectResponse(SIGN_IN, status_code=303)
    forget_session(response)
    return response


# -- how they answer -----------------------------------------------------------------------------------------------------


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


def _onwards(after: str, roles: frozenset[str]) -> str:
    return inside(after) or landing_of(roles)


def _to_sign_up() -> Response:
    return RedirectResponse(f"{SIGN_UP}?next={ACCOUNT}", status_code=303)


def _faults(request: Request, **checks: Callable[[], str]) -> Faults:
    """What is wrong with each field, all of them at once; nothing when everything fits."""
    found: dict[str, Said] = {}
    for field, check in checks.items():
        try:
            check()
        except Invalid as refusal:
            found[field] = _pages(request).refusal(request, refusal)
    return found


def _sign_up_form(
    request: Request,
    who: Principal | None,
    *,
    after: str,
    name: str = "",
    email: str = "",
    faults: Faults | None = None,
    over: bool = False,
    status: int = 200,
) -> Response:
    return _pages(request).render(
        request,
        "sign_up.html",
        who=who,
        over=over,
        next=after,
        name=name,
        email=email,
        faults=faults or {},
        password_min=rules.PASSWORD_LENGTH_MIN,
        status=status,
    )


def _account_page(
    request: Request, who: Principal, *, done: bool = False, faults: Faults | None = None, status: int = 200
) -> Response:
    return _pages(request).render(
        request,
        "account.html",
        who=who,
        done=done,
        faults=faults or {},
        password_min=rules.PASSWORD_LENGTH_MIN,
        status=status,
    )
