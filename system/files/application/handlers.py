"""One function for each command; each commits once, here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from system.files.application.commands import AddressParts, CompleteUpload, KeepPreview, StartUpload
from system.files.application.ports import Begin, PartAddress, PostForm, Storage, StoredObject, StoredPart
from system.files.domain import rules
from system.files.domain.errors import (
    ContentDeleted,
    NotInParts,
    NotUploadedYet,
    PartUnknown,
    TooManyUploads,
    UploadExpired,
    UploadSettled,
)
from system.files.domain.level import are_needed
from system.files.domain.preview import Preview, is_a_preview
from system.files.domain.probe import ModelProbe
from system.files.domain.upload import Findings, Parts, Status, Upload, sealed_key_of
from system.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Limits:
    """How much and how long. `linger_s` is what a slow upload may need beyond its form's expiry; one in parts, of `part_bytes` each,
    may take `parts_expires_s`, and the address of a part as long as a form."""

    bytes_max: int
    expires_s: int
    linger_s: int
    pending_max: int
    levels_above_bytes: int
    part_bytes: int
    parts_expires_s: int


@dataclass(frozen=True, slots=True)
class Tools:
    """What the handlers work with."""

    begin: Begin
    storage: Storage
    limits: Limits


async def start_upload(command: StartUpload, tools: Tools) -> tuple[Upload, PostForm | None]:
    """Registers an upload and gives the form to post the file with; none for one in parts. Raises Invalid, TooManyUploads."""
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
            expires_at=uow.now + timedelta(seconds=limits.parts_expires_s if command.in_parts else limits.expires_s),
            parts=Parts(command.size_bytes, limits.part_bytes) if command.in_parts else None,
        )
        await uow.uploads.add(upload)
        await uow.commit()
    if command.in_parts:
        return upload, None
    form = tools.storage.post_form(upload.landing_key, bytes_max=limits.bytes_max, expires_s=limits.expires_s)
    return upload, form


async def address_parts(command: AddressParts, tools: Tools) -> list[PartAddress]:
    """Where each of these parts is put. The same number again is the same part, sent anew.

    Raises UploadUnknown, NotInParts, UploadSettled, UploadExpired, PartUnknown, Unavailable.
    """
    upload, parts, now = await _in_parts(command.file_id, command.owner_id, tools)
    if upload.status is not Status.PENDING:
        raise UploadSettled(status=upload.status)
    if now >= upload.expires_at:
        raise UploadExpired()
    for number in command.numbers:
        if not 1 <= number <= parts.count:
            raise PartUnknown(number, part_count=parts.count)
    multipart_id = parts.multipart_id or await _begun(upload, tools)
    # No address outlives its upload: what is put later would never be tidied.
    left_s = max(1, int((upload.expires_at - now).total_seconds()))
    return [
        PartAddress(
            number,
            parts.size_of(number),
            tools.storage.part_url(
                upload.landing_key,
                multipart_id,
                number=number,
                size_bytes=parts.size_of(number),
                expires_s=min(tools.limits.expires_s, left_s),
            ),
        )
        for number in command.numbers
    ]


async def arrived_parts(file_id: UUID, owner_id: UUID, tools: Tools) -> tuple[Upload, list[StoredPart]]:
    """The upload and what has arrived of it; nothing of one that is settled. Raises UploadUnknown, NotInParts, Unavailable."""
    upload, parts, _ = await _in_parts(file_id, owner_id, tools)
    if upload.status is not Status.PENDING or parts.multipart_id is None:
        return upload, []
    try:
        return upload, await tools.storage.parts(upload.landing_key, parts.multipart_id)
    except NotUploadedYet:
        # Put together or thrown away a moment ago: there are no parts any more.
        return upload, []


async def _in_parts(file_id: UUID, owner_id: UUID, tools: Tools) -> tuple[Upload, Parts, datetime]:
    async with tools.begin() as uow:
        upload = await uow.uploads.get(file_id, owner_id=owner_id)
        now = uow.now
    if upload.parts is None:
        raise NotInParts()
    return upload, upload.parts, now


async def _begun(upload: Upload, tools: Tools) -> str:
    begun = await tools.storage.begin_parts(upload.landing_key)
    async with tools.begin() as uow:
        kept = await uow.uploads.begin_parts(upload.file_id, begun)
        await uow.commit()
    if kept != begun:
        # Asked for twice at the same moment: the parts of both go to the first.
        await tools.storage.drop_parts(upload.landing_key, begun)
    return kept


async def complete_upload(command: CompleteUpload, tools: Tools) -> Upload:
    """Checks the file that arrived and settles the upload; settled once, it always answers the same.

    Interrupted anywhere, it may be called again: the verdict is one conditional update, after everything else.
    One in parts is put together first. Raises UploadUnknown, NotUploadedYet, UploadExpired, UploadChanged, Unavailable.
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
            if are_needed(settled, above_bytes=tools.limits.levels_above_bytes):
                assert findings.sha256 is not None
                await uow.levels.ask_for(findings.sha256, at=uow.now)
            await uow.commit()
            return settled
        # Somebody completed it at the same moment; theirs is the verdict.
        return await uow.uploads.get(command.file_id, owner_id=command.owner_id)


