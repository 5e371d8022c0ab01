"""Nothing: it keeps the place of a revision that comes from elsewhere."""

from __future__ import annotations

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Does nothing."""


def downgrade() -> None:
    """Does nothing."""
