"""A customer's name and words can be taken out of withdrawals, histories and the pay ledger's titles, by one function alone.

Who earned what for which work order stays as it was written. The release before this one does not notice.
"""

from __future__ import annotations

from alembic import op

from system.plumbing.erasure import AUDIT_FORGETS

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FORGET_WRITTEN = """
CREATE FUNCTION forget_written(of_orders uuid[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH requests AS (
        UPDATE withdrawal
        SET requested_by = CASE WHEN requested_by LIKE 'customer %' THEN 'customer' ELSE requested_by END, reason = NULL
        WHERE order_id = ANY (of_orders) AND (requested_by LIKE 'customer %' OR reason IS NOT NULL)
        RETURNING 1
    ), histories AS (
        UPDATE work_order_history
        SET actor = CASE WHEN actor LIKE 'customer %' THEN 'customer' ELSE actor END, reason = NULL
        FROM work_order
        WHERE work_order.id = work_order_history.work_order_id AND work_order.order_id = ANY (of_orders)
          AND (actor LIKE 'customer %' OR (actor LIKE 'seller %' AND reason IS NOT NULL))
        RETURNING 1
    ), titles AS (
        UPDATE pay_ledger SET title = '3D model'
        FROM work_order
        WHERE work_order.id = pay_ledger.work_order_id AND work_order.order_id = ANY (of_orders)
          AND work_order.kind = 'custom' AND pay_ledger.title <> '3D model'
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM histories) + (SELECT count(*) FROM titles)
$$;
REVOKE EXECUTE ON FUNCTION forget_written(uuid[]) FROM PUBLIC;
"""


def upgrade() -> None:
    """Adds two functions."""
    op.execute(AUDIT_FORGETS)
    op.execute(FORGET_WRITTEN)


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
