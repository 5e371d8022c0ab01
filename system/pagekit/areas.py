"""The places of the header, over all services: who sees which, and where somebody lands after signing in."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from system.pagekit.words import N_

SIGN_IN = "/sign-in"
FRONT = "/"
CART = "/shop/cart"
ORDERS = "/shop/orders"
MAKE = "/shop/make"
VISITOR = "visitor"
"""Whoever is not signed in, as if it were a role."""


@dataclass(frozen=True, slots=True)
class Area:
    """One place. `title` is a message of the catalogue."""

    address: str
    title: str
    roles: frozenset[str]


SHOP = (
    Area("/shop/", N_("Jewelry"), frozenset({VISITOR, "customer"})),
    Area(MAKE, N_("Make your own"), frozenset({VISITOR, "customer"})),
    Area(CART, N_("Cart"), frozenset({VISITOR, "customer"})),
    Area(ORDERS, N_("My orders"), frozenset({"customer"})),
)
AREAS = (
    Area("/crm/", N_("Approvals"), frozenset({"seller", "administrator"})),
    Area("/crm/cases", N_("Cases"), frozenset({"seller", "administrator"})),
    Area("/crm/reminders", N_("Reminders"), frozenset({"seller", "administrator"})),
    Area("/crm/escalations", N_("Escalated"), frozenset({"administrator"})),
    Area("/crm/search", N_("Search"), frozenset({"seller", "administrator"})),
    Area("/crm/customers", N_("Customers"), frozenset({"seller", "administrator"})),
    Area("/prices/", N_("Prices"), frozenset({"administrator"})),
    Area("/people", N_("People"), frozenset({"administrator"})),
    Area("/operations/", N_("Operations"), frozenset({"administrator"})),
    Area("/observability/", N_("Observability"), frozenset({"administrator"})),
    Area("/mes/", N_("Board"), frozenset({"operator", "seller", "administrator"})),
    Area("/mes/shift", N_("Shift"), frozenset({"seller", "administrator"})),
    Area("/mes/mine", N_("My work"), frozenset({"operator"})),
    Area("/mes/pay", N_("My pay"), frozenset({"operator"})),
    Area("/mes/losses", N_("Metal losses"), frozenset({"operator", "seller", "administrator"})),
    Area("/mes/rates", N_("Pay rates"), frozenset({"administrator"})),
    *SHOP,
)


def areas_of(roles: Set[str]) -> tuple[Area, ...]:
    """What somebody with these roles may enter, in the order of the header; without any role, what every visitor may."""
    return tuple(area for area in AREAS if not area.roles.isdisjoint(roles or {VISITOR}))


def home_of(roles: Set[str]) -> str:
    """Where the brand leads: staff to their first place, everybody else to the front page."""
    found = areas_of(roles)
    return found[0].address if found and found[0] not in SHOP else FRONT


def is_front(path: str, roles: Set[str]) -> bool:
    """Whether the page at this path is the one that the brand leads to: the front page has no other place in the header."""
    return path == FRONT and home_of(roles) == FRONT


def landing_of(roles: Set[str]) -> str:
    """The first place of somebody with these roles; the sign-in page itself for whom there is none yet."""
    home = home_of(roles)
    if home != FRONT:
        return home
    return ORDERS if "customer" in roles else SIGN_IN
