"""Customers and sellers write to each other; orders are found by phone, by the number on a parcel and by words.

The indexes are made while orders come in.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LETTERS = """
CREATE TABLE letter (
    letter_id uuid PRIMARY KEY,
    order_id  uuid NOT NULL,
    side      varchar(10) NOT NULL CONSTRAINT letter_side_known CHECK (side IN ('seller', 'customer')),
    author    text NOT NULL,
    text      text NOT NULL,
    at        timestamptz NOT NULL
);
CREATE INDEX letter_order ON letter (order_id, at);
ALTER TABLE sales_order ADD COLUMN waits_for_customer_since timestamptz;
"""

INDEXES = {
    "sales_order_phone": "sales_order (right(regexp_replace(customer ->> 'phone', '[^0-9]', '', 'g'), 10))",
    "sales_order_words": """sales_order USING gin ((
    to_tsvector('russian', coalesce(customer ->> 'name', '') || ' ' || coalesce(delivery ->> 'recipient', '') || ' ' ||
        coalesce(delivery ->> 'city', '') || ' ' || coalesce(partner_reference, ''))
    || to_tsvector('russian', jsonb_path_query_array(coalesce(lines, '[]'), '$[*].title'))
))""",
    "shipment_tracking": "shipment (tracking_key)",
}


def upgrade() -> None:
    """Adds only; the release before this one does not notice."""
    op.execute(LETTERS)
    with op.get_context().autocommit_block():
        for name, of in INDEXES.items():
            # One that broke off half-way is there and of no use: the next try begins anew.
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {of}")


def downgrade() -> None:
    """Letters are never lost: restore a backup."""
    raise NotImplementedError("what customers wrote is not dropped")
