"""Every published message, found by its wire type."""

from __future__ import annotations

from system.messages import crm_v1, mes_v1, orchestrator_v1, pricing_v1, shop_v1
from system.messages.envelope import Message

_MODULES = (shop_v1, pricing_v1, orchestrator_v1, crm_v1, mes_v1)

BY_TYPE: dict[str, type[Message]] = {
    published.TYPE: published
    for module in _MODULES
    for published in vars(module).values()
    if isinstance(published, type) and issubclass(published, Message) and "TYPE" in vars(published)
}


def consumed_by(service: str) -> list[type[Message]]:
    """The messages a service receives, by type."""
    return [published for _, published in sorted(BY_TYPE.items()) if service in published.CONSUMERS]


def services() -> list[str]:
    """Every service that receives messages."""
    return sorted({consumer for published in BY_TYPE.values() for consumer in published.CONSUMERS})
