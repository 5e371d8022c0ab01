"""The command line of observability: `report [DAYS]` prints where time went, `dashboards [--check]` writes those of Grafana."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from system.observability.application.dashboards import outdated, write_dashboards
from system.observability.application.stages import stage_report
from system.observability.entrypoints.stages_api import table_of, view_of
from system.plumbing.runtime import Service

DASHBOARDS = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"


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


def dashboards(arguments: list[str]) -> int:
    """Writes Grafana's dashboards from the figures; with --check it writes nothing, and what is outdated fails."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m system.observability dashboards [--check]", file=sys.stderr)
        return 2
    if arguments:
        stale = outdated(DASHBOARDS)
        for path in stale:
            print(f"{path.name} does not say what the figures say", file=sys.stderr)
        return 1 if stale else 0
    for path in write_dashboards(DASHBOARDS):
        print(path.name)
    return 0
