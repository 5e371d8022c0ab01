"""Where people come in: the addresses of the sign-ins and the sign-up, who is there already, and where it goes on from there."""

from __future__ import annotations

from fastapi import Request

from system.pagekit import returning
from system.pagekit.areas import SIGN_IN
from system.plumbing.auth import Principal, principal_or_none

SIGN_UP = "/sign-up"
BADGE = f"{SIGN_IN}/badge"
FORGOTTEN = f"{SIGN_IN}/forgotten"
RESET_PAGE = f"{SIGN_IN}/reset"
WITH_PASSWORD = f"{SIGN_IN}?with=password"
"""At a workstation the sign-in leads to the badge; this is the way past it."""


async def guest_here(request: Request) -> Principal | None:
    """The guest whose session this is, if it is one."""
    who = await principal_or_none(request)
    return who if who is not None and who.is_guest else None


def inside(address: str) -> str:
    """The address when it is one of ours, else nothing: a sign-in must not send people to strangers."""
    return returning.inside(address, but=(SIGN_IN, SIGN_UP))
