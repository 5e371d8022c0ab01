"""What Prometheus learns of each request: rate, errors, duration and bytes, by route and by who asked."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from system.plumbing.metrics import (
    HTTP_BYTES,
    HTTP_IN_FLIGHT,
    REQUEST_SECONDS,
    REQUESTS,
    ROLE_REQUESTS,
    ROLE_SECONDS,
)
from system.plumbing.tokens import Principal

QUIET = ("/health", "/metrics")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Of somebody with several roles the first of these counts: what they may do most with.
ROLES = ("administrator", "seller", "operator", "partner", "customer")


class Measured:
    """Counts every request once, however it ends. The outermost layer: a body that is refused for its size counts too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(QUIET):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        streamed_after_s: float | None = None

        async def counted_receive() -> Message:
            message = await receive()
            HTTP_BYTES.labels("in").inc(len(message.get("body", b"")))
            return message

        async def counted_send(message: Message) -> None:
            nonlocal status, streamed_after_s
            if message["type"] == "http.response.start":
                status = message["status"]
                if is_stream(message):
                    # It ends when the reader leaves; how soon it began is what somebody waited for.
                    streamed_after_s = time.perf_counter() - started
            HTTP_BYTES.labels("out").inc(len(message.get("body", b"")))
            await send(message)

        try:
            with HTTP_IN_FLIGHT.track_inprogress():
                await self._app(scope, counted_receive, counted_send)
        finally:
            _record(scope, status, streamed_after_s or time.perf_counter() - started)


def _record(scope: Scope, status: int, elapsed_s: float) -> None:
    method = scope["method"] if scope["method"] in METHODS else "other"
    # By its template: a path holds ids, and may hold the secret of somebody's link.
    route = getattr(scope.get("route"), "path", "unmatched")
    role = role_of(scope)
    REQUESTS.labels(method, route, str(status)).inc()
    REQUEST_SECONDS.labels(method, route).observe(elapsed_s)
    ROLE_REQUESTS.labels(role, route, outcome_of(status)).inc()
    ROLE_SECONDS.labels(role).observe(elapsed_s)


def role_of(scope: Scope) -> str:
    """Who asked: one of ROLES, `service`, or `visitor` for everybody who is not signed in where it was asked."""
    principal: Principal | None = (scope.get("state") or {}).get("principal")
    if principal is None:
        return "visitor"
    if principal.service is not None:
        return "service"
    return next((role for role in ROLES if principal.has(role)), "visitor")


def outcome_of(status: int) -> str:
    """`failed` is our mistake, `refused` the caller's."""
    return "failed" if status >= 500 else "refused" if status >= 400 else "answered"


def is_stream(message: Message) -> bool:
    """True for the start of an answer that goes on until its reader leaves."""
    headers: dict[bytes, bytes] = dict(message.get("headers", ()))
    return headers.get(b"content-type", b"").startswith(b"text/event-stream")
