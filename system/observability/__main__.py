"""`python -m system.observability serve | openapi | report`."""

from __future__ import annotations

from system.observability.entrypoints.cli import commands
from system.observability.main import service
from system.plumbing.runtime import main

main(service, commands(service))
