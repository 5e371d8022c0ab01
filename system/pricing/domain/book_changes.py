"""What differs between two price books, value by value, and the same differences applied to a third.

A change names its place as `from_data` does: ("alloys", "gold_585", "premium"). Numbers are compared as numbers: 0.30 is 0.3.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from system.pricing.domain.price_book import PriceBook

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs. None is a value that is not there: `before` of something new, `after` of something taken out."""

    path: Path
    before: str | None
    after: str | None

    @property
    def share(self) -> Decimal | None:
        """By which share a number moved, 0.02 for 2 % up; None where there is no number to start from."""
        before, after = number_of(self.before), number_of(self.after)
        return None if not before or after is None else (after - before) / before


def leaves(book: PriceBook) -> dict[Path, str]:
    """Every value of a book by its place, in the book's own order."""
    return dict(_leaves(book.to_data(), ()))


def changes_between(before: PriceBook, after: PriceBook) -> tuple[Change, ...]:
    """Every value that is another one in `after`, in the order of the books; what is new comes last."""
    old, new = leaves(before), leaves(after)
    places = [*old, *(path for path in new if path not in old)]
    found = (Change(path, old.get(path), new.get(path)) for path in places)
    return tuple(change for change in found if not same(change.before, change.after))


def with_changes(book: PriceBook, changes: Iterable[Change], *, version: int) -> PriceBook:
    """The book with these values set or taken out, whatever stood there. Raises Invalid when the result does not hold together."""
    data = copy.deepcopy(book.to_data())
    for change in changes:
        _put(data, change.path, change.after)
    return PriceBook.from_data(data, version=version)


def falls_with(book: PriceBook, metals: Iterable[str]) -> tuple[str, ...]:
    """What cannot stay in a book without these metals, as `section.code`: materials of them first, then goods of those."""
    gone = frozenset(metals)
    alloys = [code for code, alloy in book.alloys.items() if alloy.metal in gone]
    goods = [sku for sku, item in book.catalogue.items() if item.material in alloys]
    return (*(f"alloys.{code}" for code in alloys), *(f"catalogue.{sku}" for sku in goods))


def same(one: str | None, other: str | None) -> bool:
    """Whether two values mean the same."""
    first, second = number_of(one), number_of(other)
    return one == other if first is None or second is None else first == second


def number_of(value: str | None) -> Decimal | None:
    """The number a value is; None for a word, or for nothing."""
    if value is None:
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _leaves(data: Mapping[str, Any], at: Path) -> Iterator[tuple[Path, str]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*at, name))
        elif value is not None:
            yield (*at, name), str(value)


def _put(data: dict[str, Any], path: Path, value: str | None) -> None:
    """Sets one value, or takes it out, and with the last one of an entry the entry; a section stays, however empty."""
    section, *rest = path
    if not rest:
        data[section] = value
        return
    parents = [data.setdefault(section, {})]
    for name in rest[:-1]:
        parents.append(parents[-1].setdefault(name, {}))
    if value is not None:
        parents[-1][rest[-1]] = value
        return
    parents[-1].pop(rest[-1], None)
    for depth in range(len(parents) - 1, 0, -1):
        if not parents[depth]:
            parents[depth - 1].pop(rest[depth - 1], None)
