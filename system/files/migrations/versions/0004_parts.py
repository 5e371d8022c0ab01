"""Uploads in parts: how large a part is, and the storage's name of the undertaking."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds two columns that are empty for an upload by a form; the release before this one does not notice."""
    op.add_column("upload", sa.Column("part_bytes", sa.Integer))
    op.add_column("upload", sa.Column("multipart_id", sa.String(200)))


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
