"""Figures and the bars they must hold, as they are printed, kept and drawn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from perf.comparison import FAILED, PASSED
from perf.rounds import Answer

How = Literal["<", "<=", ">="]


@dataclass(frozen=True, slots=True)
class Bar:
    """One figure and what it must be. `note` is told beside it."""

    name: str
    figure: float
    how: How
    limit: float
    unit: str = ""
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure holds. What is not a number holds nothing."""
        if math.isnan(self.figure):
            return False
        if self.how == "<":
            return self.figure < self.limit
        return self.figure <= self.limit if self.how == "<=" else self.figure >= self.limit

    def line(self) -> str:
        """For a terminal."""
        bar = f"{self.how} {self.limit:g} {self.unit}".strip()
        told = f"{self.name:<52} {self.figure:10.2f}   bar {bar:<12} {'met' if self.met else 'MISSED'}"
        return f"{told}   {self.note}".rstrip()

    def row(self) -> list[str]:
        """For a page."""
        bar = f"{self.how} {self.limit:g} {self.unit}".strip()
        return [self.name, PASSED if self.met else FAILED, f"{self.figure:.2f}", bar, self.note]


@dataclass
class Findings:
    """What a part of a measurement found. `answers` are single requests, `remarks` sentences for whoever reads the report."""

    figures: dict[str, float] = field(default_factory=dict)
    bars: list[Bar] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def take(self, other: Findings) -> None:
        """Adds what another part found."""
        self.figures |= other.figures
        self.bars += other.bars
        self.answers += other.answers
        self.remarks += other.remarks

    @property
    def met(self) -> bool:
        """Whether there are bars, and all hold."""
        return bool(self.bars) and all(bar.met for bar in self.bars)


def last_line(name: str, figures: Mapping[str, float], wanted: Sequence[str]) -> str:
    """The figures that a command is known by, in one line; a hyphen for what was not measured."""
    told = (f"{one}={f'{figures[one]:.2f}' if one in figures else '-'}" for one in wanted)
    return f"{name}: {' '.join(told)}"
