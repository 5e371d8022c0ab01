"""Users, sessions, refresh tokens, wrong passwords."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from system.plumbing.schema import create_plumbing_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates identity's tables and those of plumbing."""
    create_plumbing_tables(op.get_bind())
    op.create_table(
        "user_account",
        sa.Column("user_id", sa.Uuid, primary_key=True),
        sa.Column("email", sa.String(254), nullable=False, unique=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(40)),
        sa.Column("language", sa.String(2), nullable=False),
        sa.Column("password_hash", sa.String(400), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.String(20)), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("email = lower(email)", name="user_account_email_normal"),
        sa.CheckConstraint("language IN ('ru', 'en')", name="user_account_language_known"),
        sa.CheckConstraint(
            "roles <@ ARRAY['customer', 'seller', 'operator', 'partner', 'administrator']::varchar[]",
            name="user_account_roles_known",
        ),
    )
    op.create_index("user_account_roles", "user_account", ["roles"], postgresql_using="gin")
    op.create_index("user_account_age", "user_account", ["created_at", "user_id"])
    op.create_table(
        "session",
        sa.Column("session_id", sa.Uuid, primary_key=True),
        sa.Column("user_id", sa.Uuid, sa.ForeignKey("user_account.user_id"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("revoked_because", sa.String(20)),
        sa.CheckConstraint("(revoked_at IS NULL) = (revoked_because IS NULL)", name="session_revocation_whole"),
    )
    op.create_index("session_live", "session", ["user_id"], postgresql_where=sa.text("revoked_at IS NULL"))
    op.create_index("session_expiry", "session", ["expires_at"])
    op.create_table(
        "refresh_token",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("session_id", sa.Uuid, sa.ForeignKey("session.session_id", ondelete="CASCADE"), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True)),
    )
    op.create_index("refresh_token_session", "refresh_token", ["session_id"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("email_digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True)),
    )
    op.create_index("sign_in_attempts_age", "sign_in_attempts", ["last_failed_at"])
