"""The way from a page to the bytes of a model: an address of the page's own service that leads to the storage.

async def seen_by_sellers(file_id: UUID, who: Annotated[Principal, require("seller")]) -> UUID: ...
router.include_router(model_route("/models/{file_id}", seen_by_sellers))

It leads there and does not carry: a hundred megabytes would pass through this process and be compressed by the gateway, for
nothing. A browser follows from the page's own origin to the storage's, so the pages' policy names that origin (`s3_public_url` in the
service's settings), and the storage answers to the pages' origin. The address it is led to works for a minute, reads one file and
is made anew for everyone who asks and may.

Of a large model there are lighter forms: `?level=coarse` and `?level=fine` lead to a GLB, or say that it is not made yet. A small one
is its own every level, an STL.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Literal
from uuid import UUID

import httpx
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import NotFound, Unavailable
from system.plumbing.service_client import ServiceClient

FileOf = Callable[..., Awaitable[UUID]]
RETRY_AFTER_S = 5
Level = Literal["coarse", "fine"]


class ModelMissing(NotFound):
    """There is no such file, or none that was verified."""

    def __init__(self) -> None:
        super().__init__("model-missing", "The model's file is not there: it was refused, or never arrived.")


class LevelNotReady(NotFound):
    """The lighter form that was asked for is being made."""

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "level-not-ready",
            "The lighter form of this model is being made: ask again in a moment, or read the model itself.",
            retry_after_s=retry_after_s,
        )


class LevelMissing(NotFound):
    """There is no lighter form of this model, and there will be none."""

    def __init__(self) -> None:
        super().__init__("level-missing", "There is no lighter form of this model: read the model itself.")


def model_route(path: str, file_of: FileOf) -> APIRouter:
    """`GET path`, which leads to the file that `file_of` names.

    `file_of` is a dependency with a policy of its own: it takes what it needs of the path, decides whether this person may see the
    model, and raises Refused where not. The route raises ModelMissing, LevelNotReady, LevelMissing, and Unavailable when the files
    service does not answer; whether the storage does, only the browser finds out.
    """
    router = APIRouter()
    named: Any = Depends(file_of)

    @router.get(path)
    async def model(request: Request, file_id: UUID = named, level: Level | None = None) -> Response:
        client: ServiceClient = request.app.state.client
        address = await _address_of(client, file_id, level)
        return RedirectResponse(address, HTTPStatus.TEMPORARY_REDIRECT, headers={"Cache-Control": "no-store"})

    return router


async def _address_of(client: ServiceClient, file_id: UUID, level: Level | None) -> str:
    """Where a browser may read the file. Raises ModelMissing, LevelNotReady, LevelMissing, Unavailable."""
    wanted = {"reader": "browser"} | ({"level": level} if level else {})
    answer = await client.request("GET", "files", f"/internal/files/{file_id}", params=wanted)
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise _missing(answer)
    if answer.status_code != HTTPStatus.OK:
        raise Unavailable("files-unavailable", f"The files service answered {answer.status_code}.")
    address: str | None = answer.json().get("download_url")
    if address is None:
        raise ModelMissing()
    return address


def _missing(answer: httpx.Response) -> NotFound:
    told: dict[str, Any] = answer.json()
    if told.get("code") == "level-not-ready":
        return LevelNotReady(retry_after_s=int(told.get("retry_after_s", RETRY_AFTER_S)))
    return LevelMissing() if told.get("code") == "level-missing" else ModelMissing()
