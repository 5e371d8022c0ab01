"""What a piece gets besides its metal goes through the order's line to whoever makes it."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

COLUMN = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE order_line ADD COLUMN IF NOT EXISTS extras jsonb;
"""


def upgrade() -> None:
    """Adds a column; the release before this one does not notice, and what it takes in has no extras."""
    op.execute(COLUMN)


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
