"""What MES is told at start."""

from __future__ import annotations

from pydantic import Field

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
