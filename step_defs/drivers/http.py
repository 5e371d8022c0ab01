"""The http driver: one person's way through the gateway.

Trouble            the system answered 5xx or not at all: never an expected outcome
Refusal            the system said no (4xx); a scenario may expect it and reads its code
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

import httpx

from step_defs.drivers.address import SystemAddress, trust

TIMEOUT_S = 20.0
RING_HEADER = "X-Alexandrite-Ring"
"""Asks the gateway for the release that waits in the ring."""


class Refusal(AssertionError):
    """The system said no. `code` is the problem's stable word, `body` the whole problem."""

    def __init__(self, asked: str, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        self.code = str(body.get("code") or str(body.get("type", "")).rsplit("/", 1)[-1])
        self.detail = str(body.get("detail", ""))
        super().__init__(f"{asked} was refused with {status} {self.code}: {self.detail or body}")


class Trouble(AssertionError):
    """The system failed to answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the system answered."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.body[name]


@cache
def _connections(ca_file: str) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(verify=trust(ca_file))


class SharedTransport(httpx.BaseTransport):
    """One pool of connections for everybody in this process: a person is a token, not a TLS handshake."""

    def __init__(self, ca_file: str) -> None:
        self._pool = _connections(ca_file)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends it over any free connection of the pool."""
        return self._pool.handle_request(request)


class Door:
    """One person's connection to the gateway. Keeps their session; raises Refusal on 4xx, Trouble on worse."""

    def __init__(self, address: SystemAddress, transport: httpx.BaseTransport | None = None) -> None:
        self.address = address
        self._client = httpx.Client(
            base_url=address.url,
            transport=transport or SharedTransport(address.ca_file),
            timeout=TIMEOUT_S,
            # A browser on the same origin sends this; the system refuses cross-site writes.
            headers={"Origin": address.url, "Accept": "application/json"}
            | ({RING_HEADER: address.ring} if address.ring else {}),
        )
        self.token: str | None = None
        self.refresh_cookie: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: dict[str, Any] | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
    ) -> Reply:
        """One request as this person. `key` is the Idempotency-Key; `content` a body sent as it is."""
        sent = dict(headers or {})
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if key:
            sent["Idempotency-Key"] = key
        try:
            response = self._client.request(method, path, json=json, params=params, headers=sent, content=content)
        except httpx.TransportError as error:
            raise Trouble(f"{method} {path} got no answer: {type(error).__name__} {error}") from error
        # Sessions are carried by the token; a cookie kept by accident would hide a missing one.
        self._client.cookies.clear()
        return self._reply(f"{method} {path}", response)

    def get(self, path: str, **params: Any) -> Reply:
        """Reads."""
        return self.ask("GET", path, params={name: value for name, value in params.items() if value is not None})

    def fetch(self, path: str) -> bytes:
        """Downloads a file as it is. Raises Refusal or Trouble."""
        sent = {"Accept": "*/*"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        try:
            response = self._client.get(path, headers=sent)
        except httpx.TransportError as error:
            raise Trouble(f"GET {path} got no answer: {type(error).__name__} {error}") from error
        self._client.cookies.clear()
        self._reply(f"GET {path}", response)
        return response.content

    def post(self, path: str, json: Any = None, *, key: str | None = None) -> Reply:
        """Writes; every write carries an idempotency key, a fresh one unless given."""
        return self.ask("POST", path, json={} if json is None else json, key=key or str(uuid.uuid4()))

    def sign_in(self, *, email: str, password: str) -> Reply:
        """Opens a session and keeps it."""
        try:
            response = self._client.post("/api/identity/v1/sessions", json={"email": email, "password": password})
        except httpx.TransportError as error:
            raise Trouble(f"signing in got no answer: {type(error).__name__} {error}") from error
        self.refresh_cookie = response.cookies.get("__Secure-refresh")
        self._client.cookies.clear()
        reply = self._reply("POST /api/identity/v1/sessions", response)
        self.token = reply["access_token"]
        return reply

    def sign_out(self) -> None:
        """Ends the session, but remembers what it held: a scenario shows that it opens nothing any more."""
        self.ask("DELETE", "/api/identity/v1/sessions/current", headers=self._refresh_header())

    def refresh(self) -> Reply:
        """Asks for a new token with the refresh cookie."""
        reply = self.ask("POST", "/api/identity/v1/sessions/refresh", headers=self._refresh_header())
        self.token = reply["access_token"]
        return reply

    def upload(self, url: str, *, fields: dict[str, str], filename: str, content: bytes) -> None:
        """The browser's upload: a form straight to the storage, as `fields` allow. Raises Refusal or Trouble."""
        try:
            # Storage is its own host: no session goes there.
            response = httpx.post(
                url,
                data=fields,
                files={"file": (filename, content, "application/octet-stream")},
                headers={"Origin": self.address.url},
                verify=trust(self.address.ca_file),
                timeout=120,
            )
        except httpx.TransportError as error:
            raise Trouble(f"uploading {filename} got no answer: {type(error).__name__} {error}") from error
        if response.status_code >= 400:
            raise Refusal(f"uploading {filename}", response.status_code, {"detail": response.text[:500]})

    def send_part(self, url: str, content: bytes) -> None:
        """A part of an upload in parts: straight to the storage, at its signed address. Raises Refusal or Trouble."""
        try:
            # As above: no session goes there.
            response = httpx.put(
                url,
                content=content,
                headers={"Origin": self.address.url},
                verify=trust(self.address.ca_file),
                timeout=120,
            )
        except httpx.TransportError as error:
            raise Trouble(f"sending a part got no answer: {type(error).__name__} {error}") from error
        if response.status_code >= 400:
            raise Refusal("sending a part", response.status_code, {"detail": response.text[:500]})

    def _refresh_header(self) -> dict[str, str]:
        return {"Cookie": f"__Secure-refresh={self.refresh_cookie}"} if self.refresh_cookie else {}

    @staticmethod
    def _reply(asked: str, response: httpx.Response) -> Reply:
        kind = response.headers.get("content-type", "")
        body: Any = response.json() if "json" in kind and response.content else response.text
        if kind.startswith("image/"):
            body = response.content
        if response.status_code >= 500:
            raise Trouble(f"{asked} failed with {response.status_code}: {str(body)[:800]}")
        if response.status_code >= 400:
            raise Refusal(asked, response.status_code, body if isinstance(body, dict) else {"detail": str(body)[:500]})
        return Reply(response.status_code, body, dict(response.headers))
