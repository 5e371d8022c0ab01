"""A user: who somebody is, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from system.identity.domain.errors import NotAGuest
from system.kernel.guests import GUEST_DOMAIN, is_guest_email

NO_PASSWORD = "!"  # noqa: S105 - the lack of one
"""Kept in place of a hash for whoever has no password: no hash looks like it, so that nothing fits, in any release."""


class Role(StrEnum):
    """What a user may do. Services ask for a role, never for a person."""

    CUSTOMER = "customer"
    SELLER = "seller"
    OPERATOR = "operator"
    PARTNER = "partner"
    ADMINISTRATOR = "administrator"


class Language(StrEnum):
    """The languages that pages and letters exist in."""

    RUSSIAN = "ru"
    ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can sign in, or a guest. `email` is normal (see `rules.normal_email`) and unique; no roles means no access."""

    user_id: UUID
    email: str
    name: str
    phone: str | None
    language: Language
    password_hash: str
    roles: frozenset[Role]
    created_at: datetime

    @property
    def is_guest(self) -> bool:
        """Whether this is a customer who has no account, only a session."""
        return is_guest_email(self.email)

    def registered(self, *, email: str, name: str, phone: str | None, language: Language, password_hash: str) -> User:
        """The guest with an account from now on, under the same id. Raises NotAGuest."""
        # Whoever left has no roles: nobody becomes them again.
        if not self.is_guest or not self.roles:
            raise NotAGuest()
        return replace(self, email=email, name=name, phone=phone, language=language, password_hash=password_hash)

    def left(self) -> User:
        """Nobody, under the same id: without name, e-mail, phone, password and roles. No release lets it in."""
        return replace(
            self,
            email=f"guest-{self.user_id}@{GUEST_DOMAIN}",
            name="",
            phone=None,
            password_hash=NO_PASSWORD,
            roles=frozenset(),
        )

    def given_roles(self, roles: frozenset[Role]) -> User:
        """The same user with exactly these roles."""
        return replace(self, roles=roles)

    def loses_administrator(self, roles: frozenset[Role]) -> bool:
        """Whether exactly these roles would take the administrator's role away."""
        return Role.ADMINISTRATOR in self.roles and Role.ADMINISTRATOR not in roles


def guest(*, user_id: UUID, language: Language, now: datetime) -> User:
    """A customer without name, e-mail and password, whom only their session lets in."""
    return User(
        user_id=user_id,
        email=f"guest-{user_id}@{GUEST_DOMAIN}",
        name="",
        phone=None,
        language=language,
        password_hash=NO_PASSWORD,
        roles=frozenset({Role.CUSTOMER}),
        created_at=now,
    )
