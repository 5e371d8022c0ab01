"""Who may do what: deeds that belong to one role, tried by another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from step_defs.dsl.person import Person

if TYPE_CHECKING:
    from step_defs.dsl.world import World

ROLES: dict[str, str] = {
    "customer": "shopper",
    "покупатель": "shopper",
    "seller": "seller",
    "продавец": "seller",
    "operator": "operator",
    "оператор": "operator",
}

DEEDS: dict[str, str] = {
    "approve the order": "approve",
    "одобрить заказ": "approve",
    "take the order into work": "claim",
    "взять заказ в работу": "claim",
    "read the pay of operators": "pay",
    "посмотреть оплату операторов": "pay",
    "change the price book": "price_book",
    "изменить прайс-книгу": "price_book",
    "read the reconciliation report": "reconciliation",
    "прочитать отчёт о сверке": "reconciliation",
    "see everybody's accounts": "accounts",
    "посмотреть все учётные записи": "accounts",
}


def person_in_role(world: World, role: str, name: str) -> Person:
    """The person of this name in a role."""
    return {"shopper": world.shopper, "seller": world.seller, "operator": world.operator}[role](name)


def try_deed(world: World, person: Person, deed: str) -> None:
    """The person tries a deed; a refusal is remembered by the world."""
    if deed == "approve":
        person.tries("POST", f"/api/crm/v1/orders/{world.order.order_id}/approval", json={})
    elif deed == "claim":
        work_order = world.work_orders_of(world.order)[0]
        person.tries("POST", f"/api/mes/v1/work-orders/{work_order['work_order_id']}/claim", json={})
    elif deed == "price_book":
        person.tries("GET", "/api/pricing/v1/price-book")
    else:
        path = {
            "pay": "/api/mes/v1/pay",
            "reconciliation": "/api/orchestrator/v1/reconciliation",
            "accounts": "/api/identity/v1/users",
        }[deed]
        person.tries("GET", path)
