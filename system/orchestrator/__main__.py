"""`python -m system.orchestrator serve | openapi | reconcile | stuck | messages | replay | republish | timeline`."""

from __future__ import annotations

from system.orchestrator.entrypoints.cli import commands
from system.orchestrator.main import service
from system.plumbing.runtime import main

main(service, commands(service))
