"""What comes of a customer's wish to take their data along, or to be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.care_desk import CRM

if TYPE_CHECKING:
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

FORGOTTEN_WITHIN_S = 60.0
DATABASES = ("identity", "shop", "files", "pricing", "orchestrator", "crm", "mes")
TRACES = """
SELECT string_agg(DISTINCT table_name, ', ')
FROM information_schema.tables, unnest(ARRAY[{words}]) AS word
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND CAST(query_to_xml(format(
    'SELECT 1 AS trace FROM %I AS t WHERE position(%L IN CAST(row_to_json(t) AS text)) > 0 LIMIT 1', table_name, word
), true, false, '') AS text) LIKE '%<trace>%'
"""
"""The tables that hold one of these words, in any row."""

ACCOUNTED = ("number", "status", "agreed_total", "total", "submitted_at")


def takes_data(shopper: Shopper) -> None:
    """The customer takes their data along."""
    shopper.own_data = shopper.own_place.own_data()


def data_is_whole(world: World, shopper: Shopper) -> None:
    """It holds who they are, what they ordered and where it went, and the model it was made from. Raises AssertionError."""
    told = shopper.own_data
    assert told["missing"] == [], f"it lacks {told['missing']}"
    assert told["account"]["email"] == shopper.email, "it is about another account"
    [order] = [each for each in told["shop"]["orders"] if each["number"] == world.order.number]
    assert order["contact"]["phone"] == shopper.phone and order["delivery"]["address"], "it does not say where it went"
    sent = {model["file_id"] for model in told["files"]["models"]}
    made_from = {piece["model_file"] for piece in order["pieces"]}
    assert made_from <= sent, f"the models {made_from - sent} are not in it"
    assert set(told["crm"]) == {"letters", "returns_and_complaints", "notes_about_you", "reminders_about_you"}
    assert told["pricing"], "it lacks the prices they asked for"


def has_data_deleted(world: World, shopper: Shopper) -> None:
    """The customer has their data deleted. What sellers see of the order is remembered first. Raises Refusal."""
    shopper.accounted = _seen_by_sellers(world)
    shopper.own_place.leaves_us(shopper.password)


def sellers_find_nobody(world: World, shopper: Shopper) -> None:
    """Waits until no seller finds the customer, by whatever they are called."""
    door = world.seller_who_looks.door

    def found() -> list[Any]:
        called = (shopper.email, shopper.phone)
        return [each for words in called for each in door.get(f"{CRM}/customers", query=words).body["items"]]

    eventually(
        found, lambda customers: not customers, within_s=FORGOTTEN_WITHIN_S, what=f"no seller finds {shopper.name}"
    )


def order_is_accounted_for(world: World, shopper: Shopper) -> None:
    """Waits until the order has nobody's name, and everything it is accounted by as it was."""
    seen = eventually(
        lambda: _seen_by_sellers(world),
        lambda order: not order["customer"]["email"] and not order["delivery"]["recipient"],
        within_s=FORGOTTEN_WITHIN_S,
        what=f"nobody's name stands in {world.order.number}",
    )
    changed = [name for name in ACCOUNTED if seen[name] != shopper.accounted[name]]
    assert not changed, f"{changed} of {world.order.number} changed"
    kept = [(line["material"], line["quantity"], line["agreed_total"]) for line in seen["lines"]]
    before = [(line["material"], line["quantity"], line["agreed_total"]) for line in shopper.accounted["lines"]]
    assert kept == before, f"the lines of {world.order.number} changed"


def nothing_is_left(world: World, shopper: Shopper) -> None:
    """Waits until no row of any service's database holds their e-mail or phone, as text or as bytes."""
    words = (shopper.email, shopper.phone, shopper.email.encode().hex(), shopper.phone.encode().hex())
    look = TRACES.format(words=", ".join(f"'{word}'" for word in words))

    def found() -> dict[str, str]:
        traces = {name: world.backstage.containers.sql(name, look) for name in DATABASES}
        return {name: tables for name, tables in traces.items() if tables}

    eventually(
        found,
        lambda traces: not traces,
        within_s=FORGOTTEN_WITHIN_S,
        what=f"nothing of {shopper.name} is left anywhere",
    )


def _seen_by_sellers(world: World) -> dict[str, Any]:
    order: dict[str, Any] = world.seller_who_looks.door.get(f"{CRM}/orders/{world.order.order_id}").body
    return order
