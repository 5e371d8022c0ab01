"""Customers return things and complain; sellers see to it.

All tables are new; the release before this one does not notice, and takes such a letter for a letter.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CASES = """
CREATE TABLE care_case (
    case_id    uuid PRIMARY KEY,
    order_id   uuid NOT NULL,
    kind       varchar(12) NOT NULL,
    reason     varchar(20) NOT NULL,
    line_ids   jsonb NOT NULL,
    state      varchar(12) NOT NULL,
    opened_at  timestamptz NOT NULL,
    due_at     timestamptz,
    version    integer NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT care_case_due_while_open CHECK ((state = 'open') = (due_at IS NOT NULL))
);
CREATE INDEX care_case_order ON care_case (order_id, opened_at);
CREATE INDEX care_case_open ON care_case (due_at, case_id) WHERE state = 'open';
CREATE INDEX care_case_state ON care_case (state, changed_at DESC, case_id DESC);
CREATE INDEX care_case_changed ON care_case (changed_at);

CREATE TABLE case_step (
    case_id   uuid NOT NULL,
    number    integer NOT NULL,
    state     varchar(12) NOT NULL,
    by_seller boolean NOT NULL,
    by_name   text NOT NULL,
    text      text NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (case_id, number)
);
"""


def upgrade() -> None:
    """Adds only."""
    op.execute(CASES)


def downgrade() -> None:
    """What customers asked is never lost: restore a backup."""
    raise NotImplementedError("returns and complaints are not dropped")
