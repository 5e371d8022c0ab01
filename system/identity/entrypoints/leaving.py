"""A customer's own data: a copy to take along, and the way out. API and pages, for guests too; they need no script."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, cast

import orjson
from fastapi import APIRouter, Depends, Form, Request, Response

from system.identity.adapters.erasures import OwnAccount
from system.identity.application.erasures import ErasureTools, RequestErasure, collect_data, request_erasure
from system.identity.domain.erasure import DataIncomplete, OrdersOpen, StaffStays, WordMissing
from system.identity.domain.errors import InvalidCredentials, TooManyAttempts
from system.identity.entrypoints.account_pages import ACCOUNT
from system.identity.entrypoints.api import Customer, forget_session
from system.identity.entrypoints.schemas import ErasureBegun, ErasureBody
from system.kernel.errors import AlexandriteError, Invalid, Unavailable
from system.pagekit.pages import Pages, Said
from system.plumbing.auth import Principal

DATA = f"{ACCOUNT}/data"
DELETE = f"{ACCOUNT}/delete"
FILE_NAME = "alexandrite-my-data.json"
GOES = [
    "account",
    "sessions",
    "contact",
    "addresses",
    "letters",
    "notes",
    "models without an order",
    "prices without an order",
]
STAYS = ["order numbers", "what was made, and its price", "statuses and dates", "models of orders, without their name"]

router = APIRouter()
pages = APIRouter()


@dataclass(frozen=True, slots=True)
class Leaving:
    """What these endpoints work with; `main.py` puts it on `app.state.leaving`."""

    tools: ErasureTools
    account: OwnAccount

    async def copy_for(self, who: Principal, *, incomplete: bool) -> Response:
        """The customer's own data as a file. Raises DataIncomplete."""
        account = await self.account.data(who.subject)
        data = await collect_data(who.subject, account, self.tools, incomplete=incomplete)
        body = {"made_at": datetime.now(UTC).isoformat(), "about": "Everything that Alexandrite keeps of you."} | data
        headers = {"Content-Disposition": f'attachment; filename="{FILE_NAME}"', "Cache-Control": "no-store"}
        return Response(orjson.dumps(body, option=orjson.OPT_INDENT_2), media_type="application/json", headers=headers)


def _leaving(request: Request) -> Leaving:
    return cast(Leaving, request.app.state.leaving)


Way = Annotated[Leaving, Depends(_leaving)]


# -- by programs -----------------------------------------------------------------------------------------------------------


@router.get("/me/data", response_model=dict[str, Any])
async def own_data(who: Customer, way: Way, incomplete: bool = False) -> Response:
    """Everything that we keep of the customer, as a file. 503 `data-incomplete` when a service does not answer: `missing` names it.

    With `incomplete` the file holds what there is, and names in its own `missing` what is not in it.
    """
    return await way.copy_for(who, incomplete=incomplete)


@router.post("/me/erasure", status_code=202)
async def erase_me(body: ErasureBody, who: Customer, way: Way, response: Response) -> ErasureBegun:
    """Ends the account at once and has every service forget the customer; the orders' accounting stays.

    401 `invalid-credentials`; 409 `orders-open` with their `numbers`, `staff-stays`; 422 `word-missing`.
    """
    await request_erasure(RequestErasure(who.subject, body.password, body.word), way.tools)
    forget_session(response)
    return ErasureBegun(goes=GOES, stays=STAYS)


# -- by people -------------------------------------------------------------------------------------------------------------


@pages.get(DATA)
async def data_page(request: Request, who: Customer, way: Way, incomplete: bool = False) -> Response:
    """The file; a page instead, when a service does not answer, which offers to try again or to take what there is."""
    try:
        return await way.copy_for(who, incomplete=incomplete)
    except DataIncomplete as refused:
        missing = cast("list[str]", refused.extra["missing"])
        return _pages(request).render(
            request,
            "data_incomplete.html",
            who=who,
            missing=missing,
            status=refused.status,
            headers={"Retry-After": "5"},
        )


@pages.get(DELETE)
async def delete_page(request: Request, who: Customer) -> Response:
    """What goes and what stays, and the form."""
    return _delete_form(request, who)


@pages.post(DELETE)
async def delete_account(
    request: Request,
    who: Customer,
    way: Way,
    password: Annotated[str, Form(max_length=1000)] = "",
    word: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Ends the account; the form again, saying why not."""
    try:
        await request_erasure(RequestErasure(who.subject, password, word), way.tools)
    except InvalidCredentials:
        wrong = Invalid("present-password-wrong", "This is not your present password.")
        return _delete_form(request, who, faults={"password": wrong}, status=422)
    except TooManyAttempts as refused:
        return _delete_form(request, who, faults={"password": refused}, status=refused.status)
    except WordMissing as refused:
        return _delete_form(request, who, faults={"word": refused}, status=refused.status)
    except (OrdersOpen, StaffStays, Unavailable) as refused:
        return _delete_form(request, who, refused=refused, status=refused.status)
    response = _pages(request).render(request, "deleted.html")
    forget_session(response)
    return response


def _delete_form(
    request: Request,
    who: Principal,
    *,
    faults: dict[str, AlexandriteError] | None = None,
    refused: AlexandriteError | None = None,
    status: int = 200,
) -> Response:
    shown = _pages(request)
    said: Said | None = shown.refusal(request, refused) if refused else None
    marked = {name: shown.refusal(request, fault) for name, fault in (faults or {}).items()}
    return shown.render(request, "delete_account.html", who=who, said=said, faults=marked, status=status)


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)
