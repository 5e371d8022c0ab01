"""Links for forgotten passwords, letters by e-mail, and the queue that sends them.

All of it is new beside what there was; the release before this one knows none of it and loses nothing.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.mail.schema import create_mail_tables

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE password_reset (
    reset_id    uuid PRIMARY KEY,
    user_id     uuid NOT NULL,
    digest      bytea NOT NULL UNIQUE,
    asked_at    timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    over_at     timestamptz
);
CREATE INDEX password_reset_open ON password_reset (user_id) WHERE over_at IS NULL;
CREATE INDEX password_reset_expiry ON password_reset (expires_at);
"""


def upgrade() -> None:
    create_mail_tables(op.get_bind())
    op.execute(TABLES)


def downgrade() -> None:
    raise NotImplementedError("letters that were sent are not unsent")
