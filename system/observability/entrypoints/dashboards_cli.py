"""`python -m system.observability dashboards [--check]`."""

from __future__ import annotations

import sys
from pathlib import Path

from system.observability.application.dashboards import outdated, write_dashboards

DASHBOARDS = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "dashboards"


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
