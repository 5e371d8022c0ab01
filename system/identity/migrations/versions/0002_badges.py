"""Workstations, badges and PINs, and the sessions that they open.

A badge's session is a row of `session` as any other, so that the release before this one ends it with the others when roles
change. That release cannot continue it: it would give it all of the person's roles (see `handlers.digest_of`).
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE workstation (
    workstation_id uuid PRIMARY KEY,
    name           varchar(60) NOT NULL,
    secret_digest  bytea NOT NULL UNIQUE,
    registered_at  timestamptz NOT NULL,
    registered_by  varchar(200) NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    revoked_at     timestamptz,
    revoked_by     varchar(200),
    CONSTRAINT workstation_revocation_whole CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX workstation_name ON workstation (lower(name)) WHERE revoked_at IS NULL;
CREATE TABLE badge (
    badge_id     uuid PRIMARY KEY,
    user_id      uuid NOT NULL,
    code_digest  bytea NOT NULL UNIQUE,
    issued_at    timestamptz NOT NULL,
    issued_by    varchar(200) NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    revoked_by   varchar(200),
    CONSTRAINT badge_revocation_whole CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE UNIQUE INDEX badge_of_person ON badge (user_id) WHERE revoked_at IS NULL;
CREATE TABLE pin (
    user_id        uuid PRIMARY KEY,
    pin_hash       varchar(400),
    one_time_hash  varchar(400),
    one_time_until timestamptz,
    tries          integer NOT NULL,
    locked_at      timestamptz,
    CONSTRAINT pin_one_time_code_whole CHECK ((one_time_hash IS NULL) = (one_time_until IS NULL))
);
"""
SESSIONS = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE session ADD COLUMN badge_id uuid, ADD COLUMN workstation_id uuid;
"""
INDEXES = {
    "session_live_by_badge": "session (badge_id) WHERE revoked_at IS NULL AND workstation_id IS NOT NULL",
    "session_live_at_workstation": "session (workstation_id) WHERE revoked_at IS NULL AND workstation_id IS NOT NULL",
}


def upgrade() -> None:
    """Adds only; the release before this one does not notice."""
    op.execute(TABLES)
    op.execute(SESSIONS)
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            # One that broke off half-way is there and of no use: the next try begins anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
