"""The way from a page to the bytes of a model: an address of the page's own service that leads to the storage.

async def seen_by_sellers(file_id: UUID, who: Annotated[Principal, require("seller")]) -> UUID: ...
router.include_router(model_route("/models/{file_id}", seen_by_sellers))

It leads there and does not carry: a hundred megabytes would pass through this process and be compressed by the gateway, for
nothing. A browser follows from the page's own origin to the storage's, so the pages' policy names that origin (`s3_public_url` in the
service's settings), and the storage answers to the pages' origin. The address it is led to works for a minute, reads one file and
is made anew for everyone who asks and may.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from system.kernel.errors import NotFound, Unavailable
from system.plumbing.service_client import ServiceClient

FileOf = Callable[..., Awaitable[UUID]]


class ModelMissing(NotFound):
    """There is no such file, or none that was verified."""

    def __init__(self) -> None:
        super().__init__("model-missing", "The model's file is not there: it was refused, or never arrived.")


def model_route(path: str, file_of: FileOf) -> APIRouter:
    """`GET path`, which leads to the file that `file_of` names.

    `file_of` is a dependency with a policy of its own: it takes what it needs of the path, decides whether this person may see the
    model, and raises Refused where not. The route raises ModelMissing, and Unavailable when the files service does not answer; whether
    the storage does, only the browser finds out.
    """
    router = APIRouter()
    named: Any = Depends(file_of)

    @router.get(path)
    async def model(request: Request, file_id: UUID = named) -> Response:
        client: ServiceClient = request.app.state.client
        address = await _address_of(client, file_id)
        return RedirectResponse(address, HTTPStatus.TEMPORARY_REDIRECT, headers={"Cache-Control": "no-store"})

    return router


async def _address_of(client: ServiceClient, file_id: UUID) -> str:
    """Where a browser may read the file. Raises ModelMissing, Unavailable."""
    answer = await client.request("GET", "files", f"/internal/files/{file_id}", params={"reader": "browser"})
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise ModelMissing()
    if answer.status_code != HTTPStatus.OK:
        raise Unavailable("files-unavailable", f"The files service answered {answer.status_code}.")
    address: str | None = answer.json().get("download_url")
    if address is None:
        raise ModelMissing()
    return address
