"""What people say of a failure: new, known, resolved. What was resolved and comes again is new again."""

from __future__ import annotations

from enum import StrEnum

from system.kernel.errors import NotFound


class State(StrEnum):
    """What people have said of it."""

    NEW = "new"
    KNOWN = "known"
    RESOLVED = "resolved"


class FailureUnknown(NotFound):
    """Nothing fails in this way, as far as is kept."""

    def __init__(self, fingerprint: str) -> None:
        super().__init__("failure-unknown", f"No failure {fingerprint} is kept.")
