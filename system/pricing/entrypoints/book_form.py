"""Numbers of a price book as people type them: a comma or a point, percent for shares, and everything that is wrong at once."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from system.kernel.errors import Invalid
from system.pagekit.reader import Language
from system.pricing.domain.book_changes import Path, leaves, number_of, same
from system.pricing.domain.price_book import PriceBook
from system.pricing.entrypoints.book_words import SHARES

PREFIX = "v:"
"""What stands before the place of a value in the name of its field."""

_PLAIN = re.compile(r"^\d{1,9}(\.\d{1,6})?$", re.ASCII)
_NUMBER = re.compile(r"^\d+(\.\d+)?$", re.ASCII)
# Between the thousands, as our own pages and other programs write them.
_BLANKS = re.compile("[\\s\u00a0\u202f'’]")
_HUNDRED = Decimal(100)


class Mistyped(Exception):
    """What was typed is no number; `flaw` says why."""

    def __init__(self, flaw: str) -> None:
        super().__init__(flaw)
        self.flaw = flaw


@dataclass(frozen=True, slots=True)
class Typed:
    """A form that was read: the book's data with every readable value in it, what was typed word for word, and what is wrong where."""

    data: Mapping[str, Any]
    texts: Mapping[str, str] = field(default_factory=dict)
    flaws: Mapping[str, str] = field(default_factory=dict)


def read_form(base: PriceBook, fields: Mapping[str, str], language: Language) -> Typed:
    """The book that somebody made of `base`. Fields that are not sent stay as they are; each that is wrong is named with its flaw."""
    data = copy.deepcopy(base.to_data())
    known = {".".join(path): (path, value) for path, value in leaves(base).items()}
    texts: dict[str, str] = {}
    flaws: dict[str, str] = {}
    for place, (path, value) in known.items():
        text = fields.get(PREFIX + place)
        if text is None or number_of(value) is None:
            continue
        texts[place] = text
        try:
            number = read_number(text, language, is_share=path[-1] in SHARES)
        except Mistyped as mistyped:
            flaws[place] = mistyped.flaw
            continue
        if not same(number, value):
            _set(data, path, number)
    _find_flaws(data, known, flaws)
    return Typed(data, texts, flaws)


def read_number(text: str, language: Language, *, is_share: bool = False) -> str:
    """A typed number as the book keeps it. Raises Mistyped."""
    plain = _BLANKS.sub("", text).removesuffix("%") if is_share else _BLANKS.sub("", text)
    if not plain:
        raise Mistyped("missing")
    if "," in plain and language != "ru":
        # In English it stands between thousands: 1,5 and 1,500 must not be taken for each other.
        raise Mistyped("comma")
    plain = plain.replace(",", ".")
    if plain[0] in "-−" and _NUMBER.match(plain[1:]):
        raise Mistyped("negative")
    if not _NUMBER.match(plain):
        raise Mistyped("not-a-number")
    if not _PLAIN.match(plain):
        raise Mistyped("too-long")
    return plain_text(Decimal(plain) / _HUNDRED) if is_share else plain


def typed_text(value: str, language: Language, *, is_share: bool) -> str:
    """A value of the book as its field shows it: percent for shares, a comma in Russian."""
    number = Decimal(value)
    text = plain_text(number * _HUNDRED) if is_share else f"{number:f}"
    return text.replace(".", ",") if language == "ru" else text


def plain_text(number: Decimal) -> str:
    """A number without exponent and needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _find_flaws(data: dict[str, Any], known: Mapping[str, tuple[Path, str]], flaws: dict[str, str]) -> None:
    """Everything that the book's own rules say of what was typed: each value refused is put back, and the book read again."""
    for _ in known:
        try:
            PriceBook.from_data(data, version=1)
        except Invalid as refusal:
            place = str(refusal.extra.get("path", ""))
            if place not in known or place in flaws:
                # Nothing that this form holds: a rule over several values. It is said of the whole form.
                flaws.setdefault("", str(refusal.extra.get("flaw", "unusable")))
                return
            flaws[place] = str(refusal.extra.get("flaw", "unusable"))
            _set(data, *known[place])
        else:
            return


def _set(data: dict[str, Any], path: Path, value: str) -> None:
    place = data
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
