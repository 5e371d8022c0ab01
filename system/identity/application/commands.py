"""What identity can be told to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from system.identity.domain.user import Language, Role


@dataclass(frozen=True, slots=True)
class Register:
    """A customer makes an account for themselves."""

    email: str
    password: str = field(repr=False)
    name: str
    phone: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class OpenGuest:
    """Somebody without an account puts something into the cart, and needs a session to keep it."""

    language: Language


@dataclass(frozen=True, slots=True)
class UpgradeGuest:
    """A guest makes an account of the visit. Whatever is theirs stays theirs."""

    user_id: UUID
    email: str
    password: str = field(repr=False)
    name: str
    phone: str | None
    language: Language


@dataclass(frozen=True, slots=True)
class AddUser:
    """An administrator makes an account for somebody."""

    email: str
    password: str = field(repr=False)
    name: str
    roles: frozenset[Role]
    by: str
    phone: str | None = None
    language: Language = Language.RUSSIAN


@dataclass(frozen=True, slots=True)
class GiveRoles:
    """An administrator says which roles a user has from now on."""

    user_id: UUID
    roles: frozenset[Role]
    by: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody proves who they are with a password."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefreshSession:
    """A signed-in user exchanges a refresh token for the next one and a fresh access token.

    A session by badge goes on at its own workstation only, which the device's secret shows.
    """

    refresh_secret: str = field(repr=False)
    device_secret: str | None = field(repr=False, default=None)
    resumes: bool = False
    """Whether a page leads here by itself: then two tabs may come at one moment with one token."""


@dataclass(frozen=True, slots=True)
class SignOut:
    """A user ends a session, known by its id, by its refresh token, or by both."""

    session_id: UUID | None
    refresh_secret: str | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class SignOutEverywhere:
    """A user ends all sessions of theirs, on whatever device."""

    user_id: UUID


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """A user who knows the present password sets another one. `session_id` is the session that goes on."""

    email: str
    present: str = field(repr=False)
    password: str = field(repr=False)
    session_id: UUID | None


@dataclass(frozen=True, slots=True)
class AskForReset:
    """Somebody has forgotten the password of the account with this e-mail, or says so."""

    email: str


@dataclass(frozen=True, slots=True)
class ResetPassword:
    """Whoever holds the link of a letter sets another password."""

    secret: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SeedStaff:
    """The demo staff has to exist and to sign in with this password."""

    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RegisterWorkstation:
    """An administrator makes the browser before them a workstation. `device_secret` is what it holds already, if anything."""

    name: str
    by: str
    device_secret: str | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class RevokeWorkstation:
    """An administrator takes a workstation away: badges open nothing there any more."""

    workstation_id: UUID
    by: str


@dataclass(frozen=True, slots=True)
class IssueBadge:
    """An administrator gives an operator a badge. `replaces` is the one that they have so far, and that ends."""

    user_id: UUID
    replaces: UUID | None
    by: str


@dataclass(frozen=True, slots=True)
class RevokeBadge:
    """An administrator ends the badge that somebody has: it was lost, or its owner leaves."""

    user_id: UUID
    by: str


@dataclass(frozen=True, slots=True)
class GiveOneTimeCode:
    """An administrator lets somebody with a badge choose a PIN anew."""

    user_id: UUID
    by: str


@dataclass(frozen=True, slots=True)
class UnlockBadge:
    """An administrator forgives the wrong PINs of somebody whom they know."""

    user_id: UUID
    by: str


@dataclass(frozen=True, slots=True)
class ChoosePin:
    """An operator who signed in with a password chooses a PIN."""

    user_id: UUID
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignInByBadge:
    """An operator at a workstation proves who they are with a badge and a PIN.

    With `one_time_code`, the PIN is the one that they choose now. `ends` is the session that the browser held so far:
    the person changes.
    """

    code: str = field(repr=False)
    pin: str = field(repr=False)
    device_secret: str | None = field(repr=False)
    one_time_code: str | None = field(repr=False, default=None)
    ends: UUID | None = None
