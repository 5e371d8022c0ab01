"""The envelope around every message: the attributes of CloudEvents 1.0 in structured JSON mode."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from system.kernel.money import Money

CONTENT_TYPE = "application/cloudevents+json"


class Part(BaseModel):
    """A piece of a message. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Message(Part):
    """What a message carries. A subclass names its wire type and who consumes it; its owner is the first word of the type."""

    TYPE: ClassVar[str]
    CONSUMERS: ClassVar[tuple[str, ...]]

    order_id: UUID

    @classmethod
    def owner(cls) -> str:
        """The service that publishes this type."""
        return cls.TYPE.split(".", 1)[0]


class MoneyV1(Part):
    """Money on the wire: a decimal as text, and an ISO 4217 code."""

    amount: str = Field(pattern=r"^-?\d{1,12}\.\d{2}$", examples=["10450.00"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["RUB"])

    @classmethod
    def of(cls, money: Money) -> Self:
        """The wire form of a domain amount."""
        return cls(amount=f"{money.amount:.2f}", currency=money.currency)

    def money(self) -> Money:
        """The domain amount of this wire form."""
        return Money.of(self.amount, self.currency)


class EngravingV1(Part):
    """A text that is cut into a piece. The text is its person's own: absent once they left."""

    text: str | None = Field(None, max_length=200, repr=False, examples=["A+B 2026"])
    height_mm: Decimal = Field(gt=0)


class ExtrasV1(Part):
    """What a piece gets besides its metal: stones by code and count, a plating by its code, a text."""

    stones: dict[str, int] = Field(default_factory=dict)
    plating: str | None = None
    engraving: EngravingV1 | None = None


class Envelope(BaseModel):
    """One message as it crosses the broker. `subject` is the order's id; `sequence` counts 1, 2, 3 per (source, subject)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: str = "1.0"
    id: UUID
    source: str = Field(pattern=r"^[a-z]+$")
    type: str = Field(pattern=r"^[a-z]+\.[a-z_]+\.v[0-9]+$")
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    sequence: int = Field(ge=1)
    traceparent: str | None = None
    data: dict[str, Any]

    def to_json(self) -> bytes:
        """The body that is published."""
        return self.model_dump_json(exclude_none=True).encode()

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Reads a published body. Raises pydantic.ValidationError when it is not one."""
        return cls.model_validate_json(body)
