"""The tables of CRM. `migrations/` creates them; a test holds the two together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()
APPEND_ONLY = ("carrier_event", "delivery", "letter", "note", "case_step")

# Repeated literally by the queries: a bound parameter would hide the partial index from a prepared plan.
AWAITS_APPROVAL = "status = 'PRICE_CALCULATED' AND decision IS NULL AND submitted_at IS NOT NULL"
FOR_ADMINISTRATORS = f"{AWAITS_APPROVAL} AND escalation = 'administrators' AND escalated_wait = status_since"

# As the indexes have them, word for word: an expression written differently finds no index.
PHONE = "right(regexp_replace(customer ->> 'phone', '[^0-9]', '', 'g'), 10)"
WORDS = (
    "to_tsvector('russian', coalesce(customer ->> 'name', '') || ' ' || coalesce(delivery ->> 'recipient', '') || ' ' ||"
    " coalesce(delivery ->> 'city', '') || ' ' || coalesce(partner_reference, '')) ||"
    " to_tsvector('russian', jsonb_path_query_array(coalesce(lines, '[]'), '$[*].title'))"
)
CUSTOMER = "customer ->> 'id'"
NOTE_WORDS = "to_tsvector('russian', text)"


def _moment(name: str, **more: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **more)


sales_order = Table(
    "sales_order",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", String(40), nullable=False),
    _moment("opened_at", nullable=False),
    # What the orchestrator says.
    Column("version", Integer, nullable=False),
    Column("status", String(40), nullable=False),
    _moment("status_since", nullable=False),
    _moment("promise_at"),
    _moment("budget_until"),
    _moment("due_at"),
    Column("allowed", ARRAY(String(40)), nullable=False, server_default="{}"),
    Column("reason", Text),
    Column("cancellation_requested", Boolean, nullable=False, server_default="false"),
    Column("total", Numeric(14, 2)),
    Column("total_currency", String(3)),
    Column("priced_lines", JSONB, nullable=False, server_default="[]"),
    Column("consent", JSONB(none_as_null=True)),
    Column("shipments", JSONB, nullable=False, server_default="[]"),
    Column("history", JSONB, nullable=False, server_default="[]"),
    _moment("heard_at", nullable=False),
    # What the shop says.
    Column("channel", Text),
    Column("customer", JSONB),
    Column("customer_email", Text),
    Column("delivery", JSONB),
    Column("lines", JSONB),
    Column("agreed_total", Numeric(14, 2)),
    Column("agreed_currency", String(3)),
    Column("partner_reference", Text),
    _moment("submitted_at"),
    # What a seller decided.
    Column("decision", String(12)),
    Column("decided_by", Uuid),
    Column("decided_by_name", Text),
    _moment("decided_at"),
    Column("decision_reason", Text),
    # Since when a seller's question to the customer has no answer.
    _moment("waits_for_customer_since"),
    # How far the wait that began at `escalated_wait` was escalated, and who looks after the order while it waits.
    Column("escalation", String(20)),
    _moment("escalated_at"),
    _moment("escalated_wait"),
    Column("taken_by", Uuid),
    Column("taken_by_name", Text),
    _moment("taken_at"),
    CheckConstraint("decision IN ('approved', 'rejected')", name="sales_order_decision_known"),
    CheckConstraint(
        "(decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)",
        name="sales_order_decision_whole",
    ),
    Index("sales_order_approvals", "due_at", "order_id", postgresql_where=text(AWAITS_APPROVAL)),
    Index("sales_order_number", text("upper(number)")),
    Index("sales_order_email", text("lower(customer_email)")),
    Index("sales_order_reference", text("lower(partner_reference)")),
    Index("sales_order_newest", text("opened_at DESC"), text("order_id DESC")),
    Index("sales_order_status", "status", text("opened_at DESC"), text("order_id DESC")),
    Index("sales_order_heard", "heard_at"),
    Index("sales_order_phone", text(PHONE)),
    Index("sales_order_words", text(f"({WORDS})"), postgresql_using="gin"),
    Index("sales_order_customer", text(f"({CUSTOMER})"), text("opened_at DESC"), text("order_id DESC")),
    Index("sales_order_escalated", "due_at", "order_id", postgresql_where=text(FOR_ADMINISTRATORS)),
)

shipment = Table(
    "shipment",
    metadata,
    Column("carrier_key", Text, nullable=False),
    Column("tracking_key", Text, nullable=False),
    Column("work_order_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    PrimaryKeyConstraint("carrier_key", "tracking_key", "work_order_id"),
    Index("shipment_order", "order_id"),
    Index("shipment_tracking", "tracking_key"),
)

carrier_event = Table(
    "carrier_event",
    metadata,
    Column("webhook_id", String(200), primary_key=True),
    Column("carrier_key", Text, nullable=False),
    Column("tracking_key", Text, nullable=False),
    Column("carrier", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("event", Text, nullable=False),
    _moment("occurred_at", nullable=False),
    _moment("received_at", nullable=False),
    Column("body", JSONB, nullable=False),
    Index("carrier_event_parcel", "carrier_key", "tracking_key"),
    Index("carrier_event_delivered", "received_at", postgresql_where=text("event = 'delivered'")),
)

letter = Table(
    "letter",
    metadata,
    Column("letter_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("side", String(10), nullable=False),
    Column("author", Text, nullable=False),
    Column("text", Text, nullable=False),
    _moment("at", nullable=False),
    CheckConstraint("side IN ('seller', 'customer')", name="letter_side_known"),
    Index("letter_order", "order_id", "at"),
)

# A return or a complaint; its id is its first letter's. `case` alone is a word of SQL.
care_case = Table(
    "care_case",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("kind", String(12), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("line_ids", JSONB, nullable=False),
    Column("state", String(12), nullable=False),
    _moment("opened_at", nullable=False),
    _moment("due_at"),
    Column("version", Integer, nullable=False),
    _moment("changed_at", nullable=False),
    CheckConstraint("(state = 'open') = (due_at IS NOT NULL)", name="care_case_due_while_open"),
    Index("care_case_order", "order_id", "opened_at"),
    Index("care_case_open", "due_at", "case_id", postgresql_where=text("state = 'open'")),
    Index("care_case_state", "state", text("changed_at DESC"), text("case_id DESC")),
    Index("care_case_changed", "changed_at"),
)

case_step = Table(
    "case_step",
    metadata,
    Column("case_id", Uuid, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("by_seller", Boolean, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("text", Text, nullable=False),
    _moment("at", nullable=False),
    PrimaryKeyConstraint("case_id", "number"),
)

letter_to_tell = Table(
    "letter_to_tell",
    metadata,
    Column("letter_id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    _moment("since", nullable=False),
    Index("letter_to_tell_since", "since"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("order_id", Uuid, nullable=False),
    Column("carrier_key", Text, nullable=False),
    Column("tracking_key", Text, nullable=False),
    Column("webhook_id", String(200), nullable=False),
    _moment("reported_at", nullable=False),
    PrimaryKeyConstraint("order_id", "carrier_key", "tracking_key"),
)

note = Table(
    "note",
    metadata,
    Column("note_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("author_id", Uuid, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("text", Text, nullable=False),
    _moment("at", nullable=False),
    Column("corrects", Uuid),
    CheckConstraint("(order_id IS NULL) <> (customer_id IS NULL)", name="note_about_one"),
    Index("note_order", "order_id", "at", postgresql_where=text("order_id IS NOT NULL")),
    Index("note_customer", "customer_id", "at", postgresql_where=text("customer_id IS NOT NULL")),
    Index("note_corrects", "corrects", unique=True),
    Index("note_words", text(f"({NOTE_WORDS})"), postgresql_using="gin"),
)

reminder = Table(
    "reminder",
    metadata,
    Column("reminder_id", Uuid, primary_key=True),
    Column("order_id", Uuid),
    Column("customer_id", Uuid),
    Column("text", Text, nullable=False),
    _moment("due_at", nullable=False),
    # Nobody: it is for the administrators, and the system made it.
    Column("for_id", Uuid),
    Column("for_name", Text),
    Column("made_by", Uuid),
    Column("made_by_name", Text),
    _moment("made_at", nullable=False),
    Column("version", Integer, nullable=False),
    Column("done_by", Uuid),
    Column("done_by_name", Text),
    _moment("done_at"),
    _moment("changed_at", nullable=False),
    CheckConstraint("(order_id IS NULL) <> (customer_id IS NULL)", name="reminder_about_one"),
    CheckConstraint("for_id IS NOT NULL OR made_by IS NULL", name="reminder_for_somebody"),
    Index("reminder_open", "for_id", "due_at", "reminder_id", postgresql_where=text("done_at IS NULL")),
    Index("reminder_done", "for_id", "done_at", "reminder_id", postgresql_where=text("done_at IS NOT NULL")),
    Index("reminder_made", "made_by", "due_at", postgresql_where=text("done_at IS NULL")),
    Index("reminder_order", "order_id", postgresql_where=text("done_at IS NULL AND order_id IS NOT NULL")),
    Index("reminder_customer", "customer_id", postgresql_where=text("done_at IS NULL AND customer_id IS NOT NULL")),
    Index("reminder_due", "due_at", postgresql_where=text("done_at IS NULL")),
    Index("reminder_changed", "changed_at"),
)

colleague = Table(
    "colleague",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    _moment("seen_at", nullable=False),
)
