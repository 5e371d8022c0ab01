"""Previews over HTTP: pricing hands them over, people look at them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from system.files.adapters.pictures import Pictures
from system.files.application import handlers
from system.files.application.commands import KeepPreview
from system.files.domain.errors import PreviewMissing, UploadUnknown
from system.files.domain.preview import CONTENT_TYPE, Size
from system.files.entrypoints.api import HandlerTools, Queries
from system.kernel.errors import Unavailable
from system.plumbing.auth import Principal, require

router = APIRouter()
internal = APIRouter(prefix="/internal")

STAFF = ("seller", "operator", "administrator")
Viewer = Annotated[Principal, require("customer", "partner", *STAFF)]
Pricing = Annotated[Principal, require("service:pricing")]
LOOKUP_MAX = 500
# A model is never another one, and it is drawn anew with a release at most: browsers ask again the next day.
KEPT = "private, max-age=86400"
# What is missing may be there in a moment.
KEPT_SHORTLY = "private, max-age=10"
PLACEHOLDER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48" fill="none" stroke="#8a94a0"'
    ' stroke-width="2" stroke-linejoin="round"><circle cx="24" cy="29" r="13"/><path d="m18 8h12l4 5-10 6-10-6z"/></svg>'
)


def _pictures(request: Request) -> Pictures:
    pictures: Pictures = request.app.state.pictures
    return pictures


ThePictures = Annotated[Pictures, Depends(_pictures)]
PREVIEW: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture", "content": {CONTENT_TYPE: {}, "image/svg+xml": {}}},
    304: {"description": "Nothing changed since `If-None-Match`"},
}


@router.get("/uploads/{file_id}/preview", response_class=Response, responses=PREVIEW)
async def show_preview(
    file_id: UUID,
    who: Viewer,
    queries: Queries,
    pictures: ThePictures,
    size: Size = Size.ROW,
    otherwise: Literal["problem", "placeholder"] = "problem",
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """A small picture of the model, for its owner and for our staff.

    404 `preview-missing`, `upload-unknown`. A page asks for a `placeholder` instead: browsers report a picture that does not come as a
    fault of the page.
    """
    owner_id = None if who.has(*STAFF) else who.subject
    try:
        preview = await queries.preview(file_id, size_px=size, owner_id=owner_id)
        headers = {"ETag": f'"{preview.etag}"', "Cache-Control": KEPT}
        if if_none_match == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        return Response(await pictures.content(preview), media_type=CONTENT_TYPE, headers=headers)
    except (PreviewMissing, UploadUnknown, Unavailable):
        if otherwise == "problem":
            raise
    return Response(PLACEHOLDER, media_type="image/svg+xml", headers={"Cache-Control": KEPT_SHORTLY})


class Meshes(BaseModel):
    """Meshes by the content of their files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mesh_sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(max_length=LOOKUP_MAX)


class Missing(BaseModel):
    """The meshes of which a picture is missing."""

    missing: list[str]


@internal.put("/previews/{mesh_sha256}/{size}", status_code=204)
async def keep_preview(request: Request, mesh_sha256: str, size: Size, who: Pricing, tools: HandlerTools) -> Response:
    """Keeps a picture of a mesh: the body is the PNG. The same one again changes nothing. 422 `preview-refused`."""
    content_type = request.headers.get("content-type", "")
    await handlers.keep_preview(KeepPreview(mesh_sha256, size, await request.body(), content_type), tools)
    return Response(status_code=204)


@internal.post("/previews/lookup")
async def look_up_previews(body: Meshes, who: Pricing, queries: Queries) -> Missing:
    """Which of these meshes have not a picture of every size."""
    return Missing(missing=sorted(await queries.without_preview(body.mesh_sha256)))
