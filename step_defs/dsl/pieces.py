"""The pieces of an order as a table says them: one row each, in the words of either language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from step_defs.dsl.models import is_file
from step_defs.dsl.words import GOODS, MATERIALS, MODELS, PIECE_COLUMNS, SIZES, UNITS


@dataclass(frozen=True, slots=True)
class Piece:
    """A ready-made good (`sku`), or a model in a material; what is None is left to the shop."""

    sku: str = ""
    model: str = ""
    material: str = ""
    quantity: int = 1
    ring_size: str | None = None
    unit: str | None = None


def pieces_of(table: list[list[str]]) -> list[Piece]:
    """The rows below the header. Raises AssertionError for a column, or a word in one, that nobody knows."""
    header = [_known(name, PIECE_COLUMNS, "column") for name in table[0]]
    assert "piece" in header, f"which pieces? the columns are {', '.join(table[0])}"
    return [_piece(dict(zip(header, row, strict=True))) for row in table[1:]]


def _piece(row: dict[str, str]) -> Piece:
    quantity, ring_size = int(row.get("quantity") or 1), row.get("ring_size") or None
    said = row["piece"]
    if said in GOODS:
        return Piece(sku=GOODS[said], quantity=quantity, ring_size=ring_size)
    return Piece(
        model=model_called(said),
        material=_known(row.get("material", ""), MATERIALS, "material"),
        quantity=quantity,
        ring_size=ring_size,
        unit=_known(row["unit"], UNITS, "unit") if row.get("unit") else None,
    )


def model_called(said: str) -> str:
    """A file beside the feature, or a fixture by its word, in a finer size when the word says so."""
    if is_file(said):
        return said
    ending = next((each for each in SIZES if said.endswith(each)), "")
    return _known(said.removesuffix(ending), MODELS, "piece") + SIZES.get(ending, "")


def _known(said: str, words: dict[str, str], kind: str) -> str:
    assert said in words, f"no {kind} is called {said!r}; there are: {_listed(words)}"
    return words[said]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)
