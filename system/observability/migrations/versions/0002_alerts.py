"""Alerts, as Alertmanager told of them."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

STATEMENTS = (
    # An alert that fires again is another one: it began at another moment.
    """
CREATE TABLE alert (
    alert_id      uuid PRIMARY KEY,
    fingerprint   varchar(32) NOT NULL,
    name          varchar(100) NOT NULL,
    severity      varchar(20) NOT NULL,
    labels        jsonb NOT NULL,
    annotations   jsonb NOT NULL,
    started_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    told_at       timestamptz NOT NULL,
    last_told_at  timestamptz NOT NULL,
    end_told_at   timestamptz,
    taken_by_id   uuid,
    taken_by      text,
    taken_at      timestamptz,
    CONSTRAINT alert_once UNIQUE (fingerprint, started_at),
    CONSTRAINT alert_ends_after_it_began CHECK (ended_at >= started_at),
    CONSTRAINT alert_taken_by_somebody CHECK ((taken_at IS NULL) = (taken_by_id IS NULL))
)
""",
    "CREATE INDEX alert_open ON alert (started_at) WHERE ended_at IS NULL",
    "CREATE INDEX alert_past ON alert (started_at DESC, alert_id DESC)",
    "CREATE INDEX alert_named ON alert (name, started_at DESC, alert_id DESC)",
)


def upgrade() -> None:
    """Creates the table."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
