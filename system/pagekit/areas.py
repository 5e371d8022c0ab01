"""The places of the header, over all services: who sees which, and where somebody lands after signing in."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from system.pagekit.words import N_

SIGN_IN = "/sign-in"


@dataclass(frozen=True, slots=True)
class Area:
    """One place. `title` is a message of the catalogue."""

    address: str
    title: str
    roles: frozenset[str]


AREAS = (
    Area("/crm/", N_("Approvals"), frozenset({"seller", "administrator"})),
    Area("/crm/reminders", N_("Reminders"), frozenset({"seller", "administrator"})),
    Area("/crm/escalations", N_("Escalated"), frozenset({"administrator"})),
    Area("/crm/search", N_("Search"), frozenset({"seller", "administrator"})),
    Area("/crm/customers", N_("Customers"), frozenset({"seller", "administrator"})),
    Area("/prices/", N_("Prices"), frozenset({"administrator"})),
    Area("/people", N_("People"), frozenset({"administrator"})),
    Area("/operations/", N_("Operations"), frozenset({"administrator"})),
    Area("/mes/", N_("Board"), frozenset({"operator", "seller", "administrator"})),
    Area("/mes/shift", N_("Shift"), frozenset({"seller", "administrator"})),
    Area("/mes/mine", N_("My work"), frozenset({"operator"})),
    Area("/mes/pay", N_("My pay"), frozenset({"operator"})),
    Area("/mes/losses", N_("Metal losses"), frozenset({"operator", "seller", "administrator"})),
    Area("/mes/rates", N_("Pay rates"), frozenset({"administrator"})),
)


def areas_of(roles: Set[str]) -> tuple[Area, ...]:
    """What somebody with these roles may enter, in the order of the header."""
    return tuple(area for area in AREAS if not area.roles.isdisjoint(roles))


def landing_of(roles: Set[str]) -> str:
    """The first place of somebody with these roles; the sign-in page itself for whom there is none yet."""
    found = areas_of(roles)
    return found[0].address if found else SIGN_IN
