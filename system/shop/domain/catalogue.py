"""Ready-made goods: what they are. What they cost is pricing's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["ru", "en"]


@dataclass(frozen=True, slots=True)
class Title:
    """A name in both languages."""

    ru: str
    en: str

    def in_language(self, language: Language) -> str:
        """The name in one of them."""
        return self.ru if language == "ru" else self.en

    @classmethod
    def same(cls, name: str) -> Title:
        """A name that is not translated, such as a file's."""
        return cls(ru=name, en=name)


@dataclass(frozen=True, slots=True)
class Product:
    """A ready-made good. `ring_sizes` is empty for what is not a ring; `in_stock` counts the pieces nobody has reserved.

    Goods of one `design` differ in their metal alone. `kind` is ring, earrings, pendant or bracelet.
    """

    sku: str
    title: Title
    material: str
    ring_sizes: tuple[str, ...]
    in_stock: int
    design: str = ""
    kind: str = ""
    about: Title = Title("", "")
