"""The services that have a database, a signing key and a directory of secrets of their own."""

from __future__ import annotations

SERVICES: tuple[str, ...] = (
    "identity",
    "shop",
    "crm",
    "mes",
    "pricing",
    "orchestrator",
    "files",
    "observability",
)
