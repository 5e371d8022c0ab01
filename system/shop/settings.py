"""The shop's settings."""

from __future__ import annotations

from pydantic import Field

from system.plumbing.mail.settings import MailSettings


class ShopSettings(MailSettings):
    """What the shop is told at start, beside what every service is told."""

    service: str = "shop"
    s3_public_url: str = Field(
        "https://localhost:8444", description="the storage as browsers reach it: pages send models there and show them"
    )
    catalogue_price_kept_s: float = Field(
        5.0, gt=0, description="how long the catalogue shows a price before asking again"
    )
    catalogue_price_rest_s: float = Field(
        1.0, gt=0, description="how long pricing is left alone after it did not answer"
    )
    price_patience_s: float = Field(1.5, gt=0, description="how long a page waits for prices before it shows none")
