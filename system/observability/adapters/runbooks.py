"""Runbooks: Markdown files, read when they are asked for, as HTML that holds nothing but text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from system.observability.domain.alerts import RunbookMissing

HOME = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
"""Where the repository has them, and the image, which is laid out like it."""
INDEX = "README"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
NEIGHBOUR = re.compile(r"(?:\./)?(?P<name>[a-z0-9-]+|README)\.md(?P<part>#.*)?")
OUTSIDE = re.compile(r"(https?://|/)")


@dataclass(frozen=True, slots=True)
class Runbook:
    """One page: its name as in the address, its title, and its text as HTML."""

    name: str
    title: str
    html: str


class Runbooks:
    """Every runbook of a directory. Links among them lead to `base`; those to other files of the repository are left as text."""

    def __init__(self, base: str, home: Path = HOME) -> None:
        self._base, self._home = base, home
        # Raw HTML is not passed through: a runbook is text.
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    def names(self) -> list[str]:
        """The runbooks there are."""
        return sorted(path.stem for path in self._home.glob("*.md") if NAME.fullmatch(path.stem))

    def has(self, name: str) -> bool:
        """Whether there is one of this name."""
        return NAME.fullmatch(name) is not None and (self._home / f"{name}.md").is_file()

    def titles(self) -> list[tuple[str, str]]:
        """Name and title of each."""
        return [(name, self.read(name).title) for name in self.names()]

    def read(self, name: str) -> Runbook:
        """One runbook. Raises RunbookMissing."""
        if not self.has(name):
            raise RunbookMissing(name)
        tokens = self._markdown.parse((self._home / f"{name}.md").read_text(encoding="utf-8"))
        title = name
        if len(tokens) > 2 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
            title = tokens[1].content
            tokens = tokens[3:]
        self._shape(tokens)
        return Runbook(name, title, self._markdown.renderer.render(tokens, self._markdown.options, {}))

    def _shape(self, tokens: Sequence[Token]) -> None:
        """Fits it into a page that has headings of its own, and whose code can be scrolled with the keyboard."""
        for token in tokens:
            if token.type in ("heading_open", "heading_close"):
                token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
            if token.type in ("fence", "code_block"):
                token.attrSet("tabindex", "0")
            if token.children:
                token.children = self._linked(token.children)

    def _linked(self, children: Sequence[Token]) -> list[Token]:
        kept: list[Token] = []
        is_dropped = False
        for token in children:
            if token.type == "link_open":
                address = self._address(str(token.attrs.get("href", "")))
                is_dropped = address is None
                if address is not None:
                    token.attrSet("href", address)
            if is_dropped and token.type in ("link_open", "link_close"):
                continue
            kept.append(token)
        return kept

    def _address(self, href: str) -> str | None:
        neighbour = NEIGHBOUR.fullmatch(href)
        if neighbour is not None:
            name = neighbour["name"]
            return self._base if name == INDEX else f"{self._base}/{name}{neighbour['part'] or ''}"
        return href if OUTSIDE.match(href) or href.startswith("#") else None
