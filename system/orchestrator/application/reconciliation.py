"""The reconciliation report: every service is asked what it believes, and anything that differs is named.

Messages are always on their way somewhere, so a difference counts only when a second look, a moment later, still finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from system.kernel.errors import Invalid
from system.orchestrator.application.fan_out import SERVICES, ask_all
from system.orchestrator.application.ports import Peers
from system.orchestrator.domain.reconciliation import READERS, Finding, Truth, compare

ORDERS_MAX = 20_000
"""The most orders that one look compares; every service's answer is cut off there."""

MESSAGE_STATES: dict[str, str] = {
    "parked": "message_parked",
    "dead": "message_dead",
    "held": "message_held",
    "refused": "message_refused",
}


class Decisions(Protocol):
    """What was decided here."""

    async def truths(self, *, since: datetime, also: Iterable[UUID]) -> list[Truth]:
        """The orders changed since then, and those named."""

    async def broken_histories(self, *, since: datetime) -> list[Finding]:
        """Orders whose history has a gap, a jump, or another end than their status."""


@dataclass(frozen=True, slots=True)
class Report:
    """`ok` when there is no finding."""

    ok: bool
    since: datetime
    findings: list[Finding]
    counts: dict[str, int]


async def reconcile(decisions: Decisions, peers: Peers, *, since: datetime, grace_s: float) -> Report:
    """Looks once; when something differs looks again after `grace_s` and keeps what is still so."""
    findings, counts = await _look(decisions, peers, since)
    if findings and grace_s > 0:
        await asyncio.sleep(grace_s)
        again, counts = await _look(decisions, peers, since)
        before = {(finding.kind, finding.service, finding.order_id) for finding in findings}
        findings = [finding for finding in again if (finding.kind, finding.service, finding.order_id) in before]
    return Report(not findings, since, findings, counts)


async def _look(decisions: Decisions, peers: Peers, since: datetime) -> tuple[list[Finding], dict[str, int]]:
    beliefs, silent = await ask_all(READERS, lambda service: peers.beliefs(service, since))
    named = {UUID(order_id) for believed in beliefs.values() for order_id in believed}
    truths = await decisions.truths(since=since, also=named)
    if max(len(truths), *(len(believed) for believed in beliefs.values()), 0) >= ORDERS_MAX:
        # Cut-off lists differ by what they leave out; a report over them would accuse the innocent.
        raise Invalid(
            "window-too-wide",
            f"At least {ORDERS_MAX} orders changed since {since.isoformat()}: ask again with a later `since`.",
        )
    findings = compare(truths, beliefs)
    findings += await decisions.broken_histories(since=since)
    waiting, mute = await ask_all(SERVICES, lambda service: peers.messages(service, {"state": list(MESSAGE_STATES)}))
    findings += [_of_message(service, item) for service, items in waiting.items() for item in items]
    findings += [Finding("not_answering", service, "", reason) for service, reason in sorted((silent | mute).items())]
    counts = {"orders": len(truths), "findings": len(findings)}
    counts |= {f"{service}_orders": len(believed) for service, believed in beliefs.items()}
    return findings, counts


def _of_message(service: str, item: dict[str, Any]) -> Finding:
    kind = MESSAGE_STATES.get(item["state"], f"message_{item['state']}")
    detail = f"{item.get('type') or 'unreadable'} {item['id']}: {item.get('error') or 'its predecessor is missing'}"
    return Finding(kind, service, str(item.get("order_id") or ""), detail)
