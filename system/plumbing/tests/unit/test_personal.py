"""Messages without their person: nothing of a customer is left in any of them, and each is still read as what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from system.messages import catalogue
from system.messages.personal import CUSTOM_PIECE, history_without_person, without_person

CONTRACTS = Path(__file__).parents[4] / "contracts" / "messages"
EXAMPLES = {path.parent.parent.name: path for path in sorted(CONTRACTS.glob("*/examples/typical.json"))}
CANARY = "Zephyrine Quokkastraat"
OF_A_PERSON = {
    "name": CANARY,
    "email": CANARY,
    "phone": CANARY,
    "recipient": CANARY,
    "address": CANARY,
    "city": CANARY,
    "postcode": CANARY,
    "partner_reference": CANARY,
    "requested_by": f"customer {CANARY}",
    "actor": f"customer {CANARY}",
    "title": f"{CANARY}.stl",
}
BY_CUSTOMERS_OR_TO_THEM = (
    "shop.order_submitted.v1",
    "orchestrator.order_changed.v1",
    "orchestrator.withdraw_work_orders.v1",
    "crm.order_rejected.v1",
)


def planted(value: Any, *, reasons: bool) -> Any:
    """The same message, in which whatever may be about a person says the canary."""
    if isinstance(value, list):
        return [planted(each, reasons=reasons) for each in value]
    if not isinstance(value, dict):
        return value
    told = OF_A_PERSON | ({"reason": CANARY} if reasons else {})
    found = {name: told.get(name, planted(each, reasons=reasons)) for name, each in value.items()}
    return found | ({"kind": "custom"} if "title" in found and "kind" in found else {})


def messages() -> Iterator[tuple[str, dict[str, Any]]]:
    for message_type, path in EXAMPLES.items():
        data = json.loads(path.read_text(encoding="utf-8"))["data"]
        yield message_type, planted(data, reasons=message_type in BY_CUSTOMERS_OR_TO_THEM)


def test_every_message_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(catalogue.BY_TYPE)


@pytest.mark.parametrize(("message_type", "data"), list(messages()), ids=list(EXAMPLES))
def test_nothing_of_a_person_is_left_and_the_message_is_still_read(message_type: str, data: dict[str, Any]) -> None:
    scrubbed = without_person(message_type, data)

    assert CANARY not in json.dumps(scrubbed)
    catalogue.BY_TYPE[message_type].model_validate(scrubbed)
    assert without_person(message_type, scrubbed) == scrubbed


def test_the_canary_was_in_what_is_about_people() -> None:
    planted_in = {message_type for message_type, data in messages() if CANARY in json.dumps(data)}
    assert planted_in >= {*BY_CUSTOMERS_OR_TO_THEM, "orchestrator.release_work_orders.v1"}


def test_what_an_order_is_accounted_by_stays() -> None:
    data = json.loads(EXAMPLES["shop.order_submitted.v1"].read_text(encoding="utf-8"))["data"]
    scrubbed = without_person("shop.order_submitted.v1", data)

    for kept in ("order_id", "number", "channel", "agreed_total", "submitted_at"):
        assert scrubbed[kept] == data[kept]
    assert scrubbed["customer"]["id"] == data["customer"]["id"]
    assert scrubbed["delivery"]["country"] == data["delivery"]["country"]
    for line, before in zip(scrubbed["lines"], data["lines"], strict=True):
        expected = CUSTOM_PIECE if before["kind"] == "custom" else before["title"]
        assert line == before | {"title": expected}


@pytest.mark.parametrize(
    ("message_type", "lines"),
    [("shop.order_submitted.v1", "lines"), ("orchestrator.release_work_orders.v1", "work_orders")],
)
def test_words_that_are_engraved_leave_and_what_is_paid_for_stays(message_type: str, lines: str) -> None:
    data = json.loads(EXAMPLES[message_type].read_text(encoding="utf-8"))["data"]
    extras = {"stones": {"ruby": 2}, "plating": "gold", "engraving": {"text": CANARY, "height_mm": "2"}}
    data[lines] = [data[lines][0] | {"kind": "custom", "extras": extras}]
    scrubbed = without_person(message_type, data)

    assert scrubbed[lines][0]["extras"] == extras | {"engraving": {"text": None, "height_mm": "2"}}
    read = catalogue.BY_TYPE[message_type].model_validate(data)
    assert CANARY not in repr(read), "words are kept out of logs"


def test_staff_and_our_own_reasons_stay_in_a_history() -> None:
    steps = [
        {"actor": "seller Maria", "reason": "Dear Anna, the wall is too thin"},
        {"actor": "stock", "reason": "Sold out: ring-1"},
        {"actor": "customer", "reason": "The customer did not agree to the new price."},
        {"actor": "customer Anna", "reason": "I moved to Perm"},
    ]

    assert history_without_person(steps) == [
        {"actor": "seller Maria", "reason": None},
        {"actor": "stock", "reason": "Sold out: ring-1"},
        {"actor": "customer", "reason": "The customer did not agree to the new price."},
        {"actor": "customer", "reason": None},
    ]
