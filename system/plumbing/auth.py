"""Who may call what. Every route names its policy; a route without one stops the service from starting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.routing import APIRoute

from system.kernel.errors import Forbidden, Refused
from system.plumbing import telemetry
from system.plumbing.redis_client import RedisClient
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import Principal, TokenAuthority, TokenInvalid

__all__ = [
    "Principal",
    "Revocations",
    "Unauthenticated",
    "principal_of",
    "principal_or_none",
    "public",
    "refuse_cross_site",
    "require",
]

SESSION_COOKIE = "__Host-session"
RETURNING_COOKIE = "__Host-returning"
"""Says that a session may go on when its token ran out, and nothing else; identity sets it beside the session."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Unauthenticated(Refused):
    """Nobody is signed in, or the session is over."""

    status = 401


class Revocations:
    """Sessions that were ended before their token ran out, kept in Redis for a token's lifetime."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._client = RedisClient(settings)

    async def revoke(self, session_id: str, *, lifetime_s: int) -> None:
        """Ends a session everywhere at once. Raises RedisError when Redis is away."""
        await self._client.redis.set(f"revoked:{session_id}", "1", ex=lifetime_s)

    async def is_revoked(self, session_id: str) -> bool:
        """Whether the session was ended. With Redis away the answer is no: a token lives 15 minutes at most."""
        found = await self._client.ask(
            lambda redis: redis.exists(f"revoked:{session_id}"),
            otherwise=0,
            lost="revocations not readable, the token alone decides",
        )
        return bool(found)

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()


async def principal_of(request: Request) -> Principal:
    """The caller, from a Bearer token or the session cookie. Raises Unauthenticated; Forbidden for a cross-site write."""
    known: Principal | None = getattr(request.state, "principal", None)
    if known is not None:
        return known
    authority: TokenAuthority = request.app.state.tokens
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    from_cookie = False
    if scheme.lower() != "bearer" or not token:
        token = request.cookies.get(SESSION_COOKIE, "")
        from_cookie = True
    if not token:
        raise Unauthenticated("sign-in-required", "Sign in first: POST /api/identity/v1/sessions.")
    try:
        principal = authority.verify(token)
    except TokenInvalid as error:
        raise Unauthenticated("session-over", "This session is over. Sign in again, or refresh it.") from error
    if from_cookie and request.method not in SAFE_METHODS:
        refuse_cross_site(request)
    if principal.session_id and await request.app.state.revocations.is_revoked(principal.session_id):
        raise Unauthenticated("session-over", "This session was signed out. Sign in again.")
    request.state.principal = principal
    return principal


async def principal_or_none(request: Request) -> Principal | None:
    """Who is signed in, if anybody is: a session that is over is nobody. Raises Forbidden for a cross-site write."""
    try:
        return await principal_of(request)
    except Unauthenticated:
        return None


def refuse_cross_site(request: Request) -> None:
    """Lets only our own pages write. Raises Forbidden."""
    settings: ServiceSettings = request.app.state.settings
    origin = request.headers.get("origin")
    allowed = {settings.public_url.rstrip("/")} | {o.strip() for o in settings.trusted_origins.split(",") if o.strip()}
    if origin is not None:
        parts = urlsplit(origin)
        if f"{parts.scheme}://{parts.netloc}" in allowed:
            return
    elif request.headers.get("sec-fetch-site") in {"same-origin", "none"}:
        return
    raise Forbidden("cross-site-request", "This request did not come from our own pages.")


def require(*roles: str) -> Any:
    """A dependency: the signed-in caller with one of `roles`; `service:<name>` admits that calling service."""
    if not roles:
        raise ValueError("a policy names at least one role; use `public` to admit everybody")
    calling_services: set[str] = {role.removeprefix("service:") for role in roles if role.startswith("service:")}
    user_roles: set[str] = {role for role in roles if not role.startswith("service:")}

    async def policy(request: Request) -> Principal:
        principal = await principal_of(request)
        admitted: bool = (
            principal.service in calling_services if principal.service is not None else principal.has(*user_roles)
        )
        if not admitted:
            raise Forbidden(
                "role-required",
                f"This needs the role {' or '.join(sorted(user_roles)) or 'of a service'}; ask an administrator.",
                needed=sorted(roles),
            )
        _bind_order_of(request)
        return principal

    policy.is_policy = True  # type: ignore[attr-defined]
    return Depends(policy)


def _bind_order_of(request: Request) -> None:
    """What is asked about an order by its address belongs to its trace, once somebody is admitted who may ask."""
    with suppress(ValueError, KeyError):
        telemetry.bind_order(UUID(str(request.path_params["order_id"])))


async def _admit_everybody() -> None:
    """The policy of a public route."""


_admit_everybody.is_policy = True  # type: ignore[attr-defined]
public: Any = Depends(_admit_everybody)


def routes_without_policy(router: APIRouter) -> list[str]:
    """The routes of a router, and of those inside it, that name no policy, as `METHOD path`; must be empty."""
    bare = []
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if isinstance(inner, APIRouter):
            bare += routes_without_policy(inner)
        elif not isinstance(route, APIRoute):
            bare.append(f"{type(route).__name__} {getattr(route, 'path', '')}")
        elif not _has_policy(route.dependant):
            bare.append(f"{','.join(sorted(route.methods or ()))} {route.path}")
    return bare


def _has_policy(dependant: Any) -> bool:
    call: Callable[..., Awaitable[Any]] | None = dependant.call
    if getattr(call, "is_policy", False):
        return True
    return any(_has_policy(inner) for inner in dependant.dependencies)
