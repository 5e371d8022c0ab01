"""Models of orders: the files service says where, the storage has the bytes."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

import httpx

from system.kernel.errors import Unavailable
from system.plumbing.metrics import DEPENDENCY_FAILURES
from system.plumbing.service_client import ServiceClient


class HttpModels:
    """Fetches models by the address that the files service gives to services."""

    def __init__(
        self, client: ServiceClient, *, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client = client
        self._storage = httpx.AsyncClient(timeout=httpx.Timeout(timeout_s, connect=3.0), transport=transport)

    async def fetch(self, file_id: UUID, *, bytes_max: int) -> bytes | None:
        """The model as it was verified; None when there is none, or a larger one than that. Raises Unavailable."""
        answer = await self._client.request("GET", "files", f"/internal/files/{file_id}")
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code != HTTPStatus.OK:
            raise Unavailable("files-unavailable", f"The files service answered {answer.status_code}.")
        told = answer.json()
        address: str | None = told.get("download_url")
        if address is None or int(told.get("size_bytes") or 0) > bytes_max:
            return None
        return await self._read(address, bytes_max=bytes_max)

    async def close(self) -> None:
        """Closes the connections."""
        await self._storage.aclose()

    async def _read(self, address: str, *, bytes_max: int) -> bytes | None:
        body = bytearray()
        try:
            async with self._storage.stream("GET", address) as response:
                if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN):
                    return None
                if response.status_code != HTTPStatus.OK:
                    raise Unavailable("storage-unavailable", f"Storage answered {response.status_code}.")
                async for chunk in response.aiter_bytes():
                    body += chunk
                    # What was announced is not trusted: no more than this is ever held.
                    if len(body) > bytes_max:
                        return None
        except httpx.HTTPError as error:
            DEPENDENCY_FAILURES.labels("storage").inc()
            raise Unavailable("storage-unavailable", "The storage of models does not answer just now.") from error
        return bytes(body)
