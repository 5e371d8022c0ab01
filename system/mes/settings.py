"""What MES is told at start."""

from __future__ import annotations

from pydantic import Field

from system.plumbing.settings import ServiceSettings


class MesSettings(ServiceSettings):
    """The common settings, and MES's own."""

    service: str = "mes"
    claim_budget_s: int = Field(
        4 * 3600, gt=0, description="how long released work may stay unclaimed before it is escalated"
    )
    s3_public_url: str = Field(
        "https://localhost:8444", description="the storage as browsers reach it: models are shown"
    )
    pay_currency: str = Field("RUB", pattern=r"^[A-Z]{3}$", description="the currency operators are paid in")
