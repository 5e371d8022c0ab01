"""Sellers keep notes and reminders, take orders that wait too long, and see a customer with all that belongs to them.

The indexes are made while orders come in. All columns are new and may be empty; the release before this one does not notice.
"""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE sales_order
    ADD COLUMN escalation varchar(20),
    ADD COLUMN escalated_at timestamptz,
    ADD COLUMN escalated_wait timestamptz,
    ADD COLUMN taken_by uuid,
    ADD COLUMN taken_by_name text,
    ADD COLUMN taken_at timestamptz;
"""

NOTES = """
CREATE TABLE note (
    note_id     uuid PRIMARY KEY,
    order_id    uuid,
    customer_id uuid,
    author_id   uuid NOT NULL,
    author_name text NOT NULL,
    text        text NOT NULL,
    at          timestamptz NOT NULL,
    corrects    uuid,
    CONSTRAINT note_about_one CHECK ((order_id IS NULL) <> (customer_id IS NULL))
);
CREATE INDEX note_order ON note (order_id, at) WHERE order_id IS NOT NULL;
CREATE INDEX note_customer ON note (customer_id, at) WHERE customer_id IS NOT NULL;
-- A note is corrected once; what is to be corrected further is the correction.
CREATE UNIQUE INDEX note_corrects ON note (corrects);
CREATE INDEX note_words ON note USING gin ((to_tsvector('russian', text)));
"""

REMINDERS = """
CREATE TABLE reminder (
    reminder_id  uuid PRIMARY KEY,
    order_id     uuid,
    customer_id  uuid,
    text         text NOT NULL,
    due_at       timestamptz NOT NULL,
    -- Null: for the administrators, made by the system.
    for_id       uuid,
    for_name     text,
    made_by      uuid,
    made_by_name text,
    made_at      timestamptz NOT NULL,
    version      integer NOT NULL,
    done_by      uuid,
    done_by_name text,
    done_at      timestamptz,
    changed_at   timestamptz NOT NULL,
    CONSTRAINT reminder_about_one CHECK ((order_id IS NULL) <> (customer_id IS NULL)),
    CONSTRAINT reminder_for_somebody CHECK (for_id IS NOT NULL OR made_by IS NULL)
);
CREATE INDEX reminder_open ON reminder (for_id, due_at, reminder_id) WHERE done_at IS NULL;
CREATE INDEX reminder_done ON reminder (for_id, done_at, reminder_id) WHERE done_at IS NOT NULL;
CREATE INDEX reminder_made ON reminder (made_by, due_at) WHERE done_at IS NULL;
CREATE INDEX reminder_order ON reminder (order_id) WHERE done_at IS NULL AND order_id IS NOT NULL;
CREATE INDEX reminder_customer ON reminder (customer_id) WHERE done_at IS NULL AND customer_id IS NOT NULL;
CREATE INDEX reminder_due ON reminder (due_at) WHERE done_at IS NULL;
CREATE INDEX reminder_changed ON reminder (changed_at);

CREATE TABLE colleague (
    id      uuid PRIMARY KEY,
    name    text NOT NULL,
    seen_at timestamptz NOT NULL
);
"""

INDEXES = {
    "sales_order_customer": "sales_order ((customer ->> 'id'), opened_at DESC, order_id DESC)",
    "sales_order_escalated": """sales_order (due_at, order_id)
    WHERE status = 'PRICE_CALCULATED' AND decision IS NULL AND submitted_at IS NOT NULL
    AND escalation = 'administrators' AND escalated_wait = status_since""",
}


def upgrade() -> None:
    """Adds only."""
    for statements in (COLUMNS, NOTES, REMINDERS):
        op.execute(statements)
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            # One that broke off half-way is there and of no use: the next try begins anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """Notes are never lost: restore a backup."""
    raise NotImplementedError("what sellers wrote is not dropped")
