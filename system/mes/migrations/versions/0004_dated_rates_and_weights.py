"""Pay rates say who set them and may be withdrawn before they begin; what pieces weigh is written down."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Before anything that locks work orders: a claim reads the rates first and takes its work order then, and so does this.
RATES = """
ALTER TABLE pay_rate
    ADD COLUMN set_by      uuid,
    ADD COLUMN set_by_name text,
    ADD COLUMN set_at      timestamptz,
    ADD COLUMN reason      text;

CREATE TABLE pay_rate_withdrawal (
    material          text NOT NULL,
    valid_from        timestamptz NOT NULL,
    per_piece         numeric(14, 2) NOT NULL,
    per_gram          numeric(14, 2) NOT NULL,
    currency          varchar(3) NOT NULL,
    set_by            uuid,
    set_by_name       text,
    set_at            timestamptz,
    reason            text,
    withdrawn_by      uuid NOT NULL,
    withdrawn_by_name text NOT NULL,
    withdrawn_at      timestamptz NOT NULL,
    withdrawn_because text NOT NULL,
    PRIMARY KEY (material, valid_from),
    FOREIGN KEY (material, valid_from) REFERENCES pay_rate,
    -- What somebody may have earned by stays.
    CONSTRAINT pay_rate_withdrawal_before_it_begins CHECK (withdrawn_at < valid_from)
);

-- The release before this one reads every rate and takes the youngest: a withdrawn one must not be there for it. Rows stay, and the
-- database itself shows them to nobody but their owner.
GRANT SELECT ON pay_rate_withdrawal TO mes_app, mes_read;
CREATE POLICY pay_rate_not_withdrawn ON pay_rate FOR SELECT USING (
    NOT EXISTS (
        SELECT FROM pay_rate_withdrawal AS gone
        WHERE gone.material = pay_rate.material AND gone.valid_from = pay_rate.valid_from
    )
);
CREATE POLICY pay_rate_added ON pay_rate FOR INSERT WITH CHECK (true);
ALTER TABLE pay_rate ENABLE ROW LEVEL SECURITY;
"""

WEIGHTS = """
CREATE TABLE weighing (
    work_order_id uuid NOT NULL REFERENCES work_order,
    stage         varchar(8) NOT NULL CONSTRAINT weighing_stage_known CHECK (stage IN ('cast', 'finished')),
    no            integer NOT NULL,
    claim_no      integer NOT NULL,
    grams         numeric(10, 2) NOT NULL CONSTRAINT weighing_grams_positive CHECK (grams > 0),
    operator_id   uuid NOT NULL,
    operator_name text NOT NULL,
    at            timestamptz NOT NULL,
    in_doubt      boolean NOT NULL,
    -- A correction is the next number; the highest counts.
    PRIMARY KEY (work_order_id, stage, no)
);
"""


def upgrade() -> None:
    """Adds only; the release before this one does not notice."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(RATES)
    op.execute(WEIGHTS)
    with op.get_context().autocommit_block():
        # What was made in a period is looked for among all that ever happened. One that broke off half-way is of no use.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS work_order_history_made")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS work_order_history_made ON work_order_history (at)"
            " WHERE state = 'COMPLETED'"
        )


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
