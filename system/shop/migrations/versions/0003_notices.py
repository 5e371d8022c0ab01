"""Letters by e-mail to customers, and the queue that sends them.

Both are new beside what there was; the release before this one writes no letters and notices nothing.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.mail.schema import create_mail_tables

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_mail_tables(op.get_bind())


def downgrade() -> None:
    raise NotImplementedError("letters that were sent are not unsent")
