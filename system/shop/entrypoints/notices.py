"""The shop's letters by e-mail: which there are, and the links that they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from system.pagekit.areas import ORDERS
from system.pagekit.letters import Letters
from system.pagekit.pages import Pages
from system.plumbing.mail.notice import Notice
from system.shop.domain.milestones import Milestone
from system.shop.entrypoints.pages import BASE
from system.shop.entrypoints.private_links import PrivateLinks
from system.shop.entrypoints.sentences import why_of


def letters_of(pages: Pages, links: PrivateLinks, *, public_url: str) -> Letters:
    """Writes about milestones. A link to follow an order is made when its letter is: it is kept nowhere."""
    origin = public_url.rstrip("/")

    def more(notice: Notice) -> Mapping[str, Any]:
        return {
            "link": f"{origin}{BASE}/track/{links.token_of(notice.about)}",
            "page": f"{origin}{ORDERS}/{notice.about}",
            "why": why_of(notice.facts.get("reason")),
        }

    return Letters(pages, {milestone.value: more for milestone in Milestone}, origin=origin)
