"""Figures in the unit that people read: milliseconds or hours, kilobytes or gigabytes, percent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from system.observability.domain.figure import Unit
from system.pagekit.words import N_

SIGNIFICANT = 3
TIMES = ((86_400.0, N_("d")), (3_600.0, N_("h")), (60.0, N_("min")), (1.0, N_("s")), (0.0, N_("ms")))
SIZES = ((1e9, N_("GB")), (1e6, N_("MB")), (1e3, N_("kB")), (0.0, N_("B")))
PACES = ((1e9, N_("GB/s")), (1e6, N_("MB/s")), (1e3, N_("kB/s")), (0.0, N_("B/s")))
PLAIN = {Unit.COUNT: "", Unit.PER_SECOND: N_("per second"), Unit.PER_MINUTE: N_("per minute"), Unit.TIMES: N_("times")}


@dataclass(frozen=True, slots=True)
class Measure:
    """How values are written: divided by `one`, with `name` (a message of the catalogue, or nothing) behind."""

    one: float
    name: str

    def of(self, value: float | None) -> float | None:
        """A value in this unit, to three figures; whole numbers stay as they are."""
        if value is None:
            return None
        scaled = value / self.one
        if abs(scaled) >= 10 ** (SIGNIFICANT - 1):
            return float(round(scaled, 1)) if scaled % 1 else scaled
        return float(f"{scaled:.{SIGNIFICANT}g}")


def measure_of(unit: Unit, values: Iterable[float | None]) -> Measure:
    """The unit in which the largest of these values is a number of few digits."""
    highest = max((abs(value) for value in values if value is not None), default=0.0)
    match unit:
        case Unit.SHARE:
            return Measure(0.01, "%")
        case Unit.SECONDS:
            one, name = _fitting(TIMES, highest)
            return Measure(one or 0.001, name)
        case Unit.BYTES | Unit.BYTES_PER_SECOND:
            one, name = _fitting(SIZES if unit is Unit.BYTES else PACES, highest)
            return Measure(one or 1.0, name)
        case _:
            return Measure(1.0, PLAIN[unit])


def _fitting(scale: tuple[tuple[float, str], ...], highest: float) -> tuple[float, str]:
    if not highest:
        return next(each for each in scale if each[0] in (1.0, 1e6))
    return next(each for each in scale if highest >= each[0])
