"""Verified meshes, read from the storage into a file of no name."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO

from system.files.application.ports import ModelGone, Storage
from system.files.domain.errors import NotUploadedYet, UploadChanged
from system.files.domain.upload import sealed_key_of


class StoredModels:
    """Sealed meshes in the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @asynccontextmanager
    async def fetch(self, mesh_sha256: str) -> AsyncIterator[BinaryIO]:
        """The bytes from their start. Raises ModelGone when they are not the verified ones, Unavailable."""
        with tempfile.TemporaryFile(prefix="model-") as file:
            digest = hashlib.sha256()

            def feed(chunk: bytes) -> None:
                digest.update(chunk)
                file.write(chunk)

            stored = await self._storage.find(sealed_key_of(mesh_sha256))
            if stored is None:
                raise ModelGone(f"{mesh_sha256} is not in the storage")
            try:
                await self._storage.read(stored, feed)
            except (NotUploadedYet, UploadChanged) as error:
                raise ModelGone(f"{mesh_sha256} left the storage while it was read") from error
            if digest.hexdigest() != mesh_sha256:
                raise ModelGone(f"{mesh_sha256} is not what was verified")
            file.seek(0)
            yield file
