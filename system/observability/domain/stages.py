"""Where the time of orders goes: how long they stay in each status, and whom they wait for there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

WaitsFor = Literal["customer", "seller", "operator", "carrier", "machine"]

WAITS_FOR: dict[str, WaitsFor] = {
    "INITIATED": "customer",
    "FILE_UPLOADED": "customer",
    "SUBMITTED": "machine",
    "AWAITING_CUSTOMER": "customer",
    "PRICE_CALCULATED": "seller",
    "MANUFACTURING_APPROVED": "operator",
    "MANUFACTURING_STARTED": "operator",
    "MANUFACTURING_COMPLETED": "operator",
    "PACKAGING": "operator",
    "SHIPPED": "carrier",
}
"""Whom an order waits for in a status. A status that is not here is nobody's: it ends nothing, or is new."""
ROAD = tuple(WAITS_FOR)


@dataclass(frozen=True, slots=True)
class Stage:
    """How long orders stayed in one status: stays that ended in the period, in seconds."""

    status: str
    stays: int
    median_s: float
    p95_s: float
    total_s: float

    @property
    def waits_for(self) -> WaitsFor:
        """Whom they waited for."""
        return WAITS_FOR.get(self.status, "machine")


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """How long one service worked on orders: what entered it, in milliseconds."""

    service: str
    entries: int
    errors: int
    median_ms: float
    p95_ms: float
    total_ms: float


@dataclass(frozen=True, slots=True)
class Report:
    """Both, of one period. `is_whole` is false when the orders' history could not be had."""

    stages: tuple[Stage, ...]
    services: tuple[ServiceTime, ...]
    is_whole: bool = True

    def share_of(self, stage: Stage) -> float:
        """The part of all orders' time that was spent in a stage, from 0 to 1."""
        total = sum(each.total_s for each in self.stages)
        return stage.total_s / total if total else 0.0

    def share_of_service(self, service: ServiceTime) -> float:
        """The part of all services' time that was spent in one, from 0 to 1."""
        total = sum(each.total_ms for each in self.services)
        return service.total_ms / total if total else 0.0

    def waited_s(self) -> dict[WaitsFor, float]:
        """The seconds that orders waited for each, the longest first."""
        waited: dict[WaitsFor, float] = {}
        for stage in self.stages:
            waited[stage.waits_for] = waited.get(stage.waits_for, 0.0) + stage.total_s
        return dict(sorted(waited.items(), key=lambda one: -one[1]))


def report_of(stages: Iterable[Stage] | None, services: Iterable[ServiceTime]) -> Report:
    """The report, stages in the order of the road, services by their time. `stages` is None when they could not be had."""
    place = {status: number for number, status in enumerate(ROAD)}
    ordered = sorted(stages or (), key=lambda stage: place.get(stage.status, len(place)))
    return Report(tuple(ordered), tuple(sorted(services, key=lambda each: -each.total_ms)), is_whole=stages is not None)
