"""Errors as RFC 9457 problems: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from system.kernel.errors import AlexandriteError, Unavailable
from system.plumbing.database import is_connection_failure
from system.plumbing.telemetry import current_traceparent, log, said_by, trace_id_of

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What an endpoint answers when it refuses: RFC 9457, with a stable `code` and the trace to quote to support."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str | None = None


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused", "content": {MEDIA_TYPE: {}}},
    "5XX": {"model": Problem, "description": "Not available", "content": {MEDIA_TYPE: {}}},
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """A problem response. `extra` may add members, and never replaces the problem's own."""
    body = {
        "type": f"/problems/{code}",
        "title": code.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": trace_id_of(current_traceparent()),
    }
    return JSONResponse({**(extra or {}), **body}, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def install(app: FastAPI) -> None:
    """Turns every error of this application into a problem."""
    app.add_exception_handler(AlexandriteError, _on_known)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(DBAPIError, _on_database)
    app.add_exception_handler(PoolTimeout, _on_database)


async def _on_known(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AlexandriteError)
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable) or "retry_after_s" in error.extra:
        headers["Retry-After"] = str(error.extra.get("retry_after_s", 2))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.status, error.code, error.detail, headers=headers, extra=error.extra)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [{"at": "/".join(str(part) for part in item["loc"]), "message": item["msg"]} for item in error.errors()]
    first = errors[0] if errors else {"at": "body", "message": "unreadable"}
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid-request",
        f"{first['at']}: {first['message']}",
        extra={"errors": errors},
    )


async def _on_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take that method.",
    }
    detail = details.get(error.status_code, str(error.detail))
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, phrase.lower().replace(" ", "-"), detail, headers=headers)


async def _on_database(request: Request, error: Exception) -> JSONResponse:
    if is_connection_failure(error) or isinstance(error, PoolTimeout):
        # By its route: a path may hold the secret of somebody's link.
        route = getattr(request.scope.get("route"), "path", "unmatched")
        log.error("database away", error=said_by(error), route=route)
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "database-unavailable",
            "We cannot reach our database just now. Nothing was changed; try again in a moment.",
            headers={"Retry-After": "2"},
        )
    state = getattr(getattr(error, "orig", None), "sqlstate", None)
    if state in {"40001", "40P01", "55P03", "57014"}:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "busy",
            "Too many people want the same thing at this moment. Nothing was changed; try again.",
            headers={"Retry-After": "1"},
        )
    # The driver itself refuses a NUL in text, and then there is no state.
    refused_by_driver = state is None and isinstance(getattr(error, "orig", None), psycopg.DataError)
    if refused_by_driver or state == "22021" or (state or "").startswith("22P"):
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-text", "The request holds characters we cannot store.")
    raise error
