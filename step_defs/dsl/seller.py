"""A seller in CRM: approves, rejects, closes, cancels, searches."""

from __future__ import annotations

from typing import Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.board_staff import BoardStaff
from step_defs.dsl.order import SOON_S, Order

CRM = "/api/crm/v1"
PAGES_MAX = 40


class Seller(BoardStaff):
    """One of our salespeople, who leads the shift at the operators' board too."""

    roles = ("seller",)

    def sees(self, order: Order, status: str, *, within_s: float = SOON_S) -> dict[str, Any]:
        """Waits until CRM shows the order in this status."""
        return eventually(
            lambda: self._shown(order),
            lambda view: view["status"] == status,
            within_s=within_s,
            what=f"CRM shows order {order.number} as {status}",
        )

    def approves(self, order: Order) -> None:
        """Confirms a priced order for production. Raises Refusal."""
        self.sees(order, "PRICE_CALCULATED")
        self.decides(order, "approval")

    def rejects(self, order: Order, *, reason: str) -> None:
        """Refuses a priced order, with the reason the customer reads."""
        self.sees(order, "PRICE_CALCULATED")
        self.decides(order, "rejection", reason=reason)

    def closes(self, order: Order, *, reason: str) -> None:
        """Closes a shipped order by hand. Raises Refusal."""
        self.decides(order, "closure", reason=reason)

    def cancels(self, order: Order, *, reason: str) -> int:
        """Cancels on the customer's behalf: 200 done, 202 asked for. Raises Refusal when it is too late."""
        return self.decides(order, "cancellation", reason=reason)

    def decides(self, order: Order, what: str, **body: str) -> int:
        """One decision, at once, whatever the order's status."""
        return self.door.post(f"{CRM}/orders/{order.order_id}/{what}", body).status

    def has_in_queue(self, order: Order) -> bool:
        """Whether the order is in the queue of orders that wait for approval."""
        cursor: str | None = None
        for _ in range(PAGES_MAX):
            page = self.door.get(f"{CRM}/approvals", limit=100, cursor=cursor).body
            if any(item["order_id"] == order.order_id for item in page["items"]):
                return True
            cursor = page["next"]
            if cursor is None:
                return False
        raise AssertionError(f"more than {PAGES_MAX} pages of orders wait for approval")

    def finds(self, query: str, *, expect: Order) -> None:
        """Waits until a search for `query` shows the order."""
        eventually(
            lambda: self.found_by(query),
            lambda found: expect.order_id in found,
            within_s=SOON_S,
            what=f"a search for {query!r} shows order {expect.number}",
        )

    def found_by(self, query: str) -> list[str]:
        """The ids of the orders that a search shows."""
        return [item["order_id"] for item in self.door.get(f"{CRM}/orders", query=query).body["items"]]

    def assigns(self, work_order: dict[str, Any], *, operator_id: str, operator_name: str) -> None:
        """Gives an escalated work order to an operator. Raises Refusal."""
        self.door.post(
            f"/api/mes/v1/work-orders/{work_order['work_order_id']}/assignment",
            {"operator_id": operator_id, "operator_name": operator_name},
        )

    def hands_over(self, work_order: dict[str, Any], *, operator_id: str) -> None:
        """Gives what somebody holds to another operator, whom the board knows. Raises Refusal."""
        self.desk.act(work_order["work_order_id"], "handover", operator_id=operator_id)

    def _shown(self, order: Order) -> dict[str, Any]:
        view: dict[str, Any] = self.door.get(f"{CRM}/orders/{order.order_id}").body
        return view
