"""The goods that the migrations put on the shelf, for tests without a database."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from system.kernel.money import Money
from system.shop.domain.catalogue import Product, Title

VERSIONS = Path(__file__).parents[1] / "migrations" / "versions"


def migration(name: str) -> Any:
    """A migration as a module; nothing of it is run."""
    spec = importlib.util.spec_from_file_location(name, VERSIONS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def goods() -> list[Product]:
    """All of them, in the catalogue's order."""
    first, second = migration("0001_initial"), migration("0002_goods")
    old = [
        _good(
            sku,
            {"title_ru": russian, "title_en": english, "material": material, "ring_sizes": sizes},
            second._about(*sku.rsplit("-", 1)),
            pieces,
        )
        for sku, russian, english, material, sizes, pieces in first.PRODUCTS
    ]
    new = [
        _good(f"{design}-{end}", second._named(design, end), second._about(design, end), pieces)
        for design, (*_, pieces_by_metal) in second.DESIGNS.items()
        for end, pieces in pieces_by_metal.items()
    ]
    return [*old, *new]


def _good(sku: str, named: dict[str, Any], about: dict[str, str], pieces: int) -> Product:
    return Product(
        sku,
        Title(named["title_ru"], named["title_en"]),
        named["material"],
        tuple(named["ring_sizes"]),
        pieces,
        about["design"],
        about["kind"],
        Title(about["about_ru"], about["about_en"]),
    )


def priced(every: list[Product]) -> dict[str, Money]:
    """A price for each, dearer from one to the next."""
    return {good.sku: Money.of(1000 + 100 * place, "RUB") for place, good in enumerate(every)}