async def _examine(upload: Upload, now: datetime, tools: Tools) -> Findings:
    try:
        stored = await _landed(upload, tools)
    except NotUploadedYet as missing:
        if now > upload.expires_at:
            raise UploadExpired() from missing
        raise
    refused = _refused_unread(upload, stored.size_bytes, tools)
    if refused:
        return refused
    probe = ModelProbe()
    await tools.storage.read(stored, probe.feed)
    findings = probe.findings(declared_bytes=upload.declared_bytes)
    if findings.status is Status.VERIFIED:
        assert findings.sha256 is not None
        # The owner's form still writes to the landing place: what was checked is kept where only we write.
        await tools.storage.copy(stored, to=sealed_key_of(findings.sha256))
    return findings


def _refused_unread(upload: Upload, size_bytes: int, tools: Tools) -> Findings | None:
    too_large = rules.refused_as_too_large(size_bytes, bytes_max=tools.limits.bytes_max)
    if too_large or upload.parts is None:
        return too_large
    return rules.refused_as_unlike_announced(size_bytes, declared_bytes=upload.declared_bytes)


async def _landed(upload: Upload, tools: Tools) -> StoredObject:
    """What lies at the landing place, put together of its parts when nobody did it yet. Raises NotUploadedYet, Unavailable."""
    stored = await tools.storage.find(upload.landing_key)
    if stored is None and upload.parts is not None and upload.parts.multipart_id is not None:
        try:
            await _assemble(upload.landing_key, upload.parts, upload.parts.multipart_id, tools)
        except NotUploadedYet:
            # Somebody completed it at the same moment: then it lies there whole.
            stored = await tools.storage.find(upload.landing_key)
            if stored is None:
                raise
        else:
            stored = await tools.storage.find(upload.landing_key)
    if stored is None:
        raise NotUploadedYet(missing=upload.parts.missing({}) if upload.parts else ())
    return stored


async def _assemble(key: str, parts: Parts, multipart_id: str, tools: Tools) -> None:
    arrived = await tools.storage.parts(key, multipart_id)
    missing = parts.missing({part.number: part.size_bytes for part in arrived})
    if missing:
        raise NotUploadedYet(missing=missing)
    await tools.storage.assemble(key, multipart_id, arrived)


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
        if upload.parts is not None and upload.parts.multipart_id is not None:
            await tools.storage.drop_parts(upload.landing_key, upload.parts.multipart_id)
        await tools.storage.delete(upload.landing_key)
    async with tools.begin() as uow:
        # Marked after the deletion: a crash between them only deletes once more.
        await uow.uploads.mark_tidied([upload.file_id for upload in uploads], uow.now)
        await uow.commit()
    return len(uploads)


async def ask_for_levels(tools: Tools, *, at_most: int = 100) -> int:
    """Asks for the levels of large models for which nobody did: those of an older release. How many."""
    async with tools.begin() as uow:
        above_bytes = tools.limits.levels_above_bytes
        meshes = await uow.levels.large_without(above_bytes=above_bytes, limit=at_most)
        for mesh_sha256 in meshes:
            await uow.levels.ask_for(mesh_sha256, at=uow.now)
        await uow.commit()
    return len(meshes)
