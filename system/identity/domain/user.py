"""A user: who somebody is, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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
    """Somebody who can sign in. `email` is normal (see `rules.normal_email`) and unique; no roles means no access."""

    user_id: UUID
    email: str
    name: str
    phone: str | None
    language: Language
    password_hash: str
    roles: frozenset[Role]
    created_at: datetime

    def given_roles(self, roles: frozenset[Role]) -> User:
        """The same user with exactly these roles."""
        return replace(self, roles=roles)

    def loses_administrator(self, roles: frozenset[Role]) -> bool:
        """Whether exactly these roles would take the administrator's role away."""
        return Role.ADMINISTRATOR in self.roles and Role.ADMINISTRATOR not in roles
