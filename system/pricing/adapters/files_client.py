"""The files service, and the storage behind its presigned addresses."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import tempfile
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import IO, BinaryIO
from uuid import UUID

import httpx
from prometheus_client import Counter

from system.kernel.errors import Unavailable
from system.plumbing.metrics import DEPENDENCY_FAILURES
from system.plumbing.service_client import ServiceClient
from system.plumbing.telemetry import SpanKind, log, span
from system.pricing.application.ports import ModelFile, ModelGone
from system.pricing.domain.mesh import Preview

PREVIEWS = Counter("alexandrite_pricing_previews_total", "Previews handed to files, by what became of them.", ["ended"])

_CHUNK_BYTES = 1 << 20
_LARGE = Path(tempfile.gettempdir()) / "alexandrite-large-model.lock"
_TURN_S_MAX = 120.0
_TURN_ASKED_EVERY_S = 0.2


@asynccontextmanager
async def turn_of(file: Path) -> AsyncIterator[None]:
    """One at a time among the processes of this machine; the system ends the turn of one that dies. Raises Unavailable."""
    with file.open("a") as lock:
        try:
            async with asyncio.timeout(_TURN_S_MAX):
                while not _is_locked(lock):
                    await asyncio.sleep(_TURN_ASKED_EVERY_S)
        except TimeoutError as error:
            raise Unavailable("large-model-waits", "Another large model is measured for too long.") from error
        yield


def _is_locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class FilesClient:
    """Asks the files service by name, and fetches from storage by the address it gives out."""

    def __init__(self, client: ServiceClient, *, timeout_s: float, bytes_max: int, large_bytes: int) -> None:
        self._client = client
        self._bytes_max = bytes_max
        self._large_bytes = large_bytes
        self._storage = httpx.AsyncClient(timeout=httpx.Timeout(timeout_s, connect=3.0))

    async def describe(self, file_id: UUID) -> ModelFile | None:
        """The upload, or None when the files service knows none. Raises Unavailable."""
        response = await self._client.request("GET", "files", f"/internal/files/{file_id}")
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.status_code != httpx.codes.OK:
            raise Unavailable("files-unavailable", f"The files service answered {response.status_code}.")
        told = response.json()
        return ModelFile(
            file_id=UUID(told["file_id"]),
            owner_id=UUID(told["owner_id"]),
            status=told["status"],
            sha256=told.get("sha256") or "",
            size_bytes=int(told.get("size_bytes") or 0),
            download_url=told.get("download_url") or "",
            refusal=(told["problem"]["code"], told["problem"]["detail"]) if told.get("problem") else None,
            format=told.get("format"),
        )

    @asynccontextmanager
    async def fetch(self, model: ModelFile) -> AsyncIterator[BinaryIO]:
        """The bytes in an unnamed temporary file. Raises ModelGone when they are not the verified ones, Unavailable.

        Of large models one at a time is let through: two at once would not fit into the memory that workers share.
        """
        turn = turn_of(_LARGE) if model.size_bytes > self._large_bytes else nullcontext()
        async with turn:
            with tempfile.TemporaryFile(prefix="model-") as file:
                await self._download(model, file)
                file.seek(0)
                yield file

    async def keep_preview(self, mesh_sha256: str, preview: Preview) -> bool:
        """Hands over a picture of a mesh; the same one again changes nothing. False when it was refused. Raises Unavailable."""
        try:
            answer = await self._client.request(
                "PUT",
                "files",
                f"/internal/previews/{mesh_sha256}/{preview.size_px}",
                content=preview.png,
                headers={"content-type": "image/png"},
            )
        except Unavailable:
            PREVIEWS.labels("unavailable").inc()
            raise
        kept = answer.status_code == httpx.codes.NO_CONTENT
        PREVIEWS.labels("kept" if kept else "refused").inc()
        if not kept:
            log.warning("preview refused", mesh_sha256=mesh_sha256, status=answer.status_code)
        return kept

    async def without_preview(self, meshes: Collection[str]) -> set[str]:
        """Those of these meshes of which files has not every picture. Raises Unavailable."""
        answer = await self._client.request(
            "POST", "files", "/internal/previews/lookup", json={"mesh_sha256": sorted(meshes)}
        )
        if answer.status_code != httpx.codes.OK:
            raise Unavailable("files-unavailable", f"The files service answered {answer.status_code}.")
        return set(answer.json()["missing"])

    async def _download(self, model: ModelFile, file: BinaryIO) -> None:
        digest = hashlib.sha256()
        size_bytes = 0
        try:
            # Without the address: signed as it is, it is as good as the file.
            with span("GET storage", kind=SpanKind.CLIENT, peer__service="storage"):
                async with self._storage.stream("GET", model.download_url) as response:
                    if response.status_code >= 500:
                        raise Unavailable("storage-unavailable", f"Storage answered {response.status_code}.")
                    if response.status_code != httpx.codes.OK:
                        raise ModelGone(f"storage answered {response.status_code}")
                    async for chunk in response.aiter_bytes(_CHUNK_BYTES):
                        size_bytes += len(chunk)
                        if size_bytes > self._bytes_max:
                            raise ModelGone("the stored object is larger than any upload may be")
                        digest.update(chunk)
                        file.write(chunk)
        except httpx.HTTPError as error:
            DEPENDENCY_FAILURES.labels("storage").inc()
            raise Unavailable("storage-unavailable", "Storage does not answer just now.") from error
        if digest.hexdigest() != model.sha256:
            raise ModelGone("the stored bytes are not the verified ones")

    async def close(self) -> None:
        """Closes the connections to storage."""
        await self._storage.aclose()
