"""Orders are found by phone, by the number on a parcel and by words; the indexes are made while orders come in."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES = (
    """
CREATE INDEX CONCURRENTLY IF NOT EXISTS sales_order_phone
    ON sales_order (right(regexp_replace(customer ->> 'phone', '[^0-9]', '', 'g'), 10))
""",
    """
CREATE INDEX CONCURRENTLY IF NOT EXISTS sales_order_words ON sales_order USING gin ((
    to_tsvector('russian', coalesce(customer ->> 'name', '') || ' ' || coalesce(delivery ->> 'recipient', '') || ' ' ||
        coalesce(delivery ->> 'city', '') || ' ' || coalesce(partner_reference, ''))
    || to_tsvector('russian', jsonb_path_query_array(coalesce(lines, '[]'), '$[*].title'))
))
""",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS shipment_tracking ON shipment (tracking_key)",
)


def upgrade() -> None:
    """Adds indexes only; the release before this one does not notice."""
    with op.get_context().autocommit_block():
        for statement in INDEXES:
            op.execute(statement)


def downgrade() -> None:
    """Drops them; nothing but speed is lost."""
    with op.get_context().autocommit_block():
        for name in ("shipment_tracking", "sales_order_words", "sales_order_phone"):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
