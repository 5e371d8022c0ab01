"""What a customer can choose for a piece of their own besides its metal, as pricing's book has it now."""

from __future__ import annotations

from dataclasses import dataclass

from system.shop.domain.catalogue import Title
from system.shop.domain.quote import QuantityStep


@dataclass(frozen=True, slots=True)
class Choice:
    """A stone or a plating: pricing's code, and what people call it."""

    code: str
    title: Title


@dataclass(frozen=True, slots=True)
class EngravingLimits:
    """What can be engraved; heights in mm as text."""

    characters_max: int
    height_mm_min: str
    height_mm_max: str
    alphabet: str


@dataclass(frozen=True, slots=True)
class Options:
    """Everything there is to choose. `engraving` is None while we do not engrave; `steps` are the discounts, fewest pieces first."""

    stones: tuple[Choice, ...] = ()
    platings: tuple[Choice, ...] = ()
    engraving: EngravingLimits | None = None
    steps: tuple[QuantityStep, ...] = ()
