"""Who did what, over all services: the audit log as one list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from system.orchestrator.application.fan_out import SERVICES, ask_all
from system.orchestrator.application.ports import Peers

AUDITED = tuple(sorted({*SERVICES, "identity", "files"}))
"""Every service that writes down who did what."""


async def list_deeds(
    peers: Peers, *, before: datetime | None, actor: str, subject: str, limit: int
) -> tuple[list[dict[str, Any]], datetime | None, dict[str, str]]:
    """The newest deeds of all services, where the next page begins (None: there is none), and who did not answer."""
    wish = {"before": before.isoformat() if before else "", "actor": actor, "subject": subject}
    query: dict[str, Any] = {name: value for name, value in wish.items() if value} | {"limit": limit}
    answers, silent = await ask_all(AUDITED, lambda service: peers.audit(service, query))
    deeds = [deed | {"service": service} for service, found in answers.items() for deed in found]
    deeds.sort(key=lambda deed: datetime.fromisoformat(deed["at"]), reverse=True)
    page = deeds[:limit]
    is_more = len(deeds) > limit or any(len(found) == limit for found in answers.values())
    return page, datetime.fromisoformat(page[-1]["at"]) if is_more and page else None, silent
