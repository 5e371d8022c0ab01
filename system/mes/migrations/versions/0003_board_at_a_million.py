"""Indexes with which every filter of the board reads what it shows, however much was finished before."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UNFINISHED = "WHERE state IN ('RELEASED', 'CLAIMED', 'COMPLETED', 'PACKING')"
INDEXES = {
    # State, then the order of the board; what a filter leaves out is passed over in the index, by the columns behind them.
    "work_order_unfinished": (
        f"(state, approved_at DESC, id DESC, promise_at, released_at, material, channel) {UNFINISHED}"
    ),
    # By bytes, whatever the database's collation: the numbers that begin alike are a range.
    "work_order_unfinished_number": f'(order_number COLLATE "C") {UNFINISHED}',
}
# The first does their work too, for this release and for the one before it, and every index costs every claim a write.
REPLACED = ("work_order_board", "work_order_in_work")


def upgrade() -> None:
    """Builds the new beside the work that goes on, and then drops what they replace."""
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            # Whoever is killed here leaves an invalid index, which nothing reads and everything writes.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON work_order {definition}")
        for name in REPLACED:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
