"""Numbers of a price book as people type them: a comma or a point, percent for shares, and everything that is wrong at once."""

from __future__ import annotations

import copy
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from typing import Any

from system.kernel.errors import Invalid
from system.pagekit.reader import Language
from system.pricing.domain.book_changes import Path, falls_with, leaves, number_of, same
from system.pricing.domain.price_book import Alloy, CatalogueItem, Plating, PriceBook, Stone
from system.pricing.entrypoints.book_words import SHARES

PREFIX = "v:"
"""What stands before the place of a value in the name of its field."""
TAKEN_OUT = "x:"
"""Before the place of a metal, material, stone, plating or good: it shall be in the next book no more. With a metal goes what is made
of it."""
NEW = "n:"
"""Before a section and the name of a value: of the one thing that is new there."""

METALS = "spot_per_g"
STEPS = "quantity_steps"
NAMED: Mapping[str, tuple[str, str]] = {METALS: ("code", "price"), STEPS: ("pieces", "share")}
"""Sections of single values by their name: what has to be said of a new one, and which of it is the value."""
ALPHABET = "alphabet"
Record = Alloy | Stone | Plating | CatalogueItem
RECORDS: Mapping[str, type[Record]] = {
    "alloys": Alloy,
    "stones": Stone,
    "platings": Plating,
    "catalogue": CatalogueItem,
}
CODES: Mapping[str, re.Pattern[str]] = {
    "catalogue": re.compile(r"^[a-z0-9-]{1,80}$", re.ASCII),
    STEPS: re.compile(r"^([2-9]|[1-9][0-9]{1,3})$", re.ASCII),
}
NO_CODE: Mapping[str, str] = {"catalogue": "not-a-sku", STEPS: "not-a-count"}
CODE = re.compile(r"^[a-z0-9_]{1,60}$", re.ASCII)
WORDS = frozenset({"metal", "material", "title.ru", "title.en"})
WORDS_CHARACTERS_MAX = 100
ALPHABET_CHARACTERS_MAX = 1000
LEFT_OUT = frozenset({"wall_min_mm", "wall_reject_mm"})
"""What may be left out of a new material: it is then what its metal has everywhere."""

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
    taken_out: frozenset[str] = frozenset()


def read_form(base: PriceBook, fields: Mapping[str, str], language: Language) -> Typed:
    """The book that somebody made of `base`. Fields that are not sent stay as they are; each that is wrong is named with its flaw."""
    data = copy.deepcopy(base.to_data())
    known = {".".join(path): (path, value) for path, value in leaves(base).items()}
    texts: dict[str, str] = {}
    flaws: dict[str, str] = {}
    for place, (path, value) in known.items():
        text = fields.get(PREFIX + place)
        if text is None or not is_typed(path, value):
            continue
        texts[place] = text
        try:
            read = _read_value(text, path, value, language)
        except Mistyped as mistyped:
            flaws[place] = mistyped.flaw
            continue
        if not same(read, value):
            _set(data, path, read)
    new = {section: _read_new(section, base, fields, language, texts, flaws) for section in (*NAMED, *RECORDS)}
    for section, entry in new.items():
        if entry:
            data[section] = data.get(section, {}) | entry
    entries = [f"{section}.{code}" for section in (*NAMED, *RECORDS) for code in getattr(base, section)]
    taken_out = frozenset(entry for entry in entries if TAKEN_OUT + entry in fields)
    for place in taken_out | frozenset(falls_with(base, metals_in(taken_out))):
        section, _, code = place.partition(".")
        del data[section][code]
    _find_flaws(data, known, new, flaws)
    return Typed(data, texts, flaws, taken_out)


def metals_in(places: Iterable[str]) -> list[str]:
    """The metals among places of the form `section.code`."""
    return [code for section, _, code in (place.partition(".") for place in places) if section == METALS]


def is_typed(path: Path, value: str) -> bool:
    """Whether a value that is there can be typed anew: numbers and names, and no word that others refer to."""
    return number_of(value) is not None or "title" in path or path[-1] == ALPHABET


def is_share(path: Path) -> bool:
    """Whether a value is a share of one, which people write in percent."""
    return path[0] == STEPS or path[-1] in SHARES


def shape_of(section: str) -> tuple[str, ...]:
    """The names of what has to be said of a new thing, its code first."""
    if section in NAMED:
        return NAMED[section]
    names = [each.name for each in dataclass_fields(RECORDS[section]) if each.name not in ("code", "sku")]
    titled = ("title.ru", "title.en") if "title" in names else ()
    return ("code", *titled, *(name for name in names if name != "title"))


