"""What people ask of the orchestrator at once; facts arrive as messages instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from system.orchestrator.domain.status import Who


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """A customer or a seller wants the order to end."""

    order_id: UUID
    actor: str
    actor_kind: Literal["customer", "seller"]
    reason: str | None = None

    @property
    def who(self) -> Who:
        """The role that the rules are about."""
        return Who(self.actor_kind)

    @property
    def author(self) -> str:
        """Who it was, as the history says it."""
        return f"{self.who} {self.actor}".strip()


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """A seller closes a shipped order by hand."""

    order_id: UUID
    actor: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class ResendStep:
    """An administrator sends the waiting commands of a stuck order once more."""

    order_id: UUID
    actor: str
