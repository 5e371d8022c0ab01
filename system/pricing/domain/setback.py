"""What holds a calculation up without deciding it: the quote goes on, and support reads why it took longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORKER_DIED = "worker-died"
"""The worker stopped beating: it was killed, or paused for longer than its lease. Another one took the calculation over."""
LEASE_LOST = "lease-lost"
"""The worker stood still for longer than its lease, and went on: that it ran out of time meanwhile says nothing of the model."""
ALLOWANCE_EXCEEDED = "allowance-exceeded"
"""The model took more memory or time than models of its size may; it is measured again with the most there is."""
MEASURING_KILLED = "measuring-killed"
"""The system ended the process that measured, which it does when a machine's memory is used up."""
DEPENDENCY_AWAY = "dependency-away"
"""Storage or the files service did not answer."""
GIVEN_UP = "given-up"
"""The calculation took its worker down with it too often."""

TOLD: Mapping[str, str] = {
    WORKER_DIED: "worker died, taken over, attempt {attempt}",
    LEASE_LOST: "worker stood still past its lease, attempt {attempt}",
    ALLOWANCE_EXCEEDED: "too little memory or time for a model of its size, measured again with the most there is",
    MEASURING_KILLED: "out of memory: the system ended the process that measured, attempt {attempt}",
    DEPENDENCY_AWAY: "the model's file was out of reach, attempt {attempt}",
    GIVEN_UP: "given up after it took its worker down {attempt} times",
}


@dataclass(frozen=True, slots=True)
class Setback:
    """One of the codes above, with what is known of it."""

    code: str
    details: Mapping[str, Any] = field(default_factory=dict)


def sentence_of(code: str, *, attempt: int) -> str:
    """A setback in words, as support reads it; a code of a later release stands for itself."""
    return TOLD.get(code, code).format(attempt=attempt)
