"""Prometheus as whoever draws figures meets it: what it knows by name, and the alerts that it holds."""

from __future__ import annotations

from typing import Any

import httpx

from step_defs.drivers.address import SystemAddress

TIMEOUT_S = 20


class Prometheus:
    """Its HTTP API. Raises AssertionError when it is out of reach."""

    def __init__(self, address: SystemAddress) -> None:
        assert address.prometheus_url, "this system's figures cannot be read from here"
        self._client = httpx.Client(base_url=address.prometheus_url.rstrip("/"), timeout=TIMEOUT_S)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()

    def label_values(self) -> dict[str, list[str]]:
        """Every value that any figure ever had for each label, the names of the figures among them."""
        names: list[str] = self._data("/api/v1/labels")
        return {name: self._data(f"/api/v1/label/{name}/values") for name in names}

    def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing: labels, annotations, state."""
        found: list[dict[str, Any]] = self._data("/api/v1/alerts")["alerts"]
        return found

    def value(self, promql: str) -> float | None:
        """The one value that a question has now; None where there is none. Raises AssertionError for more than one."""
        found = self._data("/api/v1/query", query=promql)["result"]
        assert len(found) <= 1, f"{promql} has {len(found)} answers"
        return float(found[0]["value"][1]) if found else None

    def _data(self, path: str, **params: str) -> Any:
        try:
            answer = self._client.get(path, params=params)
        except httpx.TransportError as error:
            raise AssertionError(f"Prometheus does not answer: {error}") from error
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()["data"]
