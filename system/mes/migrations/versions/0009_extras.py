"""What a piece gets besides its metal stands on its work order: stones, plating, an engraving's text."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None

COLUMN = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE work_order ADD COLUMN IF NOT EXISTS extras jsonb;
"""


def upgrade() -> None:
    """Adds a column; the release before this one does not notice."""
    op.execute(COLUMN)


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
