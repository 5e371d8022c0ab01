"""When a quote last changed, for whoever waits for it; whose quotes there are; and how those of somebody who leaves are deleted.

A final quote is still never edited. It may be deleted, by whoever names its owner in `alexandrite.erased_person` for one transaction,
and only while no order uses it: orders keep the prices they were made with.
"""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A trigger and no column of the application's: a worker of the release before this one is seen too.
CHANGES = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE quote ADD COLUMN IF NOT EXISTS changed_at timestamptz;

CREATE OR REPLACE FUNCTION quote_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_at := clock_timestamp();
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER quote_changes BEFORE UPDATE ON quote FOR EACH ROW EXECUTE FUNCTION quote_changes();
"""

ERASURE = """
CREATE OR REPLACE FUNCTION quote_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.owner_id::text = current_setting('alexandrite.erased_person', true)
       AND OLD.replaces IS NULL AND NOT EXISTS (SELECT 1 FROM price_request_quote WHERE quote_id = OLD.quote_id) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'quote % is % and is not edited; make a new one', OLD.quote_id, OLD.status USING ERRCODE = '23514';
END $$;
"""

INDEXES = {
    # Quotes change for seconds and then never again, and ready-made ones do not change at all.
    "quote_changed": "quote (changed_at, quote_id) WHERE changed_at IS NOT NULL",
    "quote_of_owner": "quote (owner_id, created_at, quote_id)",
    # Without it each quote that is deleted would have all others asked whether they replace it.
    "quote_replaces": "quote (replaces) WHERE replaces IS NOT NULL",
}


def upgrade() -> None:
    """Adds only; the release before this one does not notice."""
    op.execute(CHANGES)
    op.execute(ERASURE)
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            # One that broke off half-way is there and of no use: the next try begins anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
