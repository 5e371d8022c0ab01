"""Files' HTTP API, for owners and for other services."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request

from system.files.adapters.queries import FilesQueries
from system.files.application import handlers
from system.files.application.commands import CompleteUpload, StartUpload
from system.files.application.handlers import Tools
from system.files.domain.level import LevelName
from system.files.entrypoints.schemas import FileView, UploadBody, UploadStarted, UploadView
from system.files.entrypoints.ways import Reader, Ways
from system.plumbing.auth import Principal, require

router = APIRouter()
internal = APIRouter(prefix="/internal")


def _tools(request: Request) -> Tools:
    tools: Tools = request.app.state.tools
    return tools


def _queries(request: Request) -> FilesQueries:
    queries: FilesQueries = request.app.state.queries
    return queries


def _ways(request: Request) -> Ways:
    ways: Ways = request.app.state.ways
    return ways


Owner = Annotated[Principal, require("customer", "partner")]
ReadingService = Annotated[Principal, require("service:shop", "service:pricing", "service:mes", "service:crm")]
HandlerTools = Annotated[Tools, Depends(_tools)]
Queries = Annotated[FilesQueries, Depends(_queries)]
TheWays = Annotated[Ways, Depends(_ways)]


@router.post("/uploads", status_code=201)
async def start_upload(body: UploadBody, who: Owner, tools: HandlerTools) -> UploadStarted:
    """Announces a file and gives the form that sends it straight to the storage; or, `in_parts`, says how large the parts are.

    422 `mesh-empty`, `file-too-large`; 409 `too-many-uploads`.
    """
    command = StartUpload(
        owner_id=who.subject, filename=body.filename, size_bytes=body.size_bytes, in_parts=body.in_parts
    )
    upload, form = await handlers.start_upload(command, tools)
    return UploadStarted.of(upload, form, bytes_max=tools.limits.bytes_max)


@router.post("/uploads/{file_id}/completion")
async def complete_upload(file_id: UUID, who: Owner, tools: HandlerTools) -> UploadView:
    """Has the file checked: VERIFIED, or REFUSED with the problem. Repeatable; settled once, the answer stays.

    409 `not-uploaded-yet` (with the numbers of `missing` parts), `upload-expired`, `upload-changed`.
    """
    return UploadView.of(await handlers.complete_upload(CompleteUpload(file_id=file_id, owner_id=who.subject), tools))


@router.get("/uploads/{file_id}")
async def show_upload(file_id: UUID, who: Owner, queries: Queries) -> UploadView:
    """An upload of the caller's own."""
    return UploadView.of(await queries.upload(file_id, owner_id=who.subject))


@internal.get("/files/{file_id}")
async def show_file(
    file_id: UUID,
    who: ReadingService,
    queries: Queries,
    ways: TheWays,
    reader: Reader = "service",
    level: LevelName | None = None,
) -> FileView:
    """Any file, for a service; `download_url` reads exactly what was verified, or a `level` of it.

    For a `browser` it is outside our network, and keeps the file's name: the asking service answers for whom it leads there.
    404 `level-not-ready`, `level-missing`.
    """
    upload = await queries.upload(file_id)
    url = await ways.to(upload, queries, reader=reader, level=level)
    return FileView(**UploadView.of(upload).model_dump(), owner_id=upload.owner_id, download_url=url)
