"""Previews as bytes: read from the storage once, and the ones asked for last kept in memory."""

from __future__ import annotations

from collections import OrderedDict

from system.files.application.ports import Storage
from system.files.domain.errors import NotUploadedYet, PreviewMissing
from system.files.domain.preview import Preview


class Pictures:
    """A board asks for forty at once, and every open board for the same ones: the storage is asked for each once.

    Kept by what is in them, so that a new drawing is another entry and nothing here is ever stale.
    """

    def __init__(self, storage: Storage, *, bytes_max: int) -> None:
        self._storage = storage
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    async def content(self, preview: Preview) -> bytes:
        """The PNG. Raises PreviewMissing when the storage has lost it, Unavailable."""
        kept = self._kept.get(preview.etag)
        if kept is not None:
            self._kept.move_to_end(preview.etag)
            return kept
        try:
            content = await self._storage.content(preview.key)
        except NotUploadedYet as error:
            raise PreviewMissing() from error
        self._keep(preview.etag, content)
        return content

    def _keep(self, etag: str, content: bytes) -> None:
        self._bytes += len(content) - len(self._kept.pop(etag, b""))
        self._kept[etag] = content
        while self._bytes > self._bytes_max:
            _, longest_unasked = self._kept.popitem(last=False)
            self._bytes -= len(longest_unasked)
