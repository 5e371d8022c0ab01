"""The rules of identity, each with one name."""

from __future__ import annotations

import re

from system.kernel.errors import Invalid
from system.kernel.guests import is_guest_email

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 200
"""A longer password only costs time to hash; a limit keeps that cost bounded."""

EMAIL_LENGTH_MAX = 254
NAME_LENGTH_MAX = 200
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


def acceptable_name(name: str) -> str:
    """The name, trimmed. Raises Invalid when nothing is left of it, when it is too long or holds control characters."""
    trimmed = name.strip()
    if not trimmed or len(trimmed) > NAME_LENGTH_MAX or _CONTROL_CHARACTER.search(trimmed):
        raise Invalid("name-invalid", f"Send a name of 1 to {NAME_LENGTH_MAX} characters.")
    return trimmed


def normal_email(email: str) -> str:
    """The one form an e-mail is kept and compared in: trimmed and lower-case. Raises Invalid when it cannot be somebody's."""
    normal = email.strip().lower()
    if len(normal) > EMAIL_LENGTH_MAX or not _EMAIL.fullmatch(normal):
        raise Invalid("email-invalid", "This is not an e-mail address: send one like name@example.com.")
    if is_guest_email(normal):
        raise Invalid("email-reserved", "Nobody can be written to at this address: send your own e-mail.")
    return normal


def acceptable_password(password: str) -> str:
    """The password itself. Raises Invalid when it is too short, too long, or one character repeated."""
    if len(password) < PASSWORD_LENGTH_MIN:
        raise Invalid("password-too-short", f"Choose a password of at least {PASSWORD_LENGTH_MIN} characters.")
    if len(password) > PASSWORD_LENGTH_MAX:
        raise Invalid("password-too-long", f"Choose a password of at most {PASSWORD_LENGTH_MAX} characters.")
    if len(set(password)) == 1:
        raise Invalid("password-too-simple", "Choose a password that is not one character repeated.")
    return password


def leaves_an_administrator(*, administrators: int, removed: bool) -> bool:
    """Whether somebody can still give roles after one of this many administrators is (or is not) removed."""
    return administrators > 1 or not removed
