"""Messages that need a person, heaped by what is wrong with them: one cause has one heap, however many messages it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

ERROR_CHARACTERS = 160
_CHANGING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d+\b|'[^']*'|\"[^\"]*\"")


@dataclass(frozen=True, slots=True)
class Heap:
    """Messages of one kind in one state of one service that fail alike, the oldest first."""

    service: str
    type: str | None
    state: str
    error: str
    since: datetime
    items: tuple[Mapping[str, Any], ...]


def heaps_of(messages: Iterable[Mapping[str, Any]]) -> list[Heap]:
    """The messages as heaps, the largest first."""
    found: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for message in messages:
        key = (message["service"], message.get("type"), message["state"], fingerprint(message.get("error")))
        found.setdefault(key, []).append(message)
    heaps = [
        Heap(service, kind, state, str(items[0].get("error") or ""), min(map(_at, items)), tuple(items))
        for (service, kind, state, _), items in found.items()
    ]
    return sorted(heaps, key=lambda heap: (-len(heap.items), heap.since))


def fingerprint(error: str | None) -> str:
    """An error without what differs from message to message: ids, numbers, quoted values."""
    return _CHANGING.sub("*", error or "")[:ERROR_CHARACTERS]


def _at(message: Mapping[str, Any]) -> datetime:
    return datetime.fromisoformat(message["at"])
