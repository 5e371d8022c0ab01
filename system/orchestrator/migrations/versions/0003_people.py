"""Names and words of a person can be taken out of the history and the notes of their orders, by one function and by nothing else.

What was written stays as it was: which status, when, on whose kind of word, in which order. The guard lets through only an update that
takes words out, and only from inside `forget_written`; the application's role may not update these tables at all.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.erasure import AUDIT_FORGETS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORDS_LEAVE = """
CREATE OR REPLACE FUNCTION written_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb;
    after jsonb;
BEGIN
    IF TG_LEVEL = 'ROW' AND TG_OP = 'UPDATE' AND current_setting('alexandrite.forgets', true) = 'on' THEN
        before := to_jsonb(OLD);
        after := to_jsonb(NEW);
        IF TG_TABLE_NAME = 'order_history' AND after - ARRAY['actor', 'reason'] = before - ARRAY['actor', 'reason']
           AND (after ->> 'actor' = 'customer' AND before ->> 'actor' LIKE 'customer %' OR after -> 'actor' = before -> 'actor')
           AND (after ->> 'reason' IS NULL OR after -> 'reason' = before -> 'reason') THEN
            RETURN NEW;
        END IF;
        IF TG_TABLE_NAME = 'order_note' AND after - ARRAY['title', 'details'] = before - ARRAY['title', 'details']
           AND after ->> 'title' = 'What was said here is deleted' AND after -> 'details' = '{}' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% is written once: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'check_violation', CONSTRAINT = 'append_only';
END $$
"""

FORGET_WRITTEN = """
CREATE FUNCTION forget_written(of_orders uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    changed bigint;
    total bigint := 0;
BEGIN
    PERFORM set_config('alexandrite.forgets', 'on', true);
    UPDATE order_history SET actor = 'customer', reason = NULL
        WHERE order_id = ANY (of_orders) AND actor LIKE 'customer %';
    GET DIAGNOSTICS changed = ROW_COUNT;
    total := total + changed;
    UPDATE order_history SET reason = NULL
        WHERE order_id = ANY (of_orders) AND actor LIKE 'seller %' AND reason IS NOT NULL;
    GET DIAGNOSTICS changed = ROW_COUNT;
    total := total + changed;
    UPDATE order_note SET title = 'What was said here is deleted', details = '{}'
        WHERE order_id = ANY (of_orders) AND kind IN ('cancellation_requested', 'cancellation_refused') AND details <> '{}';
    GET DIAGNOSTICS changed = ROW_COUNT;
    total := total + changed;
    PERFORM set_config('alexandrite.forgets', '', true);
    RETURN total;
END $$;
REVOKE EXECUTE ON FUNCTION forget_written(uuid[]) FROM PUBLIC;
"""

INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_of_customer ON orders (customer_id)"


def upgrade() -> None:
    """Adds two functions and an index, and a way through the guard that nobody takes without them."""
    op.execute(AUDIT_FORGETS)
    op.execute(WORDS_LEAVE)
    op.execute(FORGET_WRITTEN)
    with op.get_context().autocommit_block():
        # One that broke off half-way is there and of no use: the next try begins anew.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS orders_of_customer")
        op.execute(INDEX)
