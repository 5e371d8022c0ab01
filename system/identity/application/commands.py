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
    """A signed-in user exchanges a refresh token for the next one and a fresh access token."""

    refresh_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignOut:
    """A user ends a session, known by its id, by its refresh token, or by both."""

    session_id: UUID | None
    refresh_secret: str | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class SeedStaff:
    """The demo staff has to exist and to sign in with this password."""

    password: str = field(repr=False)
