"""Prometheus over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

from system.kernel.errors import Unavailable
from system.observability.application.figures import Series

ASKED_AT_ONCE = 8


class HttpMeasures:
    """Asks a Prometheus for series. One that does not answer in time, or is not ready, is Unavailable; a question that it does not
    understand is a bug of ours."""

    def __init__(self, url: str, *, timeout_s: float, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=ASKED_AT_ONCE, max_keepalive_connections=ASKED_AT_ONCE),
            transport=transport,
        )

    async def course(self, promql: str, *, begins: int, ends: int, step_s: int) -> list[Series]:
        """The series between two moments. Raises Unavailable."""
        found = await self._ask("query_range", query=promql, start=begins, end=ends, step=step_s)
        return [_series(one["metric"], one["values"]) for one in found]

    async def latest(self, promql: str) -> list[Series]:
        """The series now, of one value each. Raises Unavailable."""
        return [_series(one["metric"], [one["value"]]) for one in await self._ask("query", query=promql)]

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def _ask(self, what: str, **asked: str | int) -> list[dict[str, Any]]:
        try:
            response = await self._http.get(f"/api/v1/{what}", params=asked)
        except httpx.HTTPError as error:
            raise _away() from error
        if response.status_code == 400:
            raise ValueError(f"Prometheus does not understand {asked['query']}: {response.text[:500]}")
        if response.status_code != 200:
            raise _away()
        result: list[dict[str, Any]] = response.json()["data"]["result"]
        return result


def _series(labels: dict[str, str], values: list[tuple[float, str]]) -> Series:
    return Series(labels, {int(moment): float(value) for moment, value in values})


def _away() -> Unavailable:
    return Unavailable("prometheus-unavailable", "Prometheus does not answer just now; try again in a moment.")
