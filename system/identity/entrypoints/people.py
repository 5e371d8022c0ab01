"""The pages of administrators: who has an account, and what they may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from system.identity.application import handlers
from system.identity.application.commands import AddUser, GiveRoles
from system.identity.domain.rules import PASSWORD_LENGTH_MIN
from system.identity.domain.user import Language, Role
from system.identity.entrypoints.api import Administrator, HandlerTools, Queries, author_of, place_of
from system.identity.entrypoints.badge_schemas import BadgeView
from system.identity.entrypoints.schemas import Email, Name, NewPassword, UserView
from system.kernel.errors import Refused
from system.pagekit.pages import Pages, Said
from system.plumbing.auth import Principal
from system.plumbing.web import Cursor

BASE = "/people"
PAGE_ROWS = 50
ROLES = tuple(str(role) for role in Role)

router = APIRouter(prefix=BASE)
EmailPart = Annotated[str, Query(max_length=254, pattern=r"^[^\x00-\x1f]*$")]


@router.get("")
async def people_page(
    request: Request,
    who: Administrator,
    queries: Queries,
    email: EmailPart = "",
    role: Role | Literal[""] = "",
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> Response:
    """Accounts, the newest first; by role, and by how the e-mail begins."""
    return await _page(request, who, queries, email=email.strip(), role=role, cursor=cursor)


@router.post("/{user_id}/roles")
async def roles_form(
    request: Request,
    who: Administrator,
    queries: Queries,
    tools: HandlerTools,
    user_id: UUID,
    email: Annotated[str, Form(max_length=254)],
    roles: Annotated[list[Role], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Sets what somebody may do; they are signed out everywhere, and come in again with it."""
    command = GiveRoles(user_id=user_id, roles=frozenset(roles), by=author_of(who))
    return await _does(request, who, queries, lambda: handlers.give_roles(command, tools), email=email)


@router.post("")
async def person_form(
    request: Request,
    who: Administrator,
    queries: Queries,
    tools: HandlerTools,
    email: Annotated[Email, Form()],
    name: Annotated[Name, Form()],
    password: Annotated[NewPassword, Form()],
    language: Annotated[Language, Form()] = Language.RUSSIAN,
    roles: Annotated[list[Role], Form()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Makes an account with any roles."""
    command = AddUser(
        email=email,
        password=password,
        name=name,
        roles=frozenset(roles),
        by=author_of(who),
        phone=None,
        language=language,
    )
    return await _does(request, who, queries, lambda: handlers.add_user(command, tools), email=email)


async def _does(
    request: Request, who: Principal, queries: Any, deed: Callable[[], Awaitable[Any]], *, email: str
) -> Response:
    try:
        await deed()
    except Refused as refusal:
        said = cast(Pages, request.app.state.pages).refusal(request, refusal)
        return await _page(request, who, queries, email=email, said=said, status=refusal.status)
    return RedirectResponse(f"{BASE}?{urlencode({'email': email})}", status_code=303)


async def _page(
    request: Request,
    who: Principal,
    queries: Any,
    *,
    email: str,
    role: Role | Literal[""] = "",
    cursor: str | None = None,
    said: Said | None = None,
    status: int = 200,
) -> Response:
    page = await queries.users(
        after=place_of(cursor), limit=PAGE_ROWS, role=Role(role) if role else None, email=email or None
    )
    following = Cursor.encode(page.after.created_at.isoformat(), page.after.user_id) if page.after else None
    kept = {name: value for name, value in (("email", email), ("role", str(role))) if value}
    more = f"{BASE}?{urlencode(kept | {'cursor': following})}" if following else None
    pages: Pages = request.app.state.pages
    badges = await queries.badges_of([user.user_id for user in page.users])
    return pages.render(
        request,
        "people.html",
        who=who,
        carried={str(user_id): BadgeView.of(state).model_dump(mode="json") for user_id, state in badges.items()},
        items=[UserView.of(user).model_dump(mode="json") for user in page.users],
        roles=ROLES,
        email=email,
        role=str(role),
        more=more,
        password_min=PASSWORD_LENGTH_MIN,
        said=said,
        status=status,
    )
