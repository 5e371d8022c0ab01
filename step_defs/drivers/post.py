"""The world's mail server, played by the topology's mailbox: what it took, and how it treats an address."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx

from step_defs.drivers.address import SystemAddress


class Post:
    """The mailbox's HTTP. Raises AssertionError when it is out of reach: a system of strangers sends its letters elsewhere."""

    def __init__(self, address: SystemAddress) -> None:
        assert address.mailbox_url, "this system's letters cannot be read from here"
        self._client = httpx.Client(base_url=address.mailbox_url.rstrip("/"), timeout=20)

    def letters(self, to: str) -> list[dict[str, Any]]:
        """The letters to an address, the oldest first: subject, text, html, message_id, headers."""
        items: list[dict[str, Any]] = self._call("GET", "/letters", params={"to": to})["items"]
        return items

    def refuses(self, to: str, reply: str) -> None:
        """Answers letters to this address like that from now on."""
        self._call("PUT", f"/behaviours/{quote(to, safe='')}", json={"reply": reply})

    def takes(self, to: str) -> None:
        """Takes letters to this address as any others."""
        self._call("DELETE", f"/behaviours/{quote(to, safe='')}")

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def _call(self, method: str, path: str, **more: Any) -> Any:
        try:
            answer = self._client.request(method, path, **more)
        except httpx.TransportError as error:
            raise AssertionError(f"the mailbox does not answer: {error}") from error
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()
