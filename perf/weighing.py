"""What a page brings over the line, as Chromium itself counts it: compressed, with headers, by kind of thing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from playwright.sync_api import CDPSession

STREAM = "/events"
"""A stream stays open and is no part of a page's weight."""


@dataclass
class Weight:
    """Bytes of every request that ended, by its kind as Chromium names it (`Document`, `Stylesheet`, `Script`, `Image`, ...)."""

    by_kind: Counter[str] = field(default_factory=Counter)
    by_address: dict[str, int] = field(default_factory=dict)

    def without(self, *kinds: str) -> int:
        """All bytes but those of these kinds."""
        return sum(size for kind, size in self.by_kind.items() if kind not in kinds)


def weigh(session: CDPSession) -> Weight:
    """The weight of whatever the session's page asks for from now on; filled as requests end."""
    weight = Weight()
    asked: dict[str, tuple[str, str]] = {}

    def begun(event: dict[str, object]) -> None:
        request = event["request"]
        assert isinstance(request, dict)
        address = str(request["url"])
        if not address.partition("?")[0].endswith(STREAM):
            asked[str(event["requestId"])] = str(event.get("type", "Other")), address

    def ended(event: dict[str, object]) -> None:
        if str(event["requestId"]) not in asked:
            return
        kind, address = asked[str(event["requestId"])]
        size = int(str(event["encodedDataLength"]).partition(".")[0])
        weight.by_kind[kind] += size
        weight.by_address[address] = weight.by_address.get(address, 0) + size

    session.on("Network.requestWillBeSent", begun)
    session.on("Network.loadingFinished", ended)
    session.send("Network.enable")
    return weight
