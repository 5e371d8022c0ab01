"""Badges: what their codes survive, how tries are counted, and how little they open."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from system.identity.application.handlers import BY_BADGE, digest_of
from system.identity.domain.badge import CODE_DIGITS, CODE_NUMBERS, Pin, code_of, is_code, read_code
from system.identity.domain.errors import BadgeLocked, BadgeUnreadable
from system.identity.domain.session import Session
from system.identity.domain.user import Language, Role, User
from system.identity.domain.workstation import SEEN_EVERY, Workstation, roles_at
from system.identity.settings import IdentitySettings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ID = UUID(int=7)
TERMS = IdentitySettings().badge_terms
NEW = Pin(ID)
CODE = code_of(123_456_789_012_345_678)


@pytest.mark.parametrize("number", [0, 1, 96, 97, 10**17, 123_456_789_012_345_678, CODE_NUMBERS - 1])
def test_every_number_has_a_whole_code(number: int) -> None:
    code = code_of(number)
    assert len(code) == CODE_DIGITS and code.isdigit() and is_code(code)
    assert int(code[:-2]) == number


def test_a_code_survives_the_russian_layout() -> None:
    # What the keys of a Latin keyboard give there: letters and points become others, digits stay.
    russian = str.maketrans("qwertyuiop[]asdfghjkl;'zxcvbnm,./", "йцукенгшщзхъфывапролджэячсмитьбю.")
    assert CODE.translate(russian) == CODE


def test_a_code_typed_by_hand_may_have_spaces() -> None:
    assert read_code(f" {CODE[:5]} {CODE[5:10]} {CODE[10:]}\r\n") == CODE


@pytest.mark.parametrize(
    "scanned",
    [
        "",
        "1234",
        CODE[:-1],
        CODE + "0",
        CODE[1:] + CODE[0],
        CODE[:4] + CODE[5] + CODE[4] + CODE[6:],
        "й" * 20,
        "٣" * 20,
    ],
)
def test_what_was_read_in_part_is_no_badge(scanned: str) -> None:
    with pytest.raises(BadgeUnreadable):
        read_code(scanned)


def test_one_wrong_digit_is_noticed_wherever_it_is() -> None:
    for place in range(CODE_DIGITS):
        wrong = str((int(CODE[place]) + 1) % 10)
        assert not is_code(CODE[:place] + wrong + CODE[place + 1 :])


def tried(times: int, pin: Pin = NEW) -> Pin:
    for _ in range(times):
        pin = pin.tried(now=NOW, tries_max=5)
    return pin


def test_the_fifth_wrong_pin_locks() -> None:
    assert tried(4).locked_at is None
    assert tried(5).locked_at == NOW
    with pytest.raises(BadgeLocked):
        tried(6)


def test_the_right_one_and_an_administrator_forgive() -> None:
    assert tried(5).forgiven() == Pin(ID)
    assert tried(4, tried(4).forgiven()).locked_at is None


def test_choosing_a_pin_does_not_unlock() -> None:
    assert tried(5).chosen("a hash").locked_at == NOW


def test_a_one_time_code_ends_the_pin_and_the_lock_and_holds_for_a_time() -> None:
    pin = tried(5, Pin(ID, pin_hash="old")).given_one_time_code("new", now=NOW, terms=TERMS)
    assert (pin.pin_hash, pin.tries, pin.locked_at) == (None, 0, None)
    assert pin.one_time_hash_at(NOW + timedelta(hours=23)) == "new"
    assert pin.one_time_hash_at(NOW + timedelta(hours=24)) is None
    assert pin.chosen("mine").one_time_hash_at(NOW) is None


@pytest.mark.parametrize(
    ("roles", "by_badge"),
    [
        ({Role.OPERATOR}, {Role.OPERATOR}),
        ({Role.OPERATOR, Role.ADMINISTRATOR, Role.SELLER}, {Role.OPERATOR}),
        ({Role.ADMINISTRATOR}, set()),
        (set(), set()),
    ],
)
def test_a_badge_opens_an_operators_work_and_nothing_else(roles: set[Role], by_badge: set[Role]) -> None:
    user = User(ID, "oleg@example.com", "Oleg", None, Language.RUSSIAN, "", frozenset(roles), NOW)
    assert roles_at(user) == by_badge


def test_a_session_knows_whether_it_is_by_badge() -> None:
    assert not Session(ID, ID, NOW, NOW).is_by_badge
    assert Session(ID, ID, NOW, NOW, badge_id=ID, workstation_id=ID).is_by_badge


def test_the_release_before_does_not_find_the_token_of_a_session_by_badge() -> None:
    secret = f"{BY_BADGE}0123456789"
    assert digest_of(secret) != hashlib.sha256(secret.encode()).digest()
    assert digest_of("0123456789") == hashlib.sha256(b"0123456789").digest()


def test_a_workstation_is_seen_once_a_minute() -> None:
    bench = Workstation(ID, "Bench 3", b"", NOW, "Anna", last_seen_at=NOW)
    assert not bench.is_news(NOW + SEEN_EVERY / 2)
    assert bench.is_news(NOW + SEEN_EVERY)


def test_a_session_by_badge_is_short() -> None:
    assert TERMS.session.refresh_idle == timedelta(minutes=10)
    assert TERMS.session.session_lifetime == timedelta(hours=12)
    assert (TERMS.tries_max, TERMS.workstation.free_failures) == (5, 10)
