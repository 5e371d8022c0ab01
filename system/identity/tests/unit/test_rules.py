"""Rules of identity, each broken once."""

from __future__ import annotations

import pytest

from system.identity.domain import rules
from system.kernel.errors import Invalid


def test_email_has_one_form() -> None:
    assert rules.normal_email("  Anna@Example.COM ") == "anna@example.com"


@pytest.mark.parametrize(
    "email",
    ["", "anna", "anna@", "@example.com", "anna@example", "an na@example.com", "a@b@example.com", "anna@example..com",
     "anna@.example.com", f"{'a' * 65}@example.com", f"a@{'b' * 250}.com", "anna\x00@example.com"],
)  # fmt: skip
def test_what_is_no_email_is_refused(email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rules.normal_email(email)
    assert refusal.value.code == "email-invalid"


@pytest.mark.parametrize("email", ["guest-1@guest.invalid", " Anna@GUEST.invalid "])
def test_nobody_has_a_guests_email(email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rules.normal_email(email)
    assert refusal.value.code == "email-reserved"


def test_an_email_that_only_resembles_a_guests_is_somebodys() -> None:
    assert rules.normal_email("anna@notguest.invalid") == "anna@notguest.invalid"


@pytest.mark.parametrize("name", ["", " ", "a" * 201, "a\x00b", "a\nb", "a\x7f"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rules.acceptable_name(name)
    assert refusal.value.code == "name-invalid"


def test_a_name_is_trimmed() -> None:
    assert rules.acceptable_name(f" {'я' * 200} ") == "я" * 200


def test_password_of_ten_characters_is_acceptable() -> None:
    assert rules.acceptable_password("0123456789") == "0123456789"


@pytest.mark.parametrize(
    ("password", "code"),
    [("123456789", "password-too-short"), ("ab" * 101, "password-too-long"), ("aaaaaaaaaa", "password-too-simple")],
)
def test_poor_password_is_refused(password: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        rules.acceptable_password(password)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("administrators", "removed", "allowed"), [(1, True, False), (2, True, True), (1, False, True), (0, False, True)]
)
def test_the_last_administrator_stays(administrators: int, removed: bool, allowed: bool) -> None:
    assert rules.leaves_an_administrator(administrators=administrators, removed=removed) is allowed
