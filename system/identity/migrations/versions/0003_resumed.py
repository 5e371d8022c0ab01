"""A refresh token knows whether a page that led through identity by itself has spent it.

The release before this one writes and reads nothing of it: to it every token that comes twice is stolen.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds only; with a constant default no row is written."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE refresh_token ADD COLUMN resumed boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    """Nothing goes back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
