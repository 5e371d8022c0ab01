"""What goes over HTTP: requests and answers of files' API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from system.files.application.ports import PostForm, StoredPart
from system.files.domain.upload import Format, Status, Upload

PART_NUMBERS_MAX = 50


class UploadBody(BaseModel):
    """A file that somebody wants to send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filename: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = Field(examples=["ring.stl"])
    size_bytes: int = Field(ge=0, le=2**53, examples=[123_484])
    in_parts: bool = Field(
        False, description="send it piece by piece, so that an interrupted upload goes on where it was"
    )


class UploadStarted(BaseModel):
    """Where to send the file: POST `fields` and then the file itself, as `file`, in one multipart form to `url`.

    For an upload in parts there is no form (both are empty): ask for the addresses of its parts.
    """

    file_id: UUID
    url: str
    fields: dict[str, str]
    max_bytes: int
    expires_at: datetime
    part_bytes: int | None = Field(None, description="of every part but the last, which has what is left")
    part_count: int | None = Field(None, description="parts are numbered from 1")

    @classmethod
    def of(cls, upload: Upload, form: PostForm | None, *, bytes_max: int) -> Self:
        """The answer to a new upload."""
        return cls(
            file_id=upload.file_id,
            url=form.url if form else "",
            fields=dict(form.fields) if form else {},
            max_bytes=bytes_max,
            expires_at=upload.expires_at,
            part_bytes=upload.parts.part_bytes if upload.parts else None,
            part_count=upload.parts.count if upload.parts else None,
        )


class PartNumbers(BaseModel):
    """Parts that somebody wants to send."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    numbers: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=PART_NUMBERS_MAX, examples=[[1, 2, 3]])


class PartAddressView(BaseModel):
    """PUT exactly `size_bytes` bytes of the file to `url`."""

    number: int
    size_bytes: int
    url: str


class PartAddresses(BaseModel):
    """Each with the address of one part, good for a quarter of an hour; ask again when it is over."""

    items: list[PartAddressView]


class PartView(BaseModel):
    """A part that has arrived."""

    number: int
    size_bytes: int


class PartsView(BaseModel):
    """How far an upload in parts is. Once it is settled there are no parts any more."""

    file_id: UUID
    status: Status
    filename: str
    size_bytes: int
    part_bytes: int
    part_count: int
    arrived: list[PartView]
    expires_at: datetime

    @classmethod
    def of(cls, upload: Upload, arrived: Sequence[StoredPart]) -> Self:
        """The view of an upload in parts. Raises ValueError for one by a form."""
        if upload.parts is None:
            raise ValueError(f"upload {upload.file_id} is not in parts")
        return cls(
            file_id=upload.file_id,
            status=upload.status,
            filename=upload.filename,
            size_bytes=upload.declared_bytes,
            part_bytes=upload.parts.part_bytes,
            part_count=upload.parts.count,
            arrived=[PartView(number=part.number, size_bytes=part.size_bytes) for part in arrived],
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
