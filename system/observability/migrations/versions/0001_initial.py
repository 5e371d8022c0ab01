"""Observability's schema: spans and log lines by day, and what fails.

A day is a partition. Only the owner of a table may add or drop one, and the application owns nothing: two functions of the owner
do exactly this, `make_days` and `drop_days`, and the application may call them. What belongs to no day that was made lies in the
partition `_odd`, from where `make_days` takes what belongs to a new day.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.schema import create_plumbing_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
CREATE TABLE span (
    trace_id       uuid NOT NULL,
    span_id        varchar(16) NOT NULL,
    parent_span_id varchar(16),
    is_entry       boolean NOT NULL,
    order_id       uuid,
    service        varchar(60) NOT NULL,
    name           text NOT NULL,
    kind           varchar(10) NOT NULL,
    started_at     timestamptz NOT NULL,
    duration_us    bigint NOT NULL CONSTRAINT span_lasts CHECK (duration_us >= 0),
    is_error       boolean NOT NULL,
    status_text    text,
    release        varchar(120),
    attributes     jsonb NOT NULL,
    events         jsonb,
    links          jsonb,
    PRIMARY KEY (trace_id, span_id, started_at)
) PARTITION BY RANGE (started_at)
""",
    "CREATE INDEX span_order ON span (order_id, started_at) WHERE order_id IS NOT NULL",
    # The time that services take is summed over what entered them, the rest is inside of that.
    "CREATE INDEX span_entry ON span (started_at) WHERE is_entry AND order_id IS NOT NULL",
    "CREATE TABLE span_odd PARTITION OF span DEFAULT",
    """
CREATE TABLE log_line (
    digest      uuid NOT NULL,
    at          timestamptz NOT NULL,
    trace_id    uuid,
    span_id     varchar(16),
    order_id    uuid,
    service     varchar(60) NOT NULL,
    severity    smallint NOT NULL,
    body        text NOT NULL,
    attributes  jsonb NOT NULL,
    PRIMARY KEY (digest, at)
) PARTITION BY RANGE (at)
""",
    "CREATE INDEX log_line_trace ON log_line (trace_id, at) WHERE trace_id IS NOT NULL",
    "CREATE INDEX log_line_order ON log_line (order_id, at) WHERE order_id IS NOT NULL",
    "CREATE TABLE log_line_odd PARTITION OF log_line DEFAULT",
    """
CREATE TABLE failure (
    fingerprint varchar(16) PRIMARY KEY,
    service     varchar(60) NOT NULL,
    place       text NOT NULL,
    exception   text NOT NULL,
    message     text NOT NULL,
    frame       text NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    hits        bigint NOT NULL,
    state       varchar(10) NOT NULL DEFAULT 'new' CONSTRAINT failure_state_known CHECK (state IN ('new', 'known', 'resolved')),
    state_since timestamptz NOT NULL,
    state_by    text,
    note        text,
    reopened    integer NOT NULL DEFAULT 0
)
""",
    "CREATE INDEX failure_last ON failure (last_at)",
    # One for each span that failed, whether it, its log line, or both told of it.
    """
CREATE TABLE failure_hit (
    trace_id    uuid NOT NULL,
    span_id     varchar(16) NOT NULL,
    at          timestamptz NOT NULL,
    fingerprint varchar(16) NOT NULL,
    order_id    uuid,
    told_by     varchar(4) NOT NULL CONSTRAINT failure_hit_told_by_known CHECK (told_by IN ('span', 'line')),
    PRIMARY KEY (trace_id, span_id)
)
""",
    "CREATE INDEX failure_hit_of ON failure_hit (fingerprint, at)",
    "CREATE INDEX failure_hit_age ON failure_hit (at)",
)

FUNCTIONS = (
    """
CREATE FUNCTION make_days(first_day date, last_day date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    parent text;
    moment text;
    name text;
    day date;
    made integer := 0;
BEGIN
    IF last_day - first_day > 400 THEN
        RAISE EXCEPTION 'make_days makes at most 400 days at once';
    END IF;
    -- One at a time: two processes that look at the same moment would make the same day twice.
    PERFORM pg_advisory_xact_lock(hashtext('observability days'));
    FOR parent, moment IN VALUES ('span', 'started_at'), ('log_line', 'at') LOOP
        FOR day IN SELECT generate_series(first_day, last_day, interval '1 day')::date LOOP
            name := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(name) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', name, parent);
            EXECUTE format(
                'WITH moved AS (DELETE FROM %I WHERE %I >= %L AND %I < %L RETURNING *) INSERT INTO %I SELECT * FROM moved',
                parent || '_odd', moment, day::text || ' 00:00+00', moment, (day + 1)::text || ' 00:00+00', name
            );
            EXECUTE format(
                'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, name, day::text || ' 00:00+00', (day + 1)::text || ' 00:00+00'
            );
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END $$
""",
    """
CREATE FUNCTION drop_days(before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    name text;
    dropped integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('observability days'));
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent IN ('span'::regclass, 'log_line'::regclass) AND c.relname ~ '_[0-9]{8}$'
          AND to_date(right(c.relname, 8), 'YYYYMMDD') < before
    LOOP
        EXECUTE format('DROP TABLE %I', name);
        dropped := dropped + 1;
    END LOOP;
    EXECUTE format('DELETE FROM span_odd WHERE started_at < %L', before::text || ' 00:00+00');
    EXECUTE format('DELETE FROM log_line_odd WHERE at < %L', before::text || ' 00:00+00');
    RETURN dropped;
END $$
""",
    "REVOKE EXECUTE ON FUNCTION make_days(date, date), drop_days(date) FROM PUBLIC",
)


def upgrade() -> None:
    """Creates the tables, and the days around now, so that a service that has just started finds them."""
    create_plumbing_tables(op.get_bind())
    for statement in (*TABLES, *FUNCTIONS):
        op.execute(statement)
    op.execute("SELECT make_days((now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date + 2)")


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
