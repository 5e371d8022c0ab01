"""A person's models as a list, and landing places that outlive their upload: whoever holds a signed form can still write there.

Adds only; the release before this one does not notice. It empties no such place, which waits until this release is back.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table and an index."""
    op.create_table(
        "landing_left",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("empty_from", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("landing_left_due", "landing_left", ["empty_from"])
    with op.get_context().autocommit_block():
        # One that broke off half-way is there and of no use: the next try begins anew.
        for name, of in (
            ("upload_owner", "upload (owner_id, file_id)"),
            ("upload_content", "upload (sha256)"),
        ):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
