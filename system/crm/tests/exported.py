"""Orders to be exported: as CRM shows them, with the orchestrator's timeline beside, and a canary in every text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FILE = UUID("00000000-0000-4000-8000-0000000000f1")
QUOTE = "00000000-0000-4000-8000-0000000000a1"
ROAD = (
    ("INITIATED", "customer"),
    ("FILE_UPLOADED", "customer"),
    ("SUBMITTED", "customer"),
    ("PRICE_CALCULATED", "pricing"),
    ("MANUFACTURING_APPROVED", "seller Zanzibar"),
    ("MANUFACTURING_STARTED", "operator Yellowstone"),
    ("MANUFACTURING_COMPLETED", "operator Yellowstone"),
    ("PACKAGING", "operator Yellowstone"),
    ("SHIPPED", "operator Yellowstone"),
    ("CLOSED", "carrier"),
)
"""The ordinary road: a status, and on whose word."""
CANARY = "Kanarek"


def at(minute: float) -> str:
    return (NOW + timedelta(minutes=minute)).isoformat()


def steps(*road: tuple[str, ...]) -> list[dict[str, Any]]:
    """A history: (status, actor, reason or nothing), a minute apart."""
    return [
        {"status": status, "at": at(minute), "actor": actor, "reason": reason[0] if reason else None, "version": minute}
        for minute, (status, actor, *reason) in enumerate(road)
    ]


def until(status: str) -> tuple[tuple[str, str], ...]:
    """The ordinary road up to this status."""
    return ROAD[: [code for code, _ in ROAD].index(status) + 1]


def line(**more: Any) -> dict[str, Any]:
    return {
        "line_id": "1",
        "kind": "custom",
        "title": "Ring",
        "material": "gold_585",
        "quantity": 2,
        "quote_id": QUOTE,
        "ring_size": "17.5",
        "file_id": str(FILE),
        "sku": None,
    } | more


def shown(*road: tuple[str, ...], **more: Any) -> dict[str, Any]:
    """An order as CRM shows it."""
    history = steps(*(road or ROAD))
    ended = history[-1]["status"] in ("CLOSED", "REJECTED", "CANCELLED", "PRICE_FAILED")
    return {
        "order_id": "00000000-0000-4000-8000-000000000001",
        "number": "A-26000123",
        "channel": "shop",
        "status": history[-1]["status"],
        "status_since": history[-1]["at"],
        "allowed": [] if ended else ["CANCELLED"],
        "lines": [line()],
        "history": history,
        "decision": None,
        "letters": [],
        "carrier_events": [],
        "consent": None,
        "cancellation_requested": False,
        "partner_reference": None,
    } | more


def sent(wire_type: str, minute: float) -> dict[str, Any]:
    """A message as its sender keeps it."""
    service = wire_type.partition(".")[0]
    return entry(service, minute, box="outbox", state="published", type=wire_type)


def trouble(service: str, state: str, wire_type: str, minute: float = 50, **more: Any) -> dict[str, Any]:
    """A message that did not go well in a service."""
    return entry(service, minute, box="inbox", state=state, type=wire_type, attempts=3, **more)


def entry(service: str, minute: float, *, title: str = "", **details: Any) -> dict[str, Any]:
    return {
        "at": at(minute),
        "service": service,
        "kind": "message",
        "title": title,
        "details": details,
        "trace_id": None,
    }


def told(*entries: dict[str, Any], silent: tuple[str, ...] = ()) -> dict[str, Any]:
    """The orchestrator's timeline."""
    return {
        "entries": list(entries),
        "not_answering": dict.fromkeys(silent, "away"),
        "order": {"saga": [], "lines": []},
    }


def quotes(**more: Any) -> dict[str, Any]:
    """What pricing says of the order's quote."""
    made: dict[str, Any] = {
        "unit": "mm",
        "mesh": {"triangle_count": 1024},
        "stones": {},
        "plating": None,
        "remade_because": [],
    }
    return {QUOTE: made | more}


def with_canaries(value: Any, *, keep: frozenset[str]) -> Any:
    """The same value with a canary in every text that is no code, moment or id the story is built from."""
    if isinstance(value, dict):
        return {name: part if name in keep else with_canaries(part, keep=keep) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [with_canaries(part, keep=keep) for part in value]
    return f"{CANARY} {value}" if isinstance(value, str) else value
