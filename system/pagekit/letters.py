"""The words of letters by e-mail, from templates beside those of the pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from system.pagekit.pages import Pages
from system.plumbing.mail.notice import Notice, Written


class Letters:
    """Writes a service's notices: `notices/<kind>.txt` over `notice.txt` of the kit.

    `more` gives each template what the notice itself must not hold, such as a link that opens something.
    """

    def __init__(
        self, pages: Pages, kinds: Mapping[str, Callable[[Notice], Mapping[str, Any]] | None], *, origin: str
    ) -> None:
        self._pages = pages
        self._more = dict(kinds)
        self._origin = origin.rstrip("/")

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that there are templates for."""
        return frozenset(self._more)

    def write(self, notice: Notice) -> Written:
        """The words in the notice's language. Raises KeyError for an unknown kind, ValueError for a letter without a subject."""
        more = self._more[notice.kind]
        text = self._pages.fragment(
            notice.language,
            f"notices/{notice.kind}.txt",
            origin=self._origin,
            about=notice.about,
            facts=notice.facts,
            **(more(notice) if more else {}),
        )
        subject, _, body = text.strip().partition("\n")
        # What a template leaves out leaves its empty lines behind.
        written = Written(subject.strip(), re.sub(r"\n{3,}", "\n\n", body.strip()) + "\n")
        if not written.subject or written.text == "\n":
            raise ValueError(f"the letter {notice.kind} has no words")
        return written
