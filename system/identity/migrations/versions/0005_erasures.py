"""People's ways out: which services have forgotten them. Ids and moments only; the account itself is emptied at the request.

Adds tables only. The release before this one does not notice; what it does not work off, the next one does.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE erasure (
    user_id      uuid PRIMARY KEY,
    requested_at timestamptz NOT NULL,
    order_ids    uuid[] NOT NULL,
    model_ids    uuid[] NOT NULL,
    finished_at  timestamptz
);
CREATE TABLE erasure_step (
    user_id         uuid NOT NULL REFERENCES erasure ON DELETE CASCADE,
    round           integer NOT NULL,
    service         varchar(20) NOT NULL,
    next_attempt_at timestamptz NOT NULL,
    attempts        integer NOT NULL,
    done_at         timestamptz,
    told            varchar(500),
    PRIMARY KEY (user_id, round, service),
    CONSTRAINT erasure_step_round_known CHECK (round IN (1, 2))
);
CREATE INDEX erasure_step_due ON erasure_step (next_attempt_at) WHERE done_at IS NULL;
"""


def upgrade() -> None:
    """Adds two tables."""
    op.execute(TABLES)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
