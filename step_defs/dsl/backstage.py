"""What outlives a scenario: where the system is, an administrator's session, and the tools that break things."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.broker import Broker
from step_defs.drivers.browser import Chromium
from step_defs.drivers.containers import Containers
from step_defs.drivers.http import Door
from step_defs.drivers.post import Post

ADMINISTRATOR = "anna.admin@alexandrite.example"
SESSION_S_MAX = 600.0
"""A session is opened anew well before its token ends."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in: the token, who they are, and since when (monotonic seconds)."""

    token: str
    user: dict[str, Any]
    since: float


class Backstage:
    """Shared by the scenarios of one process. Scenarios never see each other's people or orders through it."""

    def __init__(self, address: SystemAddress, *, in_browser: bool = False, draws_models: bool = False) -> None:
        self.address = address
        self.in_browser = in_browser
        self._draws_models = draws_models
        self._admin: Door | None = None
        self._admin_since = 0.0
        self._unnamed: dict[str, Session] = {}

    @property
    def admin(self) -> Door:
        """The seeded administrator, signed in."""
        if self._admin is None or time.monotonic() - self._admin_since > SESSION_S_MAX:
            self._admin = self._admin or Door(self.address)
            self._admin.sign_in(email=ADMINISTRATOR, password=self.address.demo_password)
            self._admin_since = time.monotonic()
        return self._admin

    def employ(self, *, name: str, email: str, password: str, roles: list[str]) -> dict[str, Any]:
        """A new member of staff, made by the administrator."""
        body = {"email": email, "name": name, "password": password, "roles": roles}
        created: dict[str, Any] = self.admin.post("/api/identity/v1/users", body).body
        return created

    def unnamed(self, role: str, name: str) -> Session:
        """A member of staff whom no scenario asks about: one per role and process, so that scenarios need not hire them."""
        known = self._unnamed.get(role)
        if known is None or time.monotonic() - known.since > SESSION_S_MAX:
            known = self._unnamed[role] = self.hire(role, name)
        return known

    def hire(self, role: str, name: str) -> Session:
        """A new member of staff whom no scenario asks about, signed in."""
        email = f"{name.lower()}.{role}+{uuid.uuid4().hex[:10]}@customers.example"
        password = f"only {name} knows {uuid.uuid4().hex}"
        self.employ(name=name, email=email, password=password, roles=[role])
        with Door(self.address) as door:
            user = door.sign_in(email=email, password=password)["user"]
            assert door.token is not None
            return Session(door.token, user, time.monotonic())

    @cached_property
    def browser(self) -> Chromium | None:
        """The browser through which people do what there are pages for; None where they do it by the APIs."""
        return Chromium(self.address, draws_models=self._draws_models) if self.in_browser else None

    @cached_property
    def broker(self) -> Broker:
        """The broker, reached past the gateway."""
        return Broker(self.address)

    @cached_property
    def post(self) -> Post:
        """The mail server that takes the system's letters."""
        return Post(self.address)

    @cached_property
    def containers(self) -> Containers:
        """The system's containers."""
        return Containers(self.address)

    def close(self) -> None:
        """Ends every connection."""
        if self._admin is not None:
            self._admin.close()
        for tool in ("browser", "broker", "post", "containers"):
            if self.__dict__.get(tool) is not None:
                self.__dict__[tool].close()
