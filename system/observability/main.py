"""The only place that wires observability."""

from __future__ import annotations

from system.observability.entrypoints import pages
from system.observability.settings import ObservabilitySettings
from system.plumbing.runtime import Service

ROUTERS = ()
"""Its API and what is internal; one router for each module of entrypoints."""
PAGES = (pages.router,)
"""Its pages; one router for each module of entrypoints."""


def service(settings: ObservabilitySettings | None = None) -> Service:
    """Observability, ready to serve."""
    settings = settings or ObservabilitySettings()
    shown = pages.pages_of(settings)
    built = Service(
        settings,
        routers=[*ROUTERS],
        pages=[shown.router(), *PAGES],
        description="Keeps what every process tells of its work, and shows it.",
    )
    shown.install(built.app)
    return built
