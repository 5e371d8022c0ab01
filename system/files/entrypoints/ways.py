"""The way to a model's bytes, or to those of a lighter form of it."""

from __future__ import annotations

from typing import Literal

from system.files.adapters.queries import FilesQueries
from system.files.application.ports import Storage
from system.files.domain.errors import LevelMissing, LevelNotReady
from system.files.domain.level import Level, LevelName, State, are_needed, shown_as
from system.files.domain.upload import Upload
from system.files.settings import FilesSettings

Reader = Literal["service", "browser"]


class Ways:
    """Signs addresses in the storage."""

    def __init__(self, storage: Storage, settings: FilesSettings) -> None:
        self._storage = storage
        self._settings = settings

    async def to(
        self, upload: Upload, queries: FilesQueries, *, reader: Reader, level: LevelName | None = None
    ) -> str | None:
        """Where the reader finds the upload's model; None while it is not verified. Raises LevelNotReady, LevelMissing.

        A model that is light itself is its own every level.
        """
        key, filename = upload.sealed_key, upload.filename
        if key is None:
            return None
        if level is not None and are_needed(upload, above_bytes=self._settings.levels_above_bytes):
            kept = await self._kept(upload, queries, level)
            key, filename = kept.key, shown_as(filename, level)
        if reader == "browser":
            return self._storage.browser_url(key, filename=filename, expires_s=self._settings.browser_expires_s)
        return self._storage.download_url(key, expires_s=self._settings.download_expires_s)

    async def _kept(self, upload: Upload, queries: FilesQueries, name: LevelName) -> Level:
        assert upload.findings is not None and upload.findings.sha256 is not None
        found = await queries.level(upload.findings.sha256, name)
        if isinstance(found, Level):
            return found
        if found is State.REFUSED:
            raise LevelMissing()
        # Nobody asked yet: an older release verified it, and the timer will.
        raise LevelNotReady(retry_after_s=self._settings.levels_retry_after_s)
