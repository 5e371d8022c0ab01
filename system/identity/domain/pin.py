"""Which PINs are accepted: four to eight digits, and none of those that everybody tries first."""

from __future__ import annotations

from datetime import datetime

from system.kernel.errors import Invalid

PIN_DIGITS_MIN = 4
PIN_DIGITS_MAX = 8

_ASCENDING = "01234567890"
_DESCENDING = _ASCENDING[::-1]
_YEARS = range(1900, 2100)
_DATE_FORMS = ("%d%m%y", "%m%d%y", "%y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d")


def acceptable_pin(pin: str) -> str:
    """The PIN itself. Raises Invalid, with the reason, for one that is no PIN or is among the first that anybody guesses."""
    if not (pin.isascii() and pin.isdigit()):
        raise Invalid("pin-not-digits", "A PIN is digits only.")
    if not PIN_DIGITS_MIN <= len(pin) <= PIN_DIGITS_MAX:
        raise Invalid("pin-length", f"A PIN has {PIN_DIGITS_MIN} to {PIN_DIGITS_MAX} digits.")
    if is_repetition(pin):
        raise Invalid("pin-repeats", "This PIN repeats itself, like 0000 or 1212. Choose another one.")
    if pin in _ASCENDING or pin in _DESCENDING:
        raise Invalid("pin-counts", "This PIN counts up or down, like 1234. Choose another one.")
    if is_date(pin):
        raise Invalid("pin-date", "This PIN is a year or a date, like 1987 or 240587. Choose another one.")
    return pin


def is_repetition(pin: str) -> bool:
    """Whether it is one digit, or two or more digits in a row again and again: 7777, 1212, 123123."""
    # A text that repeats a part of itself is found in its double before the end of its first copy.
    return pin in (pin + pin)[1:-1]


def is_date(pin: str) -> bool:
    """Whether it reads as a year of somebody's birth, or as a whole date in any usual order."""
    if len(pin) == len("1987"):
        return int(pin) in _YEARS
    return any(_is_date_like(pin, form) for form in _DATE_FORMS)


def _is_date_like(pin: str, form: str) -> bool:
    if len(pin) != (8 if "%Y" in form else 6):
        return False
    try:
        return datetime.strptime(pin, form).year in _YEARS  # noqa: DTZ007 - only whether there is such a day
    except ValueError:
        return False
