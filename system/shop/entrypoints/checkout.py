"""What is typed into the form of an order, and what does not fit in it yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import ValidationError

from system.kernel.errors import Invalid
from system.kernel.money import Money
from system.plumbing.tokens import Principal
from system.shop.domain.catalogue import Language
from system.shop.domain.order import Terms
from system.shop.entrypoints.schemas import CustomerBody, DeliveryBody, PositiveMoney, SubmissionBody

HOME: Mapping[Language, str] = {"ru": "Россия", "en": "Russia"}


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields as somebody filled them in."""

    name: str = ""
    email: str = ""
    phone: str = ""
    language: str = "ru"
    recipient: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    country: str = ""

    @classmethod
    def first(cls, who: Principal, last: Terms | None, language: Language) -> Typed:
        """The form as it is shown first: what we know of the customer, and where their last order went."""
        known = {} if who.is_guest else {"name": who.name, "email": who.email}
        if last is None:
            return cls(**known, recipient=known.get("name", ""), language=language, country=HOME[language])
        by_last = {"name": last.customer.name, "email": last.customer.email, "phone": last.customer.phone or ""}
        return cls(**(by_last | known), language=language, **asdict(last.delivery))

    def terms(self, agreed_total: Money) -> Terms | dict[str, Invalid]:
        """The terms of the order; or, by field, everything that does not fit. Without a recipient the customer is the recipient."""
        faults: dict[str, Invalid] = {}
        recipient = self.recipient.strip() or self.name
        customer = _read(
            CustomerBody,
            {"name": self.name, "email": self.email, "phone": self.phone.strip() or None, "language": self.language},
            faults,
        )
        delivery = _read(
            DeliveryBody,
            {
                "recipient": recipient,
                "address": self.address,
                "city": self.city,
                "postcode": self.postcode,
                "country": self.country,
            },
            faults,
        )
        if customer is None or delivery is None:
            if not self.recipient.strip():
                # One name is missing, not two.
                faults.pop("recipient", None)
            return faults
        agreed = PositiveMoney(amount=f"{agreed_total.amount:.2f}", currency=agreed_total.currency)
        return SubmissionBody(customer=customer, delivery=delivery, agreed_total=agreed).terms()


def _read(shape: Any, values: dict[str, Any], faults: dict[str, Invalid]) -> Any:
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        for each in error.errors():
            faults.setdefault(str(each["loc"][0]), _fault(str(each["loc"][0]), dict(each), values))
        return None


def _fault(field: str, error: dict[str, Any], values: Mapping[str, Any]) -> Invalid:
    if not str(values[field] or "").strip():
        return Invalid("field-missing", "Fill this in.")
    context = error.get("ctx", {})
    if "max_length" in context:
        longest = context["max_length"]
        return Invalid("field-too-long", f"At most {longest} characters.", characters_max=longest)
    if field == "email":
        return Invalid("email-unreadable", "This does not look like an e-mail address.")
    return Invalid("field-too-short", "This is too short.")
