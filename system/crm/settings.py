"""What CRM is told at start."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, SecretStr, model_validator

from system.crm.domain.case import CaseTerms
from system.crm.domain.escalation import EscalationTerms
from system.plumbing.settings import ServiceSettings


class CrmSettings(ServiceSettings):
    """The common settings, and CRM's own."""

    service: str = "crm"
    carrier_secret: SecretStr = Field(
        SecretStr(""), description="the carriers' shared secret: text, or base64 after the prefix whsec_"
    )
    carrier_tolerance_s: int = Field(300, gt=0, description="how far a carrier's timestamp may be from our clock")
    s3_public_url: str = Field(
        "https://localhost:8444", description="the storage as browsers reach it: models are shown"
    )
    export_bytes_max: int = Field(
        32_000_000, ge=0, description="how large the models of an exported order may be together"
    )
    export_timeout_s: float = Field(20.0, gt=0, description="how long the storage may be silent while a model is read")
    at_risk_margin_s: int = Field(2 * 3600, ge=0, description="how long before its deadline an order counts as at risk")
    escalate_to_sellers_percent: int = Field(
        100,
        gt=0,
        le=10_000,
        description="how much of its budget an order waits for a seller until all of them see it marked",
    )
    escalate_to_administrators_percent: int = Field(
        200, gt=0, le=10_000, description="the same, until it is on the administrators' list and they are reminded"
    )
    case_answer_within_s: int = Field(
        24 * 3600, gt=0, description="how long a customer waits for our word on a return or a complaint"
    )
    return_days: int = Field(14, ge=0, description="for how many days after the delivery an order may be returned")
    return_address: str = Field(
        "Alexandrite, returns, Bolshaya Ordynka 40, 119017 Moscow",
        min_length=1,
        max_length=500,
        description="where customers send what they return",
    )
    escalations_every_s: float = Field(60.0, gt=0, description="how often orders that wait too long are looked for")

    news_every_s: float = Field(
        2.0, gt=0, description="how often the shop is asked to tell customers that a seller wrote to them"
    )

    @model_validator(mode="after")
    def _sellers_come_first(self) -> CrmSettings:
        if self.escalate_to_administrators_percent < self.escalate_to_sellers_percent:
            raise ValueError("administrators are told before the sellers: see the two percentages of escalation")
        return self

    @property
    def escalation_terms(self) -> EscalationTerms:
        """Who is told when."""
        return EscalationTerms(self.escalate_to_sellers_percent, self.escalate_to_administrators_percent)

    @property
    def case_terms(self) -> CaseTerms:
        """How returns and complaints are looked at."""
        return CaseTerms(self.return_days, self.return_address, timedelta(seconds=self.case_answer_within_s))
