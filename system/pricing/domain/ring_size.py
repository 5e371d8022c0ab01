"""Ring sizes in the three systems customers use, and the one length behind them: the inner diameter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import pi
from typing import Self

from system.kernel.errors import Invalid

DIAMETER_MM_MIN = Decimal("12")
DIAMETER_MM_MAX = Decimal("26")
_PI = Decimal(str(pi))
_US_ZERO_MM = Decimal("11.63")
_US_STEP_MM = Decimal("0.8128")
_RUSSIAN_STEP_MM = Decimal("0.5")
_WRITTEN = re.compile(r"^\s*(?:(?P<system>us|iso|ru)\s*)?(?P<number>\d{1,2}(?:[.,]\d{1,2})?)\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RingSize:
    """The size of a ring by its inner diameter in mm."""

    diameter_mm: Decimal

    @classmethod
    def parse(cls, written: str) -> Self:
        """Reads "US 7", "ISO 54.4", "RU 17.5" or a bare "17.5", which is Russian: the diameter in steps of 0.5 mm.

        Raises Invalid (`ring-size-unknown`) on anything else, and on a ring that fits no finger.
        """
        match = _WRITTEN.match(written)
        if match is None:
            raise _unknown(written)
        try:
            number = Decimal(match["number"].replace(",", "."))
        except InvalidOperation as error:
            raise _unknown(written) from error
        system = (match["system"] or "ru").lower()
        if system == "us":
            size = cls.from_us(number)
        elif system == "iso":
            size = cls.from_iso(number)
        elif number % _RUSSIAN_STEP_MM == 0:
            size = cls(number)
        else:
            raise _unknown(written)
        if not DIAMETER_MM_MIN <= size.diameter_mm <= DIAMETER_MM_MAX:
            raise _unknown(written)
        return size

    @classmethod
    def from_us(cls, number: Decimal) -> Self:
        """United States: inner diameter in mm = 11.63 + 0.8128 x size."""
        return cls(_US_ZERO_MM + _US_STEP_MM * number)

    @classmethod
    def from_iso(cls, number: Decimal) -> Self:
        """ISO 8653: the size is the inner circumference in mm."""
        return cls(number / _PI)

    @property
    def us(self) -> Decimal:
        """The size in the United States, in quarters."""
        exact = (self.diameter_mm - _US_ZERO_MM) / _US_STEP_MM
        return (exact * 4).quantize(Decimal(1)) / 4

    @property
    def iso(self) -> Decimal:
        """The inner circumference in mm, with one decimal."""
        return (self.diameter_mm * _PI).quantize(Decimal("0.1"))

    @property
    def russian(self) -> Decimal:
        """The diameter rounded to the nearest half millimetre."""
        return (self.diameter_mm * 2).quantize(Decimal(1)) / 2


def _unknown(written: str) -> Invalid:
    return Invalid(
        "ring-size-unknown",
        f'{written!r} is not a ring size. Send the Russian size in steps of 0.5 ("17.5"), "US 7" or "ISO 54".',
    )
