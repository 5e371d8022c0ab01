"""What MES is told at start."""

from __future__ import annotations

from pydantic import Field

from system.mes.application.shift import Outlook
from system.mes.domain.rules import Terms
from system.plumbing.settings import ServiceSettings


class MesSettings(ServiceSettings):
    """The common settings, and MES's own."""

    service: str = "mes"
    claim_budget_s: int = Field(
        4 * 3600, gt=0, description="how long released work may stay unclaimed before it is escalated"
    )
    claims_max: int = Field(5, gt=0, description="how many work orders that are not made yet an operator may take")
    claim_idle_s: int = Field(
        48 * 3600, ge=0, description="how long nothing may happen to a claim before it lapses; 0: it never does"
    )
    lapses_every_s: float = Field(60.0, gt=0, description="how often claims that lapse are looked for")
    undo_s: int = Field(
        600, ge=0, description="how long a piece that was marked as made may be said not to be; 0: not at all"
    )
    flow_days: int = Field(
        30, gt=1, le=90, description="how many days of history the shift lead sees, today among them"
    )
    forecast_days: int = Field(
        10, gt=0, description="how many of the last working days the workshop's pace is measured on"
    )
    forecast_finished_min: int = Field(
        10, gt=0, description="from fewer pieces than these that passed a stage no shipment is foretold"
    )
    shift_refreshed_s: float = Field(3.0, gt=0, description="how old the shift lead's figures may be")
    weighing_required: bool = Field(
        False, description="whether a piece counts as made only when its finished weight was entered"
    )
    s3_public_url: str = Field(
        "https://localhost:8444", description="the storage as browsers reach it: models are shown"
    )
    pay_currency: str = Field("RUB", pattern=r"^[A-Z]{3}$", description="the currency operators are paid in")

    @property
    def terms(self) -> Terms:
        """What of this the rules go by."""
        return Terms(
            claim_budget_s=self.claim_budget_s,
            claims_max=self.claims_max,
            idle_s=self.claim_idle_s,
            undo_s=self.undo_s,
            weighing_required=self.weighing_required,
        )

    @property
    def outlook(self) -> Outlook:
        """How far the shift lead's page looks back, and ahead."""
        return Outlook(
            flow_days=self.flow_days,
            forecast_days=self.forecast_days,
            forecast_finished_min=self.forecast_finished_min,
            refreshed_s=self.shift_refreshed_s,
        )