def _read_value(text: str, path: Path, value: str, language: Language) -> str:
    if path[-1] == ALPHABET:
        return _read_alphabet(text)
    return _read_words(text) if "title" in path else read_number(text, language, is_share=is_share(path))


def _read_alphabet(text: str) -> str:
    """Each character once, in the order typed; a blank is no character."""
    signs = "".join(dict.fromkeys(unicodedata.normalize("NFC", "".join(text.split()))))
    if not signs or len(text) > ALPHABET_CHARACTERS_MAX:
        raise Mistyped("no-words" if not signs else "too-many-words")
    return signs


def _read_words(text: str) -> str:
    words = " ".join(text.split())
    if not words or len(words) > WORDS_CHARACTERS_MAX:
        raise Mistyped("no-words" if not words else "too-many-words")
    return words


def _read_new(
    section: str,
    base: PriceBook,
    fields: Mapping[str, str],
    language: Language,
    texts: dict[str, str],
    flaws: dict[str, str],
) -> dict[str, Any]:
    """The thing that is new in a section, by its code; nothing where nothing was typed, or something is wrong."""
    typed = {name: fields.get(f"{NEW}{section}.{name}", "") for name in shape_of(section)}
    if not any(text.strip() for text in typed.values()):
        return {}
    typed = {name: text for name, text in typed.items() if name not in LEFT_OUT or text.strip()}
    read: dict[str, str] = {}
    for name, text in typed.items():
        place = f"{NEW}{section}.{name}"
        texts[place] = text
        try:
            if name in ("code", "pieces"):
                read[name] = _read_code(text, section, base)
            else:
                read[name] = (
                    _read_words(text) if name in WORDS else read_number(text, language, is_share=name in SHARES)
                )
        except Mistyped as mistyped:
            flaws[place] = mistyped.flaw
    if len(read) < len(typed):
        return {}
    code = read.pop(shape_of(section)[0])
    if section in NAMED:
        return {code: read[NAMED[section][1]]}
    entry: dict[str, Any] = {name: value for name, value in read.items() if not name.startswith("title.")}
    if "title.ru" in read:
        entry["title"] = {"ru": read["title.ru"], "en": read["title.en"]}
    return {code: entry}


def _read_code(text: str, section: str, base: PriceBook) -> str:
    code = text.strip()
    if not CODES.get(section, CODE).match(code):
        raise Mistyped(NO_CODE.get(section, "not-a-code"))
    if code in {str(known) for known in getattr(base, section)}:
        raise Mistyped("code-taken")
    return code


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
    """A value of the book as its field shows it: percent for shares, a comma in Russian, words as they are."""
    number = number_of(value)
    if number is None:
        return value
    text = plain_text(number * _HUNDRED) if is_share else f"{number:f}"
    return text.replace(".", ",") if language == "ru" else text


def plain_text(number: Decimal) -> str:
    """A number without exponent and needless zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _find_flaws(
    data: dict[str, Any],
    known: Mapping[str, tuple[Path, str]],
    new: Mapping[str, Mapping[str, Any]],
    flaws: dict[str, str],
) -> None:
    """Everything that the book's own rules say of what was typed: each value refused is put back, and the book read again."""
    for _ in range(len(known) + len(new) + 1):
        try:
            PriceBook.from_data(data, version=1)
        except Invalid as refusal:
            place, flaw = str(refusal.extra.get("path", "")), str(refusal.extra.get("flaw", "unusable"))
            section, _, rest = place.partition(".")
            code, _, name = rest.partition(".")
            if code in new.get(section, {}) and code in data[section]:
                flaws[f"{NEW}{section}.{name or NAMED[section][1]}"] = flaw
                del data[section][code]
            elif place in known and place not in flaws and is_typed(*known[place]):
                flaws[place] = flaw
                _set(data, *known[place])
            else:
                # Nothing that this form holds: a rule over several values. It is said of the whole form.
                flaws[""] = place
                return
        else:
            return


def _set(data: dict[str, Any], path: Path, value: str) -> None:
    """Sets a value that is there; what was taken out stays out."""
    place = data
    for name in path[:-1]:
        place = place.get(name, {})
    if path[-1] in place:
        place[path[-1]] = value
