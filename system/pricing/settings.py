"""What pricing is told at start, beyond what every service is."""

from __future__ import annotations

from datetime import timedelta

from system.plumbing.settings import ServiceSettings


class PricingSettings(ServiceSettings):
    """Durations end in their unit. The price book is not here: it is data, versioned in the database."""

    service: str = "pricing"

    pricing_quote_valid_s: int = 86_400
    pricing_stalled_after_s: float = 30.0
    pricing_concurrency: int = 2
    pricing_analysis_timeout_s: float = 60.0
    pricing_analysis_memory_bytes: int = 1_150 * 1024 * 1024
    pricing_large_model_bytes: int = 75_000_000
    pricing_file_bytes_max: int = 300_000_000
    pricing_download_timeout_s: float = 60.0

    @property
    def quote_valid_for(self) -> timedelta:
        """How long a firm price holds."""
        return timedelta(seconds=self.pricing_quote_valid_s)
