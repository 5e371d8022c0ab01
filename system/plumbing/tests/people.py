"""Whoever calls a service, for the integration tests."""

from __future__ import annotations

from uuid import UUID

from system.conftest import Infrastructure
from system.kernel.ids import new_id
from system.plumbing.tokens import Principal, TokenAuthority


class People:
    """Signs people in, and the orchestrator, to the service that is `asked`."""

    def __init__(self, infrastructure: Infrastructure, *, asked: str) -> None:
        self._asked = asked
        self._identity = TokenAuthority(infrastructure.settings_of("identity"))
        self._settings_of = infrastructure.settings_of

    def headers(self, name: str, *roles: str, user_id: UUID | None = None) -> dict[str, str]:
        who = Principal(user_id or new_id(), frozenset(roles), name, f"{name.lower()}@alexandrite.example")
        return {"authorization": f"Bearer {self._identity.issue_for_user(who)}"}

    def orchestrator(self) -> dict[str, str]:
        return self.service("orchestrator")

    def service(self, name: str) -> dict[str, str]:
        calling = TokenAuthority(self._settings_of(name))
        return {"authorization": f"Bearer {calling.issue_for_service(to=self._asked, acting_for=None)}"}
