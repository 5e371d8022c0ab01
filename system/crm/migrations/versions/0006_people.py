"""What was written with and about a person can be taken out when their data leaves, by these functions and by nothing else.

The application's role may neither change nor delete letters, notes, steps of cases and carriers' messages; it may call the functions,
which can do no more than this. The release before this one does not notice.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.erasure import AUDIT_FORGETS

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FORGET_WRITTEN = """
CREATE FUNCTION forget_written(of_person uuid, of_orders uuid[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH letters AS (
        DELETE FROM letter WHERE order_id = ANY (of_orders) RETURNING 1
    ), notes AS (
        DELETE FROM note WHERE order_id = ANY (of_orders) OR customer_id = of_person RETURNING 1
    ), parcels AS (
        UPDATE carrier_event SET body = '{}'
        FROM shipment
        WHERE shipment.order_id = ANY (of_orders) AND carrier_event.carrier_key = shipment.carrier_key
          AND carrier_event.tracking_key = shipment.tracking_key AND carrier_event.body <> '{}'
        RETURNING 1
    ), steps AS (
        UPDATE case_step SET text = '', by_name = CASE WHEN by_seller THEN by_name ELSE '' END
        FROM care_case
        WHERE care_case.case_id = case_step.case_id AND care_case.order_id = ANY (of_orders)
          AND (case_step.text <> '' OR NOT by_seller AND by_name <> '')
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM letters) + (SELECT count(*) FROM notes) + (SELECT count(*) FROM parcels)
         + (SELECT count(*) FROM steps)
$$;
REVOKE EXECUTE ON FUNCTION forget_written(uuid, uuid[]) FROM PUBLIC;
"""


def upgrade() -> None:
    """Adds two functions."""
    op.execute(AUDIT_FORGETS)
    op.execute(FORGET_WRITTEN)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
