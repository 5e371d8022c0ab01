"""What can go wrong in the pipeline itself.

ReleaseError
├── NotReady            something a person must do first (a dirty checkout, no engine, no previous release); says what
├── PolicyInvalid       gates.toml or another declaration cannot be obeyed as written
├── EvidenceInvalid     a record that is missing, cut short, edited, unsigned or of another candidate
├── PromotionRefused    the judgement is not PASSED; carries the findings
└── DeploymentFailed    the environment did not become what its pin says; the step and its undo are named

A bad candidate is no error: that is a verdict.
"""

from __future__ import annotations


class ReleaseError(Exception):
    """The message is one sentence for people; `remedy` says what to do."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        self.remedy = remedy
        super().__init__(message if not remedy else f"{message} {remedy}")


class NotReady(ReleaseError):
    """Something is needed first."""


class PolicyInvalid(ReleaseError):
    """A declaration that contradicts itself or names what does not exist."""


class EvidenceInvalid(ReleaseError):
    """A record that cannot be relied upon."""


class PromotionRefused(ReleaseError):
    """The candidate may not enter the environment."""


class DeploymentFailed(ReleaseError):
    """The environment is not what it should be; what was begun has been undone."""
