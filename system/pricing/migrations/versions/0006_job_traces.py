"""Who asked for which job: the trace that a job goes on in. It leaves with its job."""

from __future__ import annotations

from alembic import op

from system.plumbing.jobs import create_job_trace

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a table; the release before this one does not notice."""
    create_job_trace(op.get_bind())


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
