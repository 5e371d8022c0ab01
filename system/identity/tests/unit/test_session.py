"""Sessions end, and tokens never outlive them."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from system.identity.domain.session import SessionTerms, next_token, open_session

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TERMS = SessionTerms(session_lifetime=timedelta(days=30), refresh_idle=timedelta(days=7))
SESSION = open_session(session_id=uuid.uuid4(), user_id=uuid.uuid4(), now=NOW, terms=TERMS)


def test_session_lives_until_its_end() -> None:
    assert SESSION.is_live(NOW + timedelta(days=30, seconds=-1))
    assert not SESSION.is_live(NOW + timedelta(days=30))


def test_revoked_session_is_dead() -> None:
    assert not replace(SESSION, revoked_at=NOW).is_live(NOW)


def test_token_ends_when_idle_too_long() -> None:
    token = next_token(SESSION, digest=b"d", now=NOW, terms=TERMS)
    assert token.is_due(NOW + timedelta(days=7, seconds=-1))
    assert not token.is_due(NOW + timedelta(days=7))


def test_token_never_outlives_its_session() -> None:
    token = next_token(SESSION, digest=b"d", now=NOW + timedelta(days=28), terms=TERMS)
    assert token.expires_at == SESSION.expires_at


def test_spent_token_is_not_due() -> None:
    token = next_token(SESSION, digest=b"d", now=NOW, terms=TERMS)
    assert not replace(token, spent_at=NOW).is_due(NOW)
