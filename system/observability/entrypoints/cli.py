"""The command line of observability: `report [DAYS]` prints where time went, `dashboards [--check]` writes those of Grafana."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from system.observability.application.stages import stage_report
from system.observability.entrypoints.dashboards_cli import dashboards
from system.observability.entrypoints.stages_api import table_of, view_of
from system.plumbing.runtime import Service


def commands(build: Callable[[], Service]) -> Mapping[str, Callable[[list[str]], int | None]]:
    """The commands beside `serve` and `openapi`."""

    def report(arguments: list[str]) -> int:
        parser = argparse.ArgumentParser(prog="python -m system.observability report", description=__doc__)
        parser.add_argument("days", nargs="?", type=int, default=7, help="how many days back")
        return asyncio.run(print_report(build(), days=parser.parse_args(arguments).days))

    return {"dashboards": dashboards, "report": report}


async def print_report(service: Service, *, days: int) -> int:
    """Prints it; the exit status is 1 when the orchestrator did not answer, so that the stages are missing."""
    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    try:
        told = await stage_report(service.app.state.traces, service.app.state.orders, since, until)
    finally:
        await service.close()
    print(table_of(view_of(told, since, until)), end="")
    return 0 if told.is_whole else 1
