"""Wishes to publish again what was published since a moment, and a small index of the outbox by time.

Adds a table and an index only. The release before this one does not notice; what it does not work off, the next one does.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.outbox_replays import REPLAY_TABLE

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table and an index. A new database has them already, with the other tables of plumbing."""
    op.execute(REPLAY_TABLE)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
