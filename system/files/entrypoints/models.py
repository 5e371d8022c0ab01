"""Models over HTTP for the people whose they are."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import RedirectResponse

from system.files.domain.errors import ModelRefused
from system.files.domain.level import LevelName
from system.files.entrypoints.api import Owner, Queries, TheWays

router = APIRouter()


@router.get("/uploads/{file_id}/model", status_code=307, response_class=RedirectResponse)
async def lead_to_model(
    file_id: UUID, who: Owner, queries: Queries, ways: TheWays, level: LevelName | None = None
) -> RedirectResponse:
    """Leads the owner to the bytes of the model in the storage, at an address that works for a minute.

    With `level` to a lighter form of a large model: a GLB, in millimetres as in the file. A small one is its own every level.
    404 `upload-unknown`, `model-missing`, `level-not-ready` (ask again after Retry-After), `level-missing`.
    """
    upload = await queries.upload(file_id, owner_id=who.subject)
    address = await ways.to(upload, queries, reader="browser", level=level)
    if address is None:
        raise ModelRefused()
    return RedirectResponse(address, HTTPStatus.TEMPORARY_REDIRECT, headers={"Cache-Control": "no-store"})
