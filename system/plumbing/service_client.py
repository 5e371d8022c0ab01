"""Calls from one service to another: short signed tokens, trace context, a timeout, and one clear failure."""

from __future__ import annotations

from typing import Any

import httpx
from opentelemetry.trace import StatusCode

from system.kernel.errors import Unavailable
from system.plumbing import telemetry
from system.plumbing.metrics import DEPENDENCY_FAILURES
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import Principal, TokenAuthority


class ServiceClient:
    """Reaches the other services by name. A 4xx comes back as a response; anything worse raises Unavailable."""

    def __init__(self, settings: ServiceSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._tokens = TokenAuthority(settings)
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(settings.internal_timeout_s, connect=settings.internal_connect_timeout_s),
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
            transport=transport,
        )

    async def request(
        self, method: str, service: str, path: str, *, acting_for: Principal | None = None,
        json: Any = None, content: bytes | None = None, params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        """One call. Raises Unavailable on a timeout, a lost connection or a 5xx; the effect is then unknown."""
        url = self._settings.services_url_template.format(service=service) + path
        sent = {"authorization": f"Bearer {self._tokens.issue_for_service(to=service, acting_for=acting_for)}"}
        with telemetry.span(
            f"{method} {service}", kind=telemetry.SpanKind.CLIENT, peer__service=service, http__request__method=method
        ) as span:
            traceparent = telemetry.current_traceparent()
            if traceparent:
                sent["traceparent"] = traceparent
            try:
                response = await self._http.request(
                    method, url, json=json, content=content, params=params, headers=sent | (headers or {})
                )
            except httpx.HTTPError as error:
                DEPENDENCY_FAILURES.labels(service).inc()
                raise Unavailable(
                    f"{service}-unavailable", f"The {service} service does not answer just now; try again in a moment."
                ) from error
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(StatusCode.ERROR, str(response.status_code))
        if response.status_code >= 500:
            DEPENDENCY_FAILURES.labels(service).inc()
            raise Unavailable(
                f"{service}-unavailable",
                f"The {service} service failed ({response.status_code}); try again in a moment.",
            )
        return response

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()
