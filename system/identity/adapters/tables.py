"""Identity's tables."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

metadata = MetaData()

APPEND_ONLY: tuple[str, ...] = ()
"""Of identity's own tables none; the audit log, which is plumbing's, is."""

user_account = Table(
    "user_account",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("email", String(254), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("phone", String(40)),
    Column("language", String(2), nullable=False),
    Column("password_hash", String(400), nullable=False),
    Column("roles", ARRAY(String(20)), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    CheckConstraint("email = lower(email)", name="user_account_email_normal"),
    CheckConstraint("language IN ('ru', 'en')", name="user_account_language_known"),
    CheckConstraint(
        "roles <@ ARRAY['customer', 'seller', 'operator', 'partner', 'administrator']::varchar[]",
        name="user_account_roles_known",
    ),
    Index("user_account_roles", "roles", postgresql_using="gin"),
    Index("user_account_age", "created_at", "user_id"),
)

session = Table(
    "session",
    metadata,
    Column("session_id", Uuid, primary_key=True),
    Column("user_id", Uuid, ForeignKey("user_account.user_id"), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_because", String(20)),
    CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="session_revocation_whole"),
    Index("session_live", "user_id", postgresql_where=text("revoked_at IS NULL")),
    Index("session_expiry", "expires_at"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("session_id", Uuid, ForeignKey("session.session_id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("spent_at", DateTime(timezone=True)),
    Index("refresh_token_session", "session_id"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("email_digest", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_failed_at", DateTime(timezone=True), nullable=False),
    Column("blocked_until", DateTime(timezone=True)),
    Index("sign_in_attempts_age", "last_failed_at"),
)
