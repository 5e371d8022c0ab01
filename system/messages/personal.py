"""What messages say about a person, and the same messages without it.

Sent and stored messages are kept for as long as their orders. When a customer's data leaves, they stay of their type and keep what
an order is accounted by; who it was, where it went and what people wrote is taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Data = dict[str, Any]

CUSTOM_PIECE = "3D model"
"""What a piece made from a customer's model is called afterwards: until then it has the name of their file."""

NOBODY_IN_PARTICULAR = "customer"
"""The actor of a customer's deeds afterwards: the role, without the name behind it."""

CONTACT_KEPT = frozenset({"id", "language"})
DELIVERY_KEPT = frozenset({"country"})


def without_person(message_type: str, data: Data) -> Data:
    """The data of a message of this type without its customer; as it is when the type names nobody. Repeatable."""
    scrub = _SCRUBS.get(message_type)
    return scrub(data) if scrub else data


def actor_without_name(actor: str) -> str:
    """Who did it; of a customer, that it was a customer. Staff stay: it is their work."""
    return NOBODY_IN_PARTICULAR if actor.startswith(f"{NOBODY_IN_PARTICULAR} ") else actor


def is_in_own_words(actor: str) -> bool:
    """Whether a reason given by this actor is a person's own text to, or from, the customer."""
    return actor.startswith((f"{NOBODY_IN_PARTICULAR} ", "seller "))


def contact_without_person(contact: Mapping[str, Any]) -> Data:
    """A customer's contact with nothing in it but the id and the language; of the same shape."""
    return {name: value if name in CONTACT_KEPT else None if name == "phone" else "" for name, value in contact.items()}


def delivery_without_person(delivery: Mapping[str, Any]) -> Data:
    """Where it went, as far as the country; of the same shape."""
    return {name: value if name in DELIVERY_KEPT else "" for name, value in delivery.items()}


def lines_without_file_names(lines: Any) -> list[Data]:
    """Order lines, or work orders, whose titles are no names of a customer's files, and without the words they are engraved with."""
    return [_without_words(line) | {"title": CUSTOM_PIECE} if line.get("kind") == "custom" else line for line in lines]


def extras_without_words(extras: Mapping[str, Any] | None) -> Data | None:
    """What a piece gets besides its metal, of the same shape, without the text of its engraving."""
    if extras is None:
        return None
    engraving = extras.get("engraving")
    return dict(extras) | ({"engraving": engraving | {"text": None}} if engraving else {})


def _without_words(line: Data) -> Data:
    return line | {"extras": extras_without_words(line["extras"])} if line.get("extras") else line


def history_without_person(history: Any) -> list[Data]:
    """An order's steps with their moments and roles, and without names and texts."""
    return [
        step
        | {
            "actor": actor_without_name(step["actor"]),
            "reason": None if is_in_own_words(step["actor"]) else step.get("reason"),
        }
        for step in history
    ]


def _submitted(data: Data) -> Data:
    return data | {
        "customer": contact_without_person(data["customer"]),
        "delivery": delivery_without_person(data["delivery"]),
        "lines": lines_without_file_names(data["lines"]),
        "partner_reference": None,
    }


def _changed(data: Data) -> Data:
    return data | {"reason": None, "history": history_without_person(data.get("history", ()))}


def _withdrawn(data: Data) -> Data:
    return data | {"requested_by": actor_without_name(data["requested_by"]), "reason": None}


_SCRUBS: Mapping[str, Callable[[Data], Data]] = {
    "shop.order_submitted.v1": _submitted,
    "orchestrator.order_changed.v1": _changed,
    "orchestrator.withdraw_work_orders.v1": _withdrawn,
    "orchestrator.release_work_orders.v1": lambda data: (
        data | {"work_orders": lines_without_file_names(data["work_orders"])}
    ),
    # A rejection's reason is a seller's letter to the customer, and the type demands a text.
    "crm.order_rejected.v1": lambda data: data | {"reason": ""},
}
