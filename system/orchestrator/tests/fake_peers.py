"""The other services, as they would answer: what they hold is set by the test."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from system.kernel.errors import Unavailable


class FakePeers:
    """Answers from memory. A service in `away` does not answer."""

    def __init__(self) -> None:
        self.held: dict[str, list[dict[str, Any]]] = {}
        self.believed: dict[str, dict[str, dict[str, Any]]] = {}
        self.audited: dict[str, list[dict[str, Any]]] = {}
        self.set_back: list[dict[str, Any]] = []
        self.away: set[str] = set()
        self.replayed: list[tuple[str, dict[str, Any]]] = []
        self.republished: list[tuple[str, dict[str, Any]]] = []

    async def messages(self, service: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        self._answers(service)
        return [
            item
            for item in self.held.get(service, [])
            if query.get("order_id") in (None, item["order_id"])
            and ("state" not in query or item["state"] in query["state"])
            and query.get("type") in (None, item["type"])
        ]

    async def setbacks(self, order_id: str) -> list[dict[str, Any]]:
        self._answers("pricing")
        return [item for item in self.set_back if item["order_id"] == order_id]

    async def replay(self, service: str, order: dict[str, Any], *, acting_for: Any) -> dict[str, Any]:
        self._answers(service)
        self.replayed.append((service, order))
        return {
            "items": [
                {"id": item["id"], "box": item["box"]}
                for item in self.held.get(service, [])
                if item["id"] in order["ids"] or (item["type"], item["state"]) == (order["type"], order["state"])
            ]
        }

    async def republish(self, service: str, wish: dict[str, Any]) -> int:
        self._answers(service)
        self.republished.append((service, wish))
        return len(self.held.get(service, []))

    async def audit(self, service: str, query: dict[str, Any]) -> list[dict[str, Any]]:
        self._answers(service)
        return [
            deed
            for deed in self.audited.get(service, [])
            if query.get("actor", "") in deed["actor"] and deed["at"] < query.get("before", "9")
        ][: query["limit"]]

    async def beliefs(self, service: str, since: datetime) -> dict[str, dict[str, Any]]:
        self._answers(service)
        return self.believed.get(service, {})

    def _answers(self, service: str) -> None:
        if service in self.away:
            raise Unavailable(f"{service}-unavailable", f"The {service} service does not answer.")


def a_message(number: int, **more: Any) -> dict[str, Any]:
    """A message as a service's /internal/messages tells it."""
    return {
        "id": f"0195e000-0000-7000-8000-{number:012d}",
        "box": "inbox",
        "type": "orchestrator.release_work_orders.v1",
        "order_id": None,
        "state": "done",
        "at": f"2026-03-02T09:{number:02d}:00+00:00",
        "attempts": 0,
        "error": None,
        "trace_id": None,
    } | more
