"""How large each model is whose price is calculated, and what that took: from this it is said how long others wait."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CALCULATION = """
CREATE TABLE calculation (
    quote_id     uuid PRIMARY KEY,
    file_bytes   bigint,
    asked_by     varchar(20) NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz
);
CREATE INDEX calculation_finished ON calculation (finished_at DESC) WHERE finished_at IS NOT NULL;
"""


def upgrade() -> None:
    """Adds a table; the release before this one does not know it, and its quotes have no row there."""
    op.execute(CALCULATION)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
