"""Identity's letters by e-mail, and the one link that opens an account: it is unsealed when its letter is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from system.identity.application.password_resets import CHANGED, RESET
from system.identity.entrypoints.doors import FORGOTTEN, RESET_PAGE
from system.pagekit.letters import Letters
from system.pagekit.pages import Pages
from system.plumbing.mail.notice import Notice
from system.plumbing.mail.sealing import Seal


def letters_of(pages: Pages, seal: Seal, *, public_url: str) -> Letters:
    """Writes to the owners of accounts."""
    origin = public_url.rstrip("/")

    def link(notice: Notice) -> Mapping[str, Any]:
        return {"link": f"{origin}{RESET_PAGE}/{seal.opened(notice.facts['sealed'])}"}

    def page(_: Notice) -> Mapping[str, Any]:
        return {"forgotten": f"{origin}{FORGOTTEN}"}

    return Letters(pages, {RESET: link, CHANGED: page}, origin=origin)
