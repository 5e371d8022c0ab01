"""The sellers' read model with their decisions, and what carriers say."""

from __future__ import annotations

from alembic import op

from system.plumbing.schema import create_plumbing_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SALES_ORDER = """
CREATE TABLE sales_order (
    order_id     uuid PRIMARY KEY,
    number       varchar(40) NOT NULL,
    opened_at    timestamptz NOT NULL,
    -- What the orchestrator says; version 0: it was not heard yet.
    version      integer NOT NULL,
    status       varchar(40) NOT NULL,
    status_since timestamptz NOT NULL,
    promise_at   timestamptz,
    budget_until timestamptz,
    due_at       timestamptz,
    allowed      varchar(40)[] NOT NULL DEFAULT '{}',
    reason       text,
    cancellation_requested boolean NOT NULL DEFAULT false,
    total        numeric(14, 2),
    total_currency varchar(3),
    priced_lines jsonb NOT NULL DEFAULT '[]',
    consent      jsonb,
    shipments    jsonb NOT NULL DEFAULT '[]',
    history      jsonb NOT NULL DEFAULT '[]',
    heard_at     timestamptz NOT NULL,
    -- What the shop says; null: it was not heard yet.
    channel      text,
    customer     jsonb,
    customer_email text,
    delivery     jsonb,
    lines        jsonb,
    agreed_total numeric(14, 2),
    agreed_currency varchar(3),
    partner_reference text,
    submitted_at timestamptz,
    -- What a seller decided, once.
    decision     varchar(12) CONSTRAINT sales_order_decision_known CHECK (decision IN ('approved', 'rejected')),
    decided_by   uuid,
    decided_by_name text,
    decided_at   timestamptz,
    decision_reason text,
    CONSTRAINT sales_order_decision_whole
        CHECK ((decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL))
);
CREATE INDEX sales_order_approvals ON sales_order (due_at, order_id)
    WHERE status = 'PRICE_CALCULATED' AND decision IS NULL AND submitted_at IS NOT NULL;
CREATE INDEX sales_order_number ON sales_order (upper(number));
CREATE INDEX sales_order_email ON sales_order (lower(customer_email));
CREATE INDEX sales_order_reference ON sales_order (lower(partner_reference));
CREATE INDEX sales_order_newest ON sales_order (opened_at DESC, order_id DESC);
CREATE INDEX sales_order_status ON sales_order (status, opened_at DESC, order_id DESC);
CREATE INDEX sales_order_heard ON sales_order (heard_at);
"""

PARCELS = """
CREATE TABLE shipment (
    carrier_key     text NOT NULL,
    tracking_key    text NOT NULL,
    work_order_id   uuid NOT NULL,
    order_id        uuid NOT NULL,
    carrier         text NOT NULL,
    tracking_number text NOT NULL,
    PRIMARY KEY (carrier_key, tracking_key, work_order_id)
);
CREATE INDEX shipment_order ON shipment (order_id);

CREATE TABLE carrier_event (
    webhook_id      varchar(200) PRIMARY KEY,
    carrier_key     text NOT NULL,
    tracking_key    text NOT NULL,
    carrier         text NOT NULL,
    tracking_number text NOT NULL,
    event           text NOT NULL,
    occurred_at     timestamptz NOT NULL,
    received_at     timestamptz NOT NULL,
    body            jsonb NOT NULL
);
CREATE INDEX carrier_event_parcel ON carrier_event (carrier_key, tracking_key);
CREATE INDEX carrier_event_delivered ON carrier_event (received_at) WHERE event = 'delivered';

CREATE TABLE delivery (
    order_id     uuid NOT NULL,
    carrier_key  text NOT NULL,
    tracking_key text NOT NULL,
    webhook_id   varchar(200) NOT NULL,
    reported_at  timestamptz NOT NULL,
    -- A parcel is reported to its order once, however often its carrier says so.
    PRIMARY KEY (order_id, carrier_key, tracking_key)
);
"""


def upgrade() -> None:
    """Creates everything."""
    create_plumbing_tables(op.get_bind())
    for statements in (SALES_ORDER, PARCELS):
        op.execute(statements)


def downgrade() -> None:
    """There is no way back from the first version; restore a backup."""
    raise NotImplementedError("the first version has no predecessor")
