"""Observability's letters by e-mail, to whoever is on call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from system.observability.application.watch import HEARD_AGAIN, SILENT
from system.observability.entrypoints import runbooks
from system.observability.entrypoints.pages import BASE
from system.pagekit.letters import Letters
from system.pagekit.pages import Pages
from system.plumbing.mail.notice import Notice

WATCHDOG_RUNBOOK = f"{runbooks.ADDRESS}/watchdog"


def letters_of(pages: Pages, *, public_url: str) -> Letters:
    """Writes that alerts do not reach us, and that they do again."""
    origin = public_url.rstrip("/")

    def links(_: Notice) -> Mapping[str, Any]:
        return {
            "runbook": f"{origin}{WATCHDOG_RUNBOOK}",
            "alerts": f"{origin}{BASE}/alerts",
            "operations": f"{origin}/operations/",
            "figures": f"{origin}{BASE}/",
        }

    return Letters(pages, {SILENT: links, HEARD_AGAIN: links}, origin=origin)
