"""What a piece gets besides its metal stands in its line: stones, plating, an engraving's text."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMN = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE order_line ADD COLUMN IF NOT EXISTS extras jsonb;
"""


def upgrade() -> None:
    """Adds a column; the release before this one does not notice."""
    op.execute(COLUMN)


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
