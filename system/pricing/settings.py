"""What pricing is told at start, beyond what every service is."""

from __future__ import annotations

import os
from datetime import timedelta

from pydantic import Field

from system.plumbing.settings import ServiceSettings
from system.pricing.domain.allowance import Allowance
from system.pricing.domain.waiting import SizeClass, size_class


def _cores() -> int:
    return len(os.sched_getaffinity(0))


class PricingSettings(ServiceSettings):
    """Durations end in their unit. The price book is not here: it is data, versioned in the database."""

    service: str = "pricing"

    pricing_quote_valid_s: int = 86_400
    pricing_stalled_after_s: float = 30.0
    pricing_concurrency: int = Field(1, ge=1, description="models that one worker process has measured at once")
    # The most that measuring a model may take; models of a size may take less at first.
    pricing_analysis_timeout_s: float = 60.0
    pricing_analysis_memory_bytes: int = 1_150 * 1024 * 1024
    pricing_small_timeout_s: float = Field(30.0, description="a model below 1 MB; exceeded, it gets the most once")
    pricing_small_memory_bytes: int = 640 * 1024 * 1024
    pricing_medium_timeout_s: float = Field(45.0, description="a model below 10 MB")
    pricing_medium_memory_bytes: int = 768 * 1024 * 1024
    pricing_large_timeout_s: float = Field(60.0, description="a model below 75 MB")
    pricing_large_memory_bytes: int = 1_024 * 1024 * 1024
    pricing_workers_min: int = Field(1, ge=1, description="worker processes that are always there")
    pricing_workers_max: int = Field(default_factory=_cores, ge=1, description="and at most, however much waits")
    pricing_waiting_target_s: float = Field(
        2.0, gt=0, description="seconds of work that may wait for each worker before another one is started"
    )
    pricing_resting_s: float = Field(60.0, description="nothing waits for so long: one worker fewer")
    pricing_large_model_bytes: int = 75_000_000
    pricing_file_bytes_max: int = 300_000_000
    pricing_download_timeout_s: float = 60.0

    @property
    def quote_valid_for(self) -> timedelta:
        """How long a firm price holds."""
        return timedelta(seconds=self.pricing_quote_valid_s)

    def allowance_of(self, file_bytes: int) -> Allowance:
        """What measuring a file of so many bytes may take at first."""
        size = size_class(file_bytes)
        if size is SizeClass.HUGE:
            return Allowance(self.pricing_analysis_timeout_s, self.pricing_analysis_memory_bytes)
        timeout_s = getattr(self, f"pricing_{size}_timeout_s")
        memory_bytes = getattr(self, f"pricing_{size}_memory_bytes")
        return Allowance(
            min(timeout_s, self.pricing_analysis_timeout_s), min(memory_bytes, self.pricing_analysis_memory_bytes)
        )
