"""A price book laid out for people: its values in groups, named, in their units, as they are read or typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal, get_currency_symbol

from system.pagekit.pages import Pages
from system.pagekit.reader import Language
from system.pricing.domain.book_changes import Change, Path, falls_with, leaves, number_of
from system.pricing.domain.price_book import PriceBook
from system.pricing.entrypoints.book_form import (
    ALPHABET,
    METALS,
    NEW,
    PREFIX,
    STEPS,
    TAKEN_OUT,
    WORDS,
    Typed,
    is_share,
    shape_of,
    typed_text,
)
from system.pricing.entrypoints.book_words import FIELDS, FLAWS, RATE_GROUPS, SECTIONS, UNITS, unit_of
from system.pricing.entrypoints.book_words import METALS as METAL_NAMES

NAMES: Mapping[str, Mapping[str, str]] = {
    "price_section": SECTIONS,
    "price_field": FIELDS,
    "price_unit": UNITS,
    "price_flaw": FLAWS,
    "metal": METAL_NAMES,
}
NOTHING_TYPED = Typed({})
TITLED = ("alloys", "stones", "platings", "catalogue")
NOT_GENERAL = (*TITLED, METALS, STEPS, "rates", "engraving")


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. `text` is how it is read, `typed` what its field holds; a word is read only."""

    place: str
    label: str
    text: str
    unit: str
    is_number: bool
    field: str
    typed: str
    flaw: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """The values of one thing: a material, a stone; `field` takes it out, and `goes` is what goes along then.

    A group without things has one row without a title; a metal, which is one value, has none either and is called by `of`.
    """

    title: str
    cells: tuple[Cell, ...]
    names: tuple[Cell, ...] = ()
    field: str = ""
    taken_out: bool = False
    of: str = ""
    goes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together under one heading. `columns` when its rows are alike; `fresh` is what a new one needs."""

    code: str
    title: str
    rows: tuple[Row, ...]
    columns: tuple[tuple[str, str], ...] = ()
    fresh: tuple[Cell, ...] = ()


class Sheet:
    """Writes books in one language."""

    def __init__(self, pages: Pages, language: Language, currency: str) -> None:
        self._pages, self._language = pages, language
        self._currency = str(get_currency_symbol(currency, locale=language))

    def groups(self, book: PriceBook, typed: Typed = NOTHING_TYPED) -> list[Group]:
        """The whole book, the metals first: they change most often."""
        values = leaves(book)
        return [
            self._metals(book, values, typed),
            *(self._table(section, book, values, typed) for section in TITLED[:3]),
            *self._engraving(values, typed),
            *self._rates(values, typed),
            self._steps(book, values, typed),
            self._plain("general", (path for path in values if path[0] not in NOT_GENERAL), values, typed),
            self._table("catalogue", book, values, typed),
        ]  # fmt: skip

    def metals(self, book: PriceBook, typed: Typed = NOTHING_TYPED) -> Group:
        """The spot prices alone."""
        return self.groups(book, typed)[0]

    def changes(self, changes: Iterable[Change], *books: PriceBook) -> list[dict[str, Any]]:
        """Changes with the names of their places, as the first book that has one calls it."""
        return [
            {
                "place": ".".join(change.path),
                "name": self.name(change.path, *books),
                "before": self.value(change.path, change.before),
                "after": self.value(change.path, change.after),
                "share": change.share,
            }
            for change in changes
        ]

    def name(self, path: Path, *books: PriceBook) -> str:
        """What people call a place of the book: "Gold 585: casting loss"."""
        section, *rest = path
        if not rest or not rest[0]:
            return self._named("price_section" if section in SECTIONS else "price_field", section)
        if section == "spot_per_g":
            return f"{self._named('metal', rest[0])}: {self._field('spot_per_g')}"
        if section == STEPS:
            return f"{self._named('price_section', STEPS)}: {rest[0]}"
        if section in TITLED:
            return f"{self._title(section, rest[0], *books)}: {self._field(path[-1])}"
        return self._field(path[-1])

    def value(self, path: Path, value: str | None) -> str | None:
        """A value as it is read, with its unit; None stays None."""
        if value is None:
            return None
        unit = self._unit(path)
        return f"{self._read(path, value)} {unit}".rstrip()

    def flaw(self, code: str) -> str:
        """What is wrong with a value; nothing for no flaw."""
        return self._named("price_flaw", code) if code else ""

    # -- groups --------------------------------------------------------------------------------------------------

    def _rates(self, values: Mapping[Path, str], typed: Typed) -> list[Group]:
        found: dict[str, list[Path]] = {code: [] for code in RATE_GROUPS}
        for path in values:
            if path[0] == "rates":
                found[next(code for code, starts in RATE_GROUPS.items() if path[-1].startswith(starts))].append(path)
        return [self._plain(code, paths, values, typed) for code, paths in found.items()]

    def _metals(self, book: PriceBook, values: Mapping[Path, str], typed: Typed) -> Group:
        rows = tuple(
            Row(
                "",
                (self._cell((METALS, metal), values[METALS, metal], typed),),
                field=f"{TAKEN_OUT}{METALS}.{metal}",
                taken_out=f"{METALS}.{metal}" in typed.taken_out,
                of=self._named("metal", metal),
                goes=tuple(self._title_at(place, book) for place in falls_with(book, [metal])),
            )
            for metal in book.spot_per_g
        )
        return Group(METALS, self._named("price_section", METALS), rows, fresh=self._fresh(METALS, book, typed))

    def _steps(self, book: PriceBook, values: Mapping[Path, str], typed: Typed) -> Group:
        rows = tuple(
            Row(
                "",
                (self._cell((STEPS, str(pieces)), values[STEPS, str(pieces)], typed),),
                field=f"{TAKEN_OUT}{STEPS}.{pieces}",
                taken_out=f"{STEPS}.{pieces}" in typed.taken_out,
                of=str(pieces),
            )
            for pieces in sorted(book.quantity_steps)
        )
        return Group(STEPS, self._named("price_section", STEPS), rows, fresh=self._fresh(STEPS, book, typed))

    def _engraving(self, values: Mapping[Path, str], typed: Typed) -> list[Group]:
        """What engraving costs; nothing of a book that has none."""
        cells = [self._cell(path, value, typed) for path, value in values.items() if path[0] == "engraving"]
        if not cells:
            return []
        numbers = tuple(cell for cell in cells if not cell.place.endswith(ALPHABET))
        words = tuple(cell for cell in cells if cell.place.endswith(ALPHABET))
        return [Group("engraving", self._named("price_section", "engraving"), (Row("", numbers, words),))]

    def _plain(self, code: str, paths: Iterable[Path], values: Mapping[Path, str], typed: Typed) -> Group:
        cells = tuple(self._cell(path, values[path], typed) for path in paths)
        return Group(code, self._named("price_section", code), (Row("", cells),))

    def _table(self, section: str, book: PriceBook, values: Mapping[Path, str], typed: Typed) -> Group:
        cells: dict[str, list[Cell]] = {}
        names: dict[str, list[Cell]] = {}
        for path, value in values.items():
            if path[0] == section:
                kind = names if "title" in path else cells
                kind.setdefault(path[1], []).append(self._cell(path, value, typed))
        rows = tuple(
            Row(
                self._title(section, code, book),
                tuple(row),
                tuple(names.get(code, ())),
                f"{TAKEN_OUT}{section}.{code}",
                f"{section}.{code}" in typed.taken_out,
            )
            for code, row in cells.items()
        )
        columns = tuple((cell.label, cell.unit) for cell in next(iter(cells.values()), []))
        return Group(section, self._named("price_section", section), rows, columns, self._fresh(section, book, typed))

    def _cell(self, path: Path, value: str, typed: Typed) -> Cell:
        place = ".".join(path)
        shown = typed_text(value, self._language, is_share=is_share(path)) if path[-1] != ALPHABET else value
        return Cell(
            place=place,
            label=self._label(path),
            text=self._read(path, value),
            unit=self._unit(path),
            is_number=number_of(value) is not None and path[-1] != ALPHABET,
            field=PREFIX + place,
            typed=typed.texts.get(place, shown),
            flaw=self.flaw(typed.flaws.get(place, "")),
        )

    def _fresh(self, section: str, book: PriceBook, typed: Typed) -> tuple[Cell, ...]:
        """The empty fields of one thing more."""
        choices = {"metal": tuple(book.spot_per_g), "material": tuple(book.alloys)}
        return tuple(
            Cell(
                place=f"{NEW}{section}.{name}",
                label=self._field(name.removeprefix("title.")),
                text="",
                unit=self._unit((section, name)),
                is_number=name not in WORDS and name != "code",
                field=f"{NEW}{section}.{name}",
                typed=typed.texts.get(f"{NEW}{section}.{name}", ""),
                flaw=self.flaw(typed.flaws.get(f"{NEW}{section}.{name}", "")),
                choices=choices.get(name, ()),
            )
            for name in shape_of(section)
        )

    # -- words ---------------------------------------------------------------------------------------------------

    def _label(self, path: Path) -> str:
        if path[0] == STEPS:
            return f"{self._field('pieces')}: {path[-1]}"
        return self._named("metal", path[-1]) if path[0] == METALS else self._field(path[-1])

    def _read(self, path: Path, value: str) -> str:
        number = number_of(value) if path[-1] != ALPHABET else None
        if number is None:
            kind = {"metal": "metal", "material": "material"}.get(path[-1])
            return self._named(kind, value) if kind else value
        shown = number * 100 if is_share(path) else number
        return str(format_decimal(shown, "#,##0.######", locale=self._language))

    def _unit(self, path: Path) -> str:
        is_value = path[0] in (METALS, STEPS) and path[-1] not in ("code", "pieces")
        unit = unit_of({METALS: METALS, STEPS: "share"}[path[0]] if is_value else path[-1])
        return self._named("price_unit", unit).format(currency=self._currency) if unit else ""

    def _title(self, section: str, code: str, *books: PriceBook) -> str:
        for book in books:
            entry = getattr(book, section).get(code)
            if entry is not None and hasattr(entry, "title"):
                return str(entry.title[self._language])
        return code

    def _title_at(self, place: str, book: PriceBook) -> str:
        section, _, code = place.partition(".")
        return self._title(section, code, book)

    def _field(self, name: str) -> str:
        return self._named("price_field", name)

    def _named(self, kind: str, code: str) -> str:
        return self._pages.named(self._language, kind, code)


def percent(language: Language, share: Decimal | str | None) -> str:
    """A move in percent with its sign; a dash where there is none."""
    if share is None:
        return "—"
    moved = Decimal(share) * 100
    if not moved:
        return "0 %"
    # As exact as it has to be to be seen: a move of a hundredth is not nothing.
    pattern = "+#,##0.0;−#,##0.0" if abs(moved) >= Decimal("0.1") else "+0.00##;−0.00##"
    return f"{format_decimal(moved, pattern, locale=language)} %"
