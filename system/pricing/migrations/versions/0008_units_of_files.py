"""Whether whoever asked for a price named the unit of the model, or the file itself says it.

Adds a column with a default only. The release before this one does not notice: what it adds, it adds with a unit.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column. It is filled by its default, so that no row is written."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE quote ADD COLUMN IF NOT EXISTS unit_named boolean NOT NULL DEFAULT true")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
