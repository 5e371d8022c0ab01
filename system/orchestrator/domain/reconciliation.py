"""Do the services agree? Pure comparison of what each believes with what was decided here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from system.orchestrator.domain.status import Status
from system.orchestrator.domain.work import Stage

READERS: tuple[str, ...] = ("shop", "crm", "mes")
"""The services that keep a read model of every order."""

WORK_STATE: dict[Stage, str] = {
    Stage.WAITING: "RELEASED",
    Stage.CLAIMED: "CLAIMED",
    Stage.COMPLETED: "COMPLETED",
    Stage.PACKING: "PACKING",
    Stage.SHIPPED: "SHIPPED",
}
"""What MES calls a work order that the orchestrator follows at this stage."""


@dataclass(frozen=True, slots=True)
class Truth:
    """What was decided about one order. `work` holds its work orders once they were released."""

    order_id: UUID
    number: str
    status: Status
    version: int
    work: dict[UUID, Stage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One disagreement. `kind`: not_heard, behind, ahead, disagrees, unknown_here, work_order_missing, work_order_disagrees,
    history_broken, message_parked, message_dead, message_held, message_refused, not_answering."""

    kind: str
    service: str
    order_id: str
    detail: str


def compare(truths: Iterable[Truth], beliefs: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Finding]:
    """Every disagreement between what was decided and what each answering service believes."""
    known = {str(truth.order_id): truth for truth in truths}
    findings: list[Finding] = []
    for service, believed in beliefs.items():
        if service not in READERS:
            continue
        for order_id, truth in known.items():
            findings += _of_order(service, truth, believed.get(order_id))
        findings += [
            Finding("unknown_here", service, order_id, f"{service} knows an order that was never recorded here")
            for order_id in believed
            if order_id not in known
        ]
    return sorted(findings)


def _of_order(service: str, truth: Truth, belief: Mapping[str, Any] | None) -> list[Finding]:
    def finding(kind: str, detail: str) -> Finding:
        return Finding(kind, service, str(truth.order_id), f"{truth.number}: {detail}")

    if belief is None or not belief.get("version"):
        return [finding("not_heard", f"decided {truth.status}, version {truth.version}; {service} has not heard of it")]
    status, version = belief.get("status"), int(belief["version"])
    found: list[Finding] = []
    if version < truth.version:
        found.append(finding("behind", f"decided version {truth.version}; {service} shows {version}, {status}"))
    elif version > truth.version:
        found.append(finding("ahead", f"decided version {truth.version}; {service} shows {version}, {status}"))
    elif status != truth.status:
        found.append(finding("disagrees", f"decided {truth.status}; {service} shows {status} at version {version}"))
    if "work_orders" in belief:
        found += [finding(kind, detail) for kind, detail in _of_work(truth, belief["work_orders"])]
    return found


def _of_work(truth: Truth, believed: Mapping[str, Any]) -> list[tuple[str, str]]:
    problems: list[tuple[str, str]] = []
    for work_order_id, stage in truth.work.items():
        belief = believed.get(str(work_order_id))
        if belief is None:
            problems.append(("work_order_missing", f"work order {work_order_id} was released and is not there"))
            continue
        expected = "WITHDRAWN" if truth.status is Status.CANCELLED else WORK_STATE[stage]
        if belief.get("state") != expected:
            problems.append(
                ("work_order_disagrees", f"work order {work_order_id} is {belief.get('state')}, followed as {expected}")
            )
    problems += [
        ("work_order_disagrees", f"work order {extra} was never released")
        for extra in believed
        if extra not in {str(known) for known in truth.work}
    ]
    return problems
