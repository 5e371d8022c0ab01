"""What moved through the workshop on a day is read as one range of an index, however long the past is."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index; the release before this one does not notice."""
    with op.get_context().autocommit_block():
        # One that broke off half-way is there and of no use: the next try begins anew.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS work_order_history_at")
        op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS work_order_history_at ON work_order_history (at)")


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
