"""Work orders are found by their order's number without reading all there is."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds an index; the release before this one does not notice."""
    with op.get_context().autocommit_block():
        _index("work_order_number", "work_order (order_number)")


def _index(name: str, of: str) -> None:
    # One that broke off half-way is there and of no use: the next try begins anew.
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
