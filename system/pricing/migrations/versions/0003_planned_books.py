"""Why a book was made; books that are planned; and the quotes that a preview reads.

A planned book stands in a table of its own until its moment comes, and is appended to `price_book` then: the release before this one
takes the highest version there for the book in force, and stays right.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

PLANS = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE price_book ADD COLUMN reason text;

-- What will change, not the whole book: what is set until then stays as it is set.
CREATE TABLE price_book_plan (
    plan_id    uuid PRIMARY KEY,
    made_from  integer NOT NULL REFERENCES price_book,
    changes    jsonb NOT NULL,
    reason     text NOT NULL,
    made_by    text NOT NULL,
    actor_id   uuid NOT NULL,
    made_at    timestamptz NOT NULL,
    starts_at  timestamptz NOT NULL
);

-- A plan ends once: whoever writes its row first has decided, and the plan itself is never edited.
CREATE TABLE price_book_plan_end (
    plan_id   uuid PRIMARY KEY REFERENCES price_book_plan,
    outcome   varchar(12) NOT NULL CONSTRAINT price_book_plan_outcome_known
              CHECK (outcome IN ('started', 'withdrawn', 'impossible')),
    version   integer REFERENCES price_book,
    told      text,
    ended_by  text,
    ended_at  timestamptz NOT NULL,
    CONSTRAINT price_book_plan_started_as CHECK ((outcome = 'started') = (version IS NOT NULL))
);
"""

# Quotes are valid for a day, and most of them are over: what is open is a small part.
INDEXES = {"quote_valid": "quote (valid_until) WHERE status = 'READY'"}


def upgrade() -> None:
    """Adds only; the release before this one does not notice."""
    op.execute(PLANS)
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            # One that broke off half-way is there and of no use: the next try begins anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
