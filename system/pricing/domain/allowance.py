"""What measuring one model may take of the machine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """Seconds until it is ended, and bytes of address space."""

    timeout_s: float
    memory_bytes: int
