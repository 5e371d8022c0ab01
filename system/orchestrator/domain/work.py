"""The work orders of an order as the orchestrator follows them, and the status they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from system.orchestrator.domain.status import Status


class Stage(IntEnum):
    """How far one work order is. The numbers only order them."""

    WAITING = 0
    CLAIMED = 1
    COMPLETED = 2
    PACKING = 3
    SHIPPED = 4


class WorkFact(StrEnum):
    """What MES reports of a work order."""

    CLAIMED = "WorkOrderClaimed"
    RETURNED = "WorkOrderReturned"
    COMPLETED = "WorkOrderCompleted"
    REWORK = "ReworkStarted"
    PACKING = "PackingStarted"
    SHIPPED = "WorkOrderShipped"


@dataclass(frozen=True, slots=True)
class StageMove:
    """A fact moves a work order from one of `start` to `end`."""

    start: frozenset[Stage]
    end: Stage


STAGE_MOVES: dict[WorkFact, StageMove] = {
    WorkFact.CLAIMED: StageMove(frozenset({Stage.WAITING}), Stage.CLAIMED),
    WorkFact.RETURNED: StageMove(frozenset({Stage.CLAIMED}), Stage.WAITING),
    WorkFact.COMPLETED: StageMove(frozenset({Stage.CLAIMED}), Stage.COMPLETED),
    WorkFact.REWORK: StageMove(frozenset({Stage.COMPLETED, Stage.PACKING}), Stage.CLAIMED),
    WorkFact.PACKING: StageMove(frozenset({Stage.COMPLETED}), Stage.PACKING),
    WorkFact.SHIPPED: StageMove(frozenset({Stage.PACKING}), Stage.SHIPPED),
}

_STATUS_OF_ALL: dict[Stage, Status] = {
    Stage.COMPLETED: Status.MANUFACTURING_COMPLETED,
    Stage.PACKING: Status.PACKAGING,
    Stage.SHIPPED: Status.SHIPPED,
}


def status_of_stages(stages: Iterable[Stage]) -> Status:
    """The status of an order whose work orders stand at `stages`.

    It starts with its first claim; each later status comes when the last work order reaches it; when the only claim was returned
    it is approved again. Raises ValueError without any stage.
    """
    known = list(stages)
    if not known:
        raise ValueError("an order in production has at least one work order")
    if max(known) is Stage.WAITING:
        return Status.MANUFACTURING_APPROVED
    return _STATUS_OF_ALL.get(min(known), Status.MANUFACTURING_STARTED)
