"""What goes over HTTP: requests and answers of files' API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from system.files.application.ports import PostForm
from system.files.domain.upload import Format, Status, Upload


class UploadBody(BaseModel):
    """A file that somebody wants to send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filename: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(examples=["ring.stl"])
    size_bytes: int = Field(ge=0, le=2**53, examples=[123_484])


class UploadStarted(BaseModel):
    """Where to send the file: POST `fields` and then the file itself, as `file`, in one multipart form to `url`."""

    file_id: UUID
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: datetime

    @classmethod
    def of(cls, upload: Upload, form: PostForm, *, bytes_max: int) -> Self:
        """The answer to a new upload."""
        return cls(
            file_id=upload.file_id,
            url=form.url,
            fields=dict(form.fields),
            max_bytes=bytes_max,
            expires_at=upload.expires_at,
        )


class ProblemView(BaseModel):
    """Why a file was refused, and what to send instead."""

    code: str
    title: str
    detail: str


class UploadView(BaseModel):
    """An upload as its owner sees it."""

    file_id: UUID
    status: Status
    filename: str
    size_bytes: int | None
    sha256: str | None
    format: Format | None
    triangle_count: int | None
    problem: ProblemView | None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, upload: Upload) -> Self:
        """The view of an upload."""
        findings = upload.findings
        problem = findings.problem if findings else None
        return cls(
            file_id=upload.file_id,
            status=upload.status,
            filename=upload.filename,
            size_bytes=findings.size_bytes if findings else None,
            sha256=findings.sha256 if findings else None,
            format=findings.format if findings else None,
            triangle_count=findings.triangle_count if findings else None,
            problem=ProblemView(code=problem.code, title=problem.title, detail=problem.detail) if problem else None,
            created_at=upload.created_at,
            expires_at=upload.expires_at,
        )


class FileView(UploadView):
    """A file as another service sees it; `download_url` is there once it is verified."""

    owner_id: UUID
    download_url: str | None = None


class UploadList(BaseModel):
    """Some uploads, the newest first. `next` asks for those after them, and is null at the end."""

    items: list[UploadView]
    next: str | None
