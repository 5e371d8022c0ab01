"""Which PINs are refused, and why."""

from __future__ import annotations

import pytest

from system.identity.domain.pin import acceptable_pin
from system.kernel.errors import Invalid


@pytest.mark.parametrize("pin", ["4096", "7305", "91827", "482913", "1357924", "58203914", "0917"])
def test_ordinary_pins_are_accepted(pin: str) -> None:
    assert acceptable_pin(pin) == pin


@pytest.mark.parametrize(
    ("pin", "code"),
    [
        ("", "pin-not-digits"),
        ("12a4", "pin-not-digits"),
        ("٤٠٩٦", "pin-not-digits"),
        ("409", "pin-length"),
        ("409617352", "pin-length"),
        ("0000", "pin-repeats"),
        ("77777777", "pin-repeats"),
        ("1212", "pin-repeats"),
        ("123123", "pin-repeats"),
        ("47294729", "pin-repeats"),
        ("1234", "pin-counts"),
        ("0123", "pin-counts"),
        ("7890", "pin-counts"),
        ("345678", "pin-counts"),
        ("4321", "pin-counts"),
        ("0987", "pin-counts"),
        ("9876543", "pin-counts"),
        ("1987", "pin-date"),
        ("1900", "pin-date"),
        ("2011", "pin-date"),
        ("240587", "pin-date"),
        ("870524", "pin-date"),
        ("052487", "pin-date"),
        ("24051987", "pin-date"),
        ("19870524", "pin-date"),
        ("05241987", "pin-date"),
    ],
)
def test_pins_that_everybody_tries_are_refused_with_the_reason(pin: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        acceptable_pin(pin)
    assert refused.value.code == code


@pytest.mark.parametrize("pin", ["2187", "1899", "329999", "99129999"])
def test_what_only_looks_a_little_like_a_date_is_none(pin: str) -> None:
    assert acceptable_pin(pin) == pin
