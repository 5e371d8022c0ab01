"""The report on where the time of orders goes."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from system.kernel.errors import Unavailable
from system.observability.application.ports import Orders
from system.observability.domain.stages import Report, ServiceTime, report_of


class ServiceTimes(Protocol):
    """Where the time of services is summed."""

    async def service_times(self, since: datetime, until: datetime) -> list[ServiceTime]:
        """How long each service worked on orders in the period."""


async def stage_report(times: ServiceTimes, orders: Orders, since: datetime, until: datetime) -> Report:
    """The report of a period, without the stages where the orchestrator does not answer."""
    services = await times.service_times(since, until)
    try:
        return report_of(await orders.stages(since, until), services)
    except Unavailable:
        return report_of(None, services)
