"""Where people come in: the addresses of the sign-ins, and where it goes on from there."""

from __future__ import annotations

from system.pagekit.areas import SIGN_IN

BADGE = f"{SIGN_IN}/badge"
WITH_PASSWORD = f"{SIGN_IN}?with=password"
"""At a workstation the sign-in leads to the badge; this is the way past it."""


def inside(address: str) -> str:
    """The address when it is one of ours, else nothing: a sign-in must not send people to strangers."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain and not address.startswith(SIGN_IN) else ""
