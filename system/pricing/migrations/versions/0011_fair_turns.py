"""Whose calculation is next, by what each asker was served; and what held a calculation up, for support.

Adds columns and tables only. The release before this one takes jobs in the order of their numbers and notes nothing:
what it asks for has no place, and is told apart by that.
"""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TURNS = """
ALTER TABLE calculation ADD COLUMN triangles bigint, ADD COLUMN place bigint, ADD COLUMN clock bigint;

CREATE TABLE fair_clock (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    clock     bigint NOT NULL,
    advance   bigint NOT NULL
);
INSERT INTO fair_clock (clock, advance) VALUES (0, 0);

-- Only askers who are ahead of the clock, or wait: whoever it has caught up with needs no row.
CREATE TABLE fair_share (
    asker      uuid PRIMARY KEY,
    served_to  bigint NOT NULL
);

CREATE TABLE calculation_setback (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    quote_id  uuid NOT NULL,
    at        timestamptz NOT NULL,
    code      varchar(40) NOT NULL,
    attempt   integer NOT NULL,
    details   jsonb NOT NULL
);
CREATE INDEX calculation_setback_by_quote ON calculation_setback (quote_id);
"""


def upgrade() -> None:
    """Adds tables and nullable columns; the release before this one does not notice."""
    op.execute(TURNS)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
