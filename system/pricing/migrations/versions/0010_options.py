"""Engravings, reasons of differences, steps of calculations, and which quotes used a book.

An engraving's text is its person's own: it may be taken out of a final quote, by whoever names its owner in
`alexandrite.erased_person` for one transaction, and nothing else may. The newest book learns what engraving costs: nobody was ever
quoted one. No price of anything else changes. The release before this one does not notice.
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

ENGRAVING = {
    "setup": "300.00",
    "per_character": "40.00",
    "characters_max": "30",
    "height_mm_min": "1",
    "height_mm_max": "6",
    "alphabet": (
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        "АБВГДЕЁЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдеёжзийклмнопрстуфхцчшщъыьэюя"
        "0123456789.,:!?&+-–—'’\"«»()/♥"
    ),
}

COLUMNS = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE quote ADD COLUMN IF NOT EXISTS engraving jsonb, ADD COLUMN IF NOT EXISTS difference jsonb;
ALTER TABLE calculation
    ADD COLUMN IF NOT EXISTS stage varchar(20),
    ADD COLUMN IF NOT EXISTS stage_at timestamptz,
    ADD COLUMN IF NOT EXISTS triangle_count bigint;
"""

FINAL = """
CREATE OR REPLACE FUNCTION quote_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.owner_id::text = current_setting('alexandrite.erased_person', true) THEN
        IF TG_OP = 'DELETE' THEN
            IF OLD.replaces IS NULL AND NOT EXISTS (SELECT 1 FROM price_request_quote WHERE quote_id = OLD.quote_id) THEN
                RETURN OLD;
            END IF;
        ELSIF NEW.engraving = OLD.engraving - 'text'
              AND to_jsonb(NEW) - ARRAY['engraving', 'changed_at'] = to_jsonb(OLD) - ARRAY['engraving', 'changed_at'] THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'quote % is % and is not edited; make a new one', OLD.quote_id, OLD.status USING ERRCODE = '23514';
END $$;
"""

FILL = """
UPDATE price_book SET book = book || jsonb_build_object('engraving', CAST(:engraving AS jsonb))
WHERE version = (SELECT max(newest.version) FROM price_book newest) AND book ->> 'currency' = 'RUB'
  AND NOT jsonb_exists(book, 'engraving')
"""

INDEX = "CREATE INDEX CONCURRENTLY IF NOT EXISTS quote_price_book ON quote (price_book_version)"


def upgrade() -> None:
    """Adds only."""
    op.execute(COLUMNS)
    op.execute(FINAL)
    op.execute(sa.text(FILL).bindparams(engraving=json.dumps(ENGRAVING, ensure_ascii=False)))
    with op.get_context().autocommit_block():
        # One that broke off half-way is there and of no use: the next try begins anew.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS quote_price_book")
        op.execute(INDEX)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
