"""The web application of a service: problems, policies, metrics, traces, health."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, FastAPI, Header, Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from system.kernel.errors import Invalid
from system.plumbing import problems, telemetry
from system.plumbing.auth import Revocations, principal_of, public, routes_without_policy
from system.plumbing.flags import Features
from system.plumbing.measured import Measured, is_stream
from system.plumbing.metrics import QueriedGauges, exposition
from system.plumbing.settings import ServiceSettings
from system.plumbing.steering import Steering
from system.plumbing.telemetry import log
from system.plumbing.tokens import TokenAuthority
from system.plumbing.unit_of_work import Answer, IdempotencyKey

BODY_BYTES_MAX = 1_000_000
Readiness = Callable[[], Awaitable[dict[str, bool]]]


def make_app(
    settings: ServiceSettings,
    *,
    routers: Sequence[APIRouter],
    pages: Sequence[APIRouter] = (),
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
    readiness: Readiness | None = None,
    gauges: QueriedGauges | None = None,
    description: str = "",
    steering: Steering | None = None,
) -> FastAPI:
    """The application of one service: its API, and its pages at their own addresses. Raises RuntimeError for a bare route."""
    prefix = f"/api/{settings.service}/v1"
    app = FastAPI(
        title=f"Alexandrite {settings.service}",
        version="1",
        description=description,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{prefix}/openapi.json",
        responses=problems.PROBLEM_RESPONSES,
        generate_unique_id_function=lambda route: route.name,
        separate_input_output_schemas=False,
    )
    app.state.settings = settings
    app.state.tokens = TokenAuthority(settings)
    app.state.revocations = Revocations(settings)
    app.state.is_stopping = lambda: False
    app.state.on_bug = lambda answer: answer
    app.state.body_bytes_max = {}
    app.state.features = Features(steering or Steering(settings.steering_directory))
    health = _health_router(readiness, gauges)
    bare = [route for router in (*routers, *pages, health) for route in routes_without_policy(router)]
    if bare:
        raise RuntimeError(f"routes without a policy: {', '.join(bare)}")
    for router in routers:
        internal = router.prefix.startswith("/internal")
        app.include_router(router, prefix="" if internal else prefix, include_in_schema=not internal)
    for router in (*pages, health):
        app.include_router(router, include_in_schema=False)
    problems.install(app)
    app.add_middleware(Observed)
    app.add_middleware(LimitedBody)
    app.add_middleware(Measured)
    return app


def _health_router(readiness: Readiness | None, gauges: QueriedGauges | None) -> APIRouter:
    router = APIRouter()

    @router.get("/health/live", dependencies=[public])
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @router.get("/health/ready", dependencies=[public])
    async def ready() -> Response:
        checks = await readiness() if readiness else {}
        well = all(checks.values())
        body = {"status": "ready" if well else "not ready", "checks": checks}
        return Response(orjson.dumps(body), status_code=200 if well else 503, media_type="application/json")

    @router.get("/metrics", dependencies=[public])
    async def metrics() -> Response:
        return Response(await exposition(gauges), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


class Observed:
    """One span and one log line per request; an unexpected error becomes a 500 problem that quotes its trace."""

    QUIET = ("/health", "/metrics")
    CHATTER = ("/v1/",)
    """Where spans and log lines of other processes arrive."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self.QUIET):
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        traceparent = headers.get(b"traceparent", b"").decode("latin-1") or None
        started = time.perf_counter()
        status = 500
        begun = False
        streamed_after_s: float | None = None

        async def observed_send(message: Message) -> None:
            nonlocal status, begun, streamed_after_s
            if message["type"] == "http.response.start":
                status = message["status"]
                begun = True
                if is_stream(message):
                    # It ends when the reader leaves; how soon it began is what somebody waited for.
                    streamed_after_s = time.perf_counter() - started
                    trace.answered_ns = time.time_ns()
                current = telemetry.current_traceparent()
                if current:
                    message.setdefault("headers", []).append((b"traceparent", current.encode()))
            await send(message)

        with telemetry.request_trace(scope["method"], traceparent=traceparent) as trace:
            bug: Exception | None = None
            try:
                await self._app(scope, receive, observed_send)
            except Exception as error:
                # By its route: a path may hold the secret of somebody's link.
                bug = error
                log.exception("request failed", method=scope["method"], route=_route_of(scope))
                if begun:
                    raise
                response = await scope["app"].state.on_bug(_our_mistake)(Request(scope, receive), error)
                await response(scope, receive, observed_send)
            finally:
                route = _route_of(scope)
                elapsed_s = streamed_after_s or time.perf_counter() - started
                trace.answered(method=scope["method"], route=route, status=status, error=bug)
                # What processes say to each other every second is no news as long as it goes well.
                tell = log.debug if scope["path"].startswith(self.CHATTER) and status < 400 else log.info
                tell(
                    "request", method=scope["method"], route=route, status=status, elapsed_ms=round(elapsed_s * 1000, 1)
                )


def _route_of(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))


async def _our_mistake(_: Request, __: Exception) -> Response:
    return problems.problem(
        500, "internal-error", "This is our mistake and we have been told. Quote the trace id to support."
    )


class LimitedBody:
    """Refuses a body above BODY_BYTES_MAX: large things are uploaded to storage, never to a service.

    A service that takes more at one address says so in `app.state.body_bytes_max`, by path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bytes_max = scope["app"].state.body_bytes_max.get(scope["path"], BODY_BYTES_MAX)
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > bytes_max:
            response = problems.problem(
                413, "body-too-large", f"Send at most {bytes_max} bytes here; models go through an upload."
            )
            await response(scope, receive, send)
            return
        seen = 0

        async def limited_receive() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > bytes_max:
                raise Invalid("body-too-large", f"Send at most {bytes_max} bytes here.")
            return message

        await self._app(scope, limited_receive, send)


async def idempotency_key(
    request: Request,
    idempotency_key: Annotated[
        str, Header(min_length=1, max_length=255, description="A fresh key per intended effect.")
    ],
) -> IdempotencyKey:
    """The caller's key for this request; its scope is the caller and the address, its fingerprint the body."""
    fingerprint = hashlib.sha256(await request.body()).hexdigest()
    caller = (await principal_of(request)).subject
    return IdempotencyKey(f"{caller} {request.method} {request.url.path}"[:120], idempotency_key, fingerprint)


def to_response(answer: Answer | None) -> Response:
    """The HTTP form of an answer."""
    if answer is None:
        raise RuntimeError("a command gave no answer")
    if answer.body is None:
        return Response(status_code=answer.status, headers=answer.headers)
    return Response(
        orjson.dumps(answer.body), status_code=answer.status, headers=answer.headers, media_type="application/json"
    )


class Cursor:
    """Opaque keyset cursors: a JSON list of the last row's sort keys in URL-safe base64."""

    @staticmethod
    def encode(*keys: Any) -> str:
        """The cursor after a row with these sort keys."""
        return base64.urlsafe_b64encode(json.dumps(keys, default=str).encode()).decode().rstrip("=")

    @staticmethod
    def decode(cursor: str | None, *, keys: int) -> list[Any] | None:
        """The sort keys in the cursor; None for no cursor. Raises Invalid for one that we did not make."""
        if not cursor:
            return None
        try:
            decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        except ValueError as error:
            raise Invalid("cursor-invalid", "This cursor is not one of ours; start again without it.") from error
        if not isinstance(decoded, list) or len(decoded) != keys:
            raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.")
        return decoded
