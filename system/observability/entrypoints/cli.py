"""The command line of observability."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from system.observability.entrypoints.dashboards_cli import dashboards
from system.plumbing.runtime import Service


def commands(build: Callable[[], Service]) -> Mapping[str, Callable[[list[str]], int | None]]:
    """The commands beside `serve` and `openapi`."""
    return {"dashboards": dashboards}
