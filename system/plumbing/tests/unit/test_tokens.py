"""Tokens of sessions that end when nobody is there."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from uuid import UUID

import pytest

from system.plumbing.tests.unit.test_web import authority
from system.plumbing.tokens import ACCESS_TOKEN_LIFETIME, Principal

OLEG = Principal(UUID(int=7), frozenset({"operator"}), "Oleg", "oleg@example.com", session_id="s-1")


def claims(token: str) -> dict[str, object]:
    body = token.split(".")[1]
    said: dict[str, object] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return said


@pytest.mark.parametrize(("idle_s", "lifetime_s"), [(None, 900), (600, 600), (1200, 900)])
def test_a_token_lives_no_longer_than_its_session_may_idle(idle_s: int | None, lifetime_s: int) -> None:
    assert ACCESS_TOKEN_LIFETIME.total_seconds() == 900
    who = replace(OLEG, idle_s=idle_s)
    identity = authority("identity")

    token = identity.issue_for_user(who)

    said = claims(token)
    assert int(str(said["exp"])) - int(str(said["iat"])) == lifetime_s
    assert said.get("idle") == idle_s and ("idle" in said) == (idle_s is not None)
    assert identity.verify(token) == who


@pytest.mark.parametrize(
    ("email", "is_guest"),
    [
        ("guest-1@guest.invalid", True),
        ("anna@example.com", False),
        ("guest.invalid@example.com", False),
        ("", False),
    ],
)
def test_a_guest_is_known_at_every_service(email: str, is_guest: bool) -> None:
    who = replace(OLEG, email=email)
    orchestrator, shop = authority("orchestrator"), authority("shop")
    assert shop.verify(authority("identity").issue_for_user(who)).is_guest is is_guest
    assert shop.verify(orchestrator.issue_for_service(to="shop", acting_for=who)).is_guest is is_guest
