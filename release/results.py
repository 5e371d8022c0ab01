"""What one gate found in one run, before it is signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from release.verdict import Verdict


@dataclass(frozen=True, slots=True)
class GateResult:
    """The answer to one gate's question, with everything needed to check it again."""

    gate: str
    verdict: Verdict
    reasons: tuple[str, ...]
    """Sentences for people; empty only when PASSED."""
    started: datetime
    finished: datetime
    command: tuple[str, ...] = ()
    exit_status: int | None = None
    """None when it was killed for its time budget or never started."""
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    checked: int = 0
    """How many things were looked at; a gate that looked at nothing cannot have passed."""
    figures: Mapping[str, float] = field(default_factory=dict)
    raw: Mapping[str, str] = field(default_factory=dict)
    """File name to SHA-256 (hex) of its content among the blobs."""
    tools: Mapping[str, str] = field(default_factory=dict)

    @property
    def elapsed_s(self) -> float:
        """Wall time of the run it was read from."""
        return (self.finished - self.started).total_seconds()
