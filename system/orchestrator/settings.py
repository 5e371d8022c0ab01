"""What the orchestrator is told at start: above all the durations that scenarios shorten."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from system.orchestrator.domain.budgets import BUDGETED, Budgets
from system.orchestrator.domain.order import Policy
from system.orchestrator.domain.saga import Patience
from system.plumbing.settings import ServiceSettings

DAY_S = 24 * 3600.0


class OrchestratorSettings(ServiceSettings):
    """The common settings, and the orchestrator's own. Every duration is in seconds."""

    service: str = "orchestrator"

    promise_s: float = Field(21 * DAY_S, gt=0, description="from submission to the customer's door")
    budget_submitted_s: float = Field(900, gt=0, description="until the price is known")
    budget_awaiting_customer_s: float = Field(
        3 * DAY_S, gt=0, description="until the customer answers about a new price"
    )
    budget_price_calculated_s: float = Field(DAY_S, gt=0, description="until a seller approves")
    budget_manufacturing_approved_s: float = Field(2 * DAY_S, gt=0, description="until an operator takes it")
    budget_manufacturing_started_s: float = Field(5 * DAY_S, gt=0, description="until it is made")
    budget_manufacturing_completed_s: float = Field(DAY_S, gt=0, description="until packing begins")
    budget_packaging_s: float = Field(DAY_S, gt=0, description="until it is with the carrier")
    budget_shipped_s: float = Field(10 * DAY_S, gt=0, description="until the carrier reports it delivered")

    step_reserve_stock_s: float = Field(30, gt=0, description="until the shop is asked again to set goods aside")
    step_confirm_price_s: float = Field(120, gt=0, description="until pricing is asked again")
    step_withdraw_s: float = Field(30, gt=0, description="until MES is asked again to take work orders back")
    step_retries: int | None = Field(
        None, ge=0, description="how often a step is asked again; the saga's table when unset"
    )
    timer_every_s: float = Field(1.0, gt=0, description="how often overdue steps are looked for")

    reconciliation_grace_s: float = Field(
        3.0, ge=0, description="a difference counts when it is still there after this"
    )
    reconciliation_window_s: float = Field(
        7 * DAY_S, gt=0, description="how far back the reconciliation looks by default"
    )

    def policy(self) -> Policy:
        """The durations as the domain takes them."""
        budgets = {status: timedelta(seconds=getattr(self, f"budget_{status.lower()}_s")) for status in BUDGETED}
        deadlines = {
            "reserve_stock": timedelta(seconds=self.step_reserve_stock_s),
            "confirm_price": timedelta(seconds=self.step_confirm_price_s),
            "release_work_orders": timedelta(seconds=self.step_withdraw_s),
        }
        return Policy(Budgets(timedelta(seconds=self.promise_s), budgets), Patience(deadlines, self.step_retries))
