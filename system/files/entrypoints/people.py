"""For the shop and identity: a person's models as a list, deleting one, and everything of them for their way out."""

from __future__ import annotations

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from system.files.adapters.people import PeopleQueries
from system.files.application.people import delete_model, erase_person
from system.files.domain.upload import Upload
from system.files.entrypoints.api import HandlerTools, Queries
from system.files.entrypoints.schemas import UploadList, UploadView
from system.kernel.errors import Invalid
from system.plumbing.auth import require
from system.plumbing.erasure import Erased, Reach
from system.plumbing.web import Cursor

EXPORT_LINK_S = 3600
"""How long the links in somebody's own data lead to their models: long enough to fetch them all by hand."""

router = APIRouter(prefix="/internal/people")
from_shop = require("service:shop")
from_identity = require("service:identity")


def _people(request: Request) -> PeopleQueries:
    return cast(PeopleQueries, request.app.state.people)


People = Annotated[PeopleQueries, Depends(_people)]


@router.get("/{person}/uploads", dependencies=[from_shop])
async def models_of_person(
    person: UUID,
    people: People,
    after: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> UploadList:
    """The person's verified models, the newest first; `next` leads on."""
    found = await people.models(person, before=_place(after), limit=limit + 1)
    shown = found[:limit]
    following = Cursor.encode(shown[-1].file_id) if len(found) > limit else None
    return UploadList(items=[UploadView.of(one) for one in shown], next=following)


@router.delete("/{person}/uploads/{file_id}", status_code=204, dependencies=[from_shop])
async def delete_upload(person: UUID, file_id: UUID, queries: Queries, tools: HandlerTools) -> Response:
    """Deletes a model, for the shop, which knows that no order needs it. 404 `upload-unknown`, also when it is somebody else's."""
    await delete_model(await queries.upload(file_id, owner_id=person), tools)
    return Response(status_code=204)


@router.get("/{person}/data", dependencies=[from_identity])
async def data_of_person(person: UUID, people: People, tools: HandlerTools) -> dict[str, Any]:
    """Everything that the person ever sent, with links to what is there."""
    return {"models": [_own(one, tools) for one in await people.uploads(person)]}


@router.post("/{person}/erasure", dependencies=[from_identity])
async def erase(person: UUID, tools: HandlerTools, reach: Reach | None = None) -> Erased:
    """Deletes the person's models; those of orders become nobody's. Repeatable; `remaining` asks to be called again."""
    return await erase_person(person, reach or Reach(), tools)


def _place(cursor: str | None) -> UUID | None:
    keys = Cursor.decode(cursor, keys=1)
    try:
        return UUID(keys[0]) if keys else None
    except (TypeError, ValueError, AttributeError) as error:
        raise Invalid("cursor-invalid", "This cursor belongs to another list; start again without it.") from error


def _own(upload: Upload, tools: HandlerTools) -> dict[str, Any]:
    findings, key = upload.findings, upload.sealed_key
    return {
        "file_id": str(upload.file_id),
        "file_name": upload.filename,
        "sent_at": upload.created_at.isoformat(),
        "state": upload.status.value,
        "size_bytes": findings.size_bytes if findings else None,
        "sha256": findings.sha256 if findings else None,
        "triangles": findings.triangle_count if findings else None,
        "refused_because": findings.problem.detail if findings and findings.problem else None,
        "download": tools.storage.browser_url(key, filename=upload.filename, expires_s=EXPORT_LINK_S) if key else None,
        "download_works_for_minutes": EXPORT_LINK_S // 60 if key else None,
    }
