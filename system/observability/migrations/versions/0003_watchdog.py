"""The watch over alerts' way to us, letters by e-mail, and the queue that sends them.

All of it is new beside what there was; the release before this one knows none of it and loses nothing.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.jobs import create_job_trace
from system.plumbing.mail.schema import create_mail_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATEMENTS = (
    # One row, there from the beginning: whoever changes it locks it.
    """
CREATE TABLE watchdog (
    is_the_one    boolean PRIMARY KEY DEFAULT true CONSTRAINT watchdog_is_one CHECK (is_the_one),
    heard_at      timestamptz,
    silence_id    uuid,
    silent_since  timestamptz,
    CONSTRAINT watchdog_silence_whole CHECK ((silence_id IS NULL) = (silent_since IS NULL))
)
""",
    "INSERT INTO watchdog DEFAULT VALUES",
)


def upgrade() -> None:
    """Creates the tables and the one row."""
    create_mail_tables(op.get_bind())
    create_job_trace(op.get_bind())
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
