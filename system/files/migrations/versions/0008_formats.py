"""Formats beside STL.

Adds a column only. `format` goes on saying STL of everything, for a release that knows nothing else stumbles over another word, and
it may come back; once none of those can, the next revision moves the words there.
"""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column, empty for all that is there: those are STL."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE upload ADD COLUMN IF NOT EXISTS recognised_as varchar(20)")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
