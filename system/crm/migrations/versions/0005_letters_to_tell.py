"""Sellers' letters whose customer is yet to be told of them by e-mail.

New beside what there was; the release before this one tells nobody and leaves no row.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE letter_to_tell (
    letter_id  uuid PRIMARY KEY,
    order_id   uuid NOT NULL,
    since      timestamptz NOT NULL
);
CREATE INDEX letter_to_tell_since ON letter_to_tell (since);
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    raise NotImplementedError("letters that were told are not untold")
