"""What people wrote can be taken out of the audit log when their data leaves; nothing else in it can be changed."""

from __future__ import annotations

from alembic import op

from system.plumbing.erasure import AUDIT_FORGETS

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a function; the release before this one does not notice."""
    op.execute(AUDIT_FORGETS)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
