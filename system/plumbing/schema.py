"""The tables that delivery guarantees need, the same in every service's database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from system.kernel.ids import BUCKET_COUNT

plumbing_metadata = MetaData()
LEASED_ROLES = ("relay", "consumer", "timer")
APPEND_ONLY = ("audit_log",)


def _moment(name: str, **more: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **more)


outbox = Table(
    "outbox",
    plumbing_metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("event_id", Uuid, nullable=False, unique=True),
    Column("source", String(40), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("type", String(120), nullable=False),
    Column("data", JSONB, nullable=False),
    Column("traceparent", String(80)),
    _moment("occurred_at", nullable=False),
    _moment("next_attempt_at", nullable=False, server_default=func.now()),
    _moment("published_at"),
    _moment("parked_at"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    UniqueConstraint("source", "subject", "sequence"),
    Index("outbox_unpublished", "id", postgresql_where=text("published_at IS NULL")),
    Index("outbox_unpublished_subject", "subject", "id", postgresql_where=text("published_at IS NULL")),
    # Rows come in the order of their times: a few pages of this find a moment among millions.
    Index("outbox_occurred", "occurred_at", postgresql_using="brin"),
)

outbox_sequence = Table(
    "outbox_sequence",
    plumbing_metadata,
    Column("subject", String(80), primary_key=True),
    Column("last", Integer, nullable=False),
)

outbox_replay = Table(
    "outbox_replay",
    plumbing_metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _moment("since", nullable=False),
    Column("receiver", String(40)),
    Column("types", JSONB),
    Column("asked_by", String(200), nullable=False),
    _moment("asked_at", nullable=False),
    Column("next_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("published", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _moment("taken_until"),
    _moment("finished_at"),
    Index("outbox_replay_open", "id", postgresql_where=text("finished_at IS NULL")),
)

inbox = Table(
    "inbox",
    plumbing_metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("source", String(40), nullable=False),
    Column("type", String(120), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("state", String(12), nullable=False),
    Column("envelope", JSONB),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("last_error", Text),
    Column("traceparent", String(80)),
    _moment("occurred_at", nullable=False),
    _moment("received_at", nullable=False, server_default=func.now()),
    _moment("next_attempt_at", nullable=False, server_default=func.now()),
    _moment("processed_at"),
    CheckConstraint("state IN ('done','retry','waiting','held','parked','refused')", name="inbox_state_known"),
    Index("inbox_due", "next_attempt_at", postgresql_where=text("state IN ('retry','waiting')")),
    Index("inbox_attention", "state", postgresql_where=text("state IN ('retry','waiting','held','parked','refused')")),
    Index("inbox_subject", "subject", "source", "sequence"),
)

inbox_gate = Table(
    "inbox_gate",
    plumbing_metadata,
    Column("source", String(40), primary_key=True),
    Column("subject", String(80), primary_key=True),
    Column("last", Integer, nullable=False),
)

dead_letter = Table(
    "dead_letter",
    plumbing_metadata,
    Column("id", Uuid, primary_key=True),
    Column("body_sha256", String(64), nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
    Column("type", String(200)),
    Column("subject", String(80)),
    Column("reason", Text, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
    Column("state", String(12), nullable=False, server_default="dead"),
    _moment("received_at", nullable=False, server_default=func.now()),
    _moment("settled_at"),
    CheckConstraint("state IN ('dead','replayed')", name="dead_letter_state_known"),
    Index("dead_letter_open", "received_at", postgresql_where=text("state = 'dead'")),
)

bucket_lease = Table(
    "bucket_lease",
    plumbing_metadata,
    Column("role", String(12), primary_key=True),
    Column("bucket", SmallInteger, primary_key=True),
    Column("holder", String(80)),
    _moment("expires_at"),
)

member = Table(
    "member",
    plumbing_metadata,
    Column("role", String(12), primary_key=True),
    Column("instance", String(80), primary_key=True),
    _moment("expires_at", nullable=False),
)

idempotency_key = Table(
    "idempotency_key",
    plumbing_metadata,
    Column("scope", String(120), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer),
    Column("body", JSONB),
    Column("headers", JSONB),
    _moment("created_at", nullable=False, server_default=func.now()),
    Index("idempotency_key_age", "created_at"),
)

audit_log = Table(
    "audit_log",
    plumbing_metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _moment("at", nullable=False, server_default=func.now()),
    Column("actor", String(200), nullable=False),
    Column("action", String(80), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Index("audit_log_subject", "subject"),
)


def create_plumbing_tables(connection: Any) -> None:
    """Creates every table above and the lease rows; called by each service's first migration with `op.get_bind()`."""
    plumbing_metadata.create_all(connection)
    connection.execute(
        bucket_lease.insert(),
        [{"role": role, "bucket": bucket} for role in LEASED_ROLES for bucket in range(BUCKET_COUNT)],
    )
