"""What of the catalogue is shown to whom: the visitor's wishes, and the goods that meet them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from system.kernel.money import Money
from system.shop.domain.catalogue import Product

CHEAPEST, DEAREST = "cheapest", "dearest"
WORD = re.compile(r"\w+")
# Russian and English endings change; what stands before them hardly does.
ROOT_LETTERS_MAX = 5
WHOLE_LETTERS_MAX = 4


@dataclass(frozen=True, slots=True)
class Wish:
    """What the visitor looks for; an empty one is open. `order` is that of the prices, or the catalogue's own."""

    kind: str = ""
    metal: str = ""
    ring_size: str = ""
    words: str = ""
    order: str = ""

    @property
    def narrows(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.kind or self.metal or self.ring_size or self.words.strip())


def chosen(goods: Iterable[Product], prices: Mapping[str, Money], wish: Wish) -> list[Product]:
    """The goods that meet the wish. In the order of prices those without one come last."""
    found = [good for good in goods if meets(good, wish)]
    if wish.order not in (CHEAPEST, DEAREST):
        return found
    sign = 1 if wish.order == CHEAPEST else -1

    def place(good: Product) -> tuple[bool, Decimal]:
        price = prices.get(good.sku)
        return price is None, sign * price.amount if price is not None else Decimal(0)

    return sorted(found, key=place)


def meets(good: Product, wish: Wish) -> bool:
    """Whether the good is what the visitor looks for. A ring size is met by what can be had now."""
    if wish.kind and good.kind != wish.kind:
        return False
    if wish.metal and good.material != wish.metal:
        return False
    if wish.ring_size and not (good.in_stock and wish.ring_size in good.ring_sizes):
        return False
    return speaks_of(good, wish.words)


def speaks_of(good: Product, words: str) -> bool:
    """Whether title or paragraph of the good, in either language, have every one of these words, whatever its ending."""
    roots = [_root(word) for word in _words(words)]
    if not roots:
        return True
    said = _words(f"{good.title.ru} {good.title.en} {good.about.ru} {good.about.en} {good.sku}")
    return all(any(word.startswith(root) for word in said) for root in roots)


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold().replace("ё", "е"))


def _root(word: str) -> str:
    return word if len(word) <= WHOLE_LETTERS_MAX else word[: min(ROOT_LETTERS_MAX, len(word) - 1)]


def sizes_in_stock(goods: Iterable[Product]) -> list[str]:
    """The ring sizes that can be had now, the smallest first."""
    return sorted({size for good in goods if good.in_stock for size in good.ring_sizes}, key=float)


def featured(goods: Sequence[Product], *, at_most: int) -> list[Product]:
    """One good of each design, the newest designs first; what is sold out is not put into the window."""
    by_design: dict[str, Product] = {}
    for good in goods:
        if good.in_stock:
            by_design.setdefault(good.design, good)
    return list(reversed(by_design.values()))[:at_most]


def same_design(goods: Iterable[Product], good: Product) -> list[Product]:
    """The design in every metal there is, this good among them."""
    return [each for each in goods if each.design == good.design]
