"""What identity does from the command line, beside serving."""

from __future__ import annotations

import sys

from system.identity.application import handlers
from system.identity.application.commands import SeedStaff
from system.identity.application.handlers import Tools


async def seed(tools: Tools, *, environment: str, password: str) -> int:
    """Makes the demo staff; prints what changed. Refuses in production, and without a password."""
    if environment == "production":
        print("the demo staff is not for production: make accounts with POST /users instead", file=sys.stderr)
        return 1
    if not password:
        print("no password for the demo staff: set ALEXANDRITE_DEMO_PASSWORD, or its file", file=sys.stderr)
        return 1
    for line in await handlers.seed_staff(SeedStaff(password), tools) or ["the demo staff is there"]:
        print(line, flush=True)
    return 0
