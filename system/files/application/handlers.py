"""One function for each command; each commits once, here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from system.files.application.commands import CompleteUpload, KeepPreview, StartUpload
from system.files.application.ports import Begin, PostForm, Storage
from system.files.domain import rules
from system.files.domain.errors import ContentDeleted, NotUploadedYet, TooManyUploads, UploadExpired
from system.files.domain.preview import Preview, is_a_preview
from system.files.domain.probe import ModelProbe
from system.files.domain.upload import Findings, Status, Upload, sealed_key_of
from system.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long. `linger_s` is what a slow upload may need beyond its form's expiry."""

    bytes_max: int
    expires_s: int
    linger_s: int
    pending_max: int


@dataclass(frozen=True, slots=True)
class Tools:
    """What the handlers work with."""

    begin: Begin
    storage: Storage
    limits: Limits


async def start_upload(command: StartUpload, tools: Tools) -> tuple[Upload, PostForm]:
    """Registers an upload and gives the form to post the file with. Raises Invalid, TooManyUploads."""
    limits = tools.limits
    rules.declared_size_is_possible(command.size_bytes, bytes_max=limits.bytes_max)
    async with tools.begin() as uow:
        await uow.lock(command.owner_id)
        if await uow.uploads.count_pending(command.owner_id, now=uow.now) >= limits.pending_max:
            raise TooManyUploads(pending_max=limits.pending_max)
        upload = Upload(
            file_id=new_id(),
            owner_id=command.owner_id,
            filename=rules.shown_filename(command.filename),
            declared_bytes=command.size_bytes,
            created_at=uow.now,
            expires_at=uow.now + timedelta(seconds=limits.expires_s),
        )
        await uow.uploads.add(upload)
        await uow.commit()
    form = tools.storage.post_form(upload.landing_key, bytes_max=limits.bytes_max, expires_s=limits.expires_s)
    return upload, form


async def complete_upload(command: CompleteUpload, tools: Tools) -> Upload:
    """Checks the file that arrived and settles the upload; settled once, it always answers the same.

    Interrupted anywhere, it may be called again: the verdict is one conditional update, after everything else.
    Raises UploadUnknown, NotUploadedYet, UploadExpired, UploadChanged, Unavailable.
    """
    async with tools.begin() as uow:
        upload = await uow.uploads.get(command.file_id, owner_id=command.owner_id)
        now = uow.now
    if upload.status is not Status.PENDING:
        return upload
    findings = await _examine(upload, now, tools)
    async with tools.begin() as uow:
        settled = upload.settled(findings, uow.now)
        if settled.sealed_key is not None:
            # Locked: whoever deletes the last other upload of this content sees this one, or has deleted the content before.
            await uow.lock(settled.sealed_key)
            if await tools.storage.find(settled.sealed_key) is None:
                raise ContentDeleted()
        if await uow.uploads.settle(settled):
            await uow.commit()
            return settled
        # Somebody completed it at the same moment; theirs is the verdict.
        return await uow.uploads.get(command.file_id, owner_id=command.owner_id)


async def _examine(upload: Upload, now: datetime, tools: Tools) -> Findings:
    stored = await tools.storage.find(upload.landing_key)
    if stored is None:
        raise UploadExpired() if now > upload.expires_at else NotUploadedYet()
    too_large = rules.refused_as_too_large(stored.size_bytes, bytes_max=tools.limits.bytes_max)
    if too_large:
        return too_large
    probe = ModelProbe()
    await tools.storage.read(stored, probe.feed)
    findings = probe.findings(declared_bytes=upload.declared_bytes)
    if findings.status is Status.VERIFIED:
        assert findings.sha256 is not None
        # The owner's form still writes to the landing place: what was checked is kept where only we write.
        await tools.storage.copy(stored, to=sealed_key_of(findings.sha256))
    return findings


async def keep_preview(command: KeepPreview, tools: Tools) -> Preview:
    """Keeps a picture of a mesh; the same one again changes nothing. Raises PreviewRefused, Unavailable."""
    is_a_preview(
        command.content,
        mesh_sha256=command.mesh_sha256,
        size_px=command.size_px,
        content_type=command.content_type,
    )
    etag = hashlib.sha256(command.content).hexdigest()
    async with tools.begin() as uow:
        present = await uow.previews.find(command.mesh_sha256, command.size_px)
        now = uow.now
    if present is not None and present.etag == etag:
        return present
    preview = Preview(command.mesh_sha256, command.size_px, etag, len(command.content), now)
    await tools.storage.write(preview.key, command.content, content_type=command.content_type)
    async with tools.begin() as uow:
        # After the picture itself: what is remembered can be read.
        await uow.previews.keep(preview)
        await uow.commit()
    return preview


async def tidy(tools: Tools, *, at_most: int = 100) -> int:
    """Empties landing places whose forms have expired; how many. What was verified lies elsewhere."""
    async with tools.begin() as uow:
        expired_before = uow.now - timedelta(seconds=tools.limits.linger_s)
        uploads = await uow.uploads.to_be_tidied(expired_before=expired_before, limit=at_most)
    for upload in uploads:
        await tools.storage.delete(upload.landing_key)
    async with tools.begin() as uow:
        # Marked after the deletion: a crash between them only deletes once more.
        await uow.uploads.mark_tidied([upload.file_id for upload in uploads], uow.now)
        await uow.commit()
    return len(uploads)
