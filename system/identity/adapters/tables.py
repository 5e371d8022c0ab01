"""Identity's tables."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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

LIVE_BY_BADGE = "revoked_at IS NULL AND workstation_id IS NOT NULL"

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
    Column("badge_id", Uuid),
    Column("workstation_id", Uuid),
    CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="session_revocation_whole"),
    Index("session_live", "user_id", postgresql_where=text("revoked_at IS NULL")),
    Index("session_expiry", "expires_at"),
    Index("session_live_by_badge", "badge_id", postgresql_where=text(LIVE_BY_BADGE)),
    Index("session_live_at_workstation", "workstation_id", postgresql_where=text(LIVE_BY_BADGE)),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("session_id", Uuid, ForeignKey("session.session_id", ondelete="CASCADE"), nullable=False),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("spent_at", DateTime(timezone=True)),
    Column("resumed", Boolean, nullable=False, server_default="false"),
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

workstation = Table(
    "workstation",
    metadata,
    Column("workstation_id", Uuid, primary_key=True),
    Column("name", String(60), nullable=False),
    Column("secret_digest", LargeBinary(32), nullable=False, unique=True),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("registered_by", String(200), nullable=False),
    Column("last_seen_at", DateTime(timezone=True), nullable=False),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_by", String(200)),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="workstation_revocation_whole"),
    Index("workstation_name", text("lower(name)"), unique=True, postgresql_where=text("revoked_at IS NULL")),
)

badge = Table(
    "badge",
    metadata,
    Column("badge_id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("code_digest", LargeBinary(32), nullable=False, unique=True),
    Column("issued_at", DateTime(timezone=True), nullable=False),
    Column("issued_by", String(200), nullable=False),
    Column("last_used_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    Column("revoked_by", String(200)),
    CheckConstraint("(revoked_at IS NULL) = (revoked_by IS NULL)", name="badge_revocation_whole"),
    Index("badge_of_person", "user_id", unique=True, postgresql_where=text("revoked_at IS NULL")),
)

password_reset = Table(
    "password_reset",
    metadata,
    Column("reset_id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("over_at", DateTime(timezone=True)),
    Index("password_reset_open", "user_id", postgresql_where=text("over_at IS NULL")),
    Index("password_reset_expiry", "expires_at"),
)

pin = Table(
    "pin",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("pin_hash", String(400)),
    Column("one_time_hash", String(400)),
    Column("one_time_until", DateTime(timezone=True)),
    Column("tries", Integer, nullable=False),
    Column("locked_at", DateTime(timezone=True)),
    CheckConstraint("(one_time_hash IS NULL) = (one_time_until IS NULL)", name="pin_one_time_code_whole"),
)

erasure = Table(
    "erasure",
    metadata,
    Column("user_id", Uuid, primary_key=True),
    Column("requested_at", DateTime(timezone=True), nullable=False),
    Column("order_ids", ARRAY(Uuid), nullable=False),
    Column("model_ids", ARRAY(Uuid), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)

erasure_step = Table(
    "erasure_step",
    metadata,
    Column("user_id", Uuid, ForeignKey("erasure.user_id", ondelete="CASCADE"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("service", String(20), primary_key=True),
    Column("next_attempt_at", DateTime(timezone=True), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("told", String(500)),
    CheckConstraint("round IN (1, 2)", name="erasure_step_round_known"),
    Index("erasure_step_due", "next_attempt_at", postgresql_where=text("done_at IS NULL")),
)
