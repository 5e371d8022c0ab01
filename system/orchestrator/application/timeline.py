"""The one view that support opens: everything that happened to an order, in order, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from system.kernel.errors import Unavailable
from system.orchestrator.application.fan_out import SERVICES, ask_all
from system.orchestrator.application.ports import Peers

Kind = Literal["status", "message", "retry", "dead_letter", "replay", "note"]

TROUBLE: dict[str, tuple[Kind, str]] = {
    "retry": ("retry", "failed and is tried again"),
    "waiting": ("retry", "waits for its turn"),
    "held": ("retry", "waits for an earlier message that is missing"),
    "parked": ("retry", "was tried too often and is parked: replay it"),
    "pending": ("message", "is not confirmed by the broker yet"),
    "refused": ("note", "was refused: its fact cannot apply"),
    "dead": ("dead_letter", "could not be read: mend and replay it"),
    "replayed": ("replay", "could not be read and was replayed"),
}
"""How a message's state is told; a state that is not here went well."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    at: datetime
    service: str
    kind: Kind
    title: str
    details: dict[str, Any]
    trace_id: str | None = None


async def message_entries(peers: Peers, order_id: str) -> tuple[list[Entry], dict[str, str]]:
    """What every service sent and received for the order, and who did not answer."""
    answers, silent = await ask_all(SERVICES, lambda service: peers.messages(service, {"order_id": order_id}))
    return [entry_of(service, item) for service, items in answers.items() for item in items], silent


async def setback_entries(peers: Peers, order_id: str) -> tuple[list[Entry], dict[str, str]]:
    """What held up the calculations behind the order's prices, and whether pricing did not answer."""
    try:
        return [_setback_entry(item) for item in await peers.setbacks(order_id)], {}
    except Unavailable as error:
        return [], {"pricing": error.detail}


def _setback_entry(item: dict[str, Any]) -> Entry:
    kept = {key: item[key] for key in ("quote_id", "attempt") if key in item}
    details = {"setback": item["code"], **kept, **item.get("details", {})}
    return Entry(datetime.fromisoformat(item["at"]), "pricing", "retry", f"pricing: {item['title']}", details)


def entry_of(service: str, item: dict[str, Any]) -> Entry:
    """A message of a service's inbox, outbox or dead letters as a line of the timeline."""
    kind, trouble = TROUBLE.get(item["state"], ("message", ""))
    name = item.get("type") or "an unreadable message"
    verb = "sent" if item["box"] == "outbox" else "received"
    title = f"{service} {verb} {name}" + (f"; it {trouble}" if trouble else "")
    kept = ("id", "box", "type", "state", "source", "sequence", "attempts", "times", "error", "next_attempt_at")
    return Entry(
        at=datetime.fromisoformat(item["at"]),
        service=service,
        kind=kind,
        title=title,
        details={key: item[key] for key in kept if item.get(key) is not None},
        trace_id=item.get("trace_id"),
    )


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The earliest first; at the same moment the decision comes before the messages it caused."""
    rank = {"status": 0, "note": 1}
    return sorted(entries, key=lambda entry: (entry.at, rank.get(entry.kind, 2), entry.service))
