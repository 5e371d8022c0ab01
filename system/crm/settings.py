"""What CRM is told at start."""

from __future__ import annotations

from pydantic import Field, SecretStr

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
