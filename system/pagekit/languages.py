"""Russian and English: which one a reader gets, and the words of each from `locales/*.po` beside the templates."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from fastapi import Request

from system.pagekit.reader import Language

COOKIE = "lang"
LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "ru"
SOURCE: Language = "en"
"""What the templates are written in: it needs no catalogue."""


def language_of(request: Request) -> Language:
    """What the address asks for, else what the reader chose before, else what the browser prefers, else Russian."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if known := _known(wish):
            return known
    return preferred(request.headers.get("accept-language", ""))


def preferred(accept_language: str) -> Language:
    """The best of our languages for an Accept-Language header (RFC 9110, 12.5.4)."""
    wishes: list[tuple[float, int, Language]] = []
    for place, part in enumerate(accept_language.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        known = _known(tag.partition("-")[0].strip().lower())
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        if known and quality > 0:
            wishes.append((-quality, place, known))
    return min(wishes)[2] if wishes else DEFAULT


def _known(wish: str | None) -> Language | None:
    return next((language for language in LANGUAGES if language == wish), None)


def translations(language: Language, directories: Iterable[Path]) -> Translations:
    """The words of a language, those of the first directory winning. Raises FileNotFoundError without a catalogue."""
    merged = Translations()
    if language == SOURCE:
        return merged
    for directory in reversed(list(directories)):
        with (directory / f"{language}.po").open("rb") as file:
            catalogue = read_po(file, locale=language, abort_invalid=True)
        compiled = io.BytesIO()
        write_mo(compiled, catalogue)
        compiled.seek(0)
        words = Translations(compiled)
        merged.merge(words)
        # A merge takes the words and leaves the rule by which a number chooses among them.
        merged.plural = words.plural
    return merged
