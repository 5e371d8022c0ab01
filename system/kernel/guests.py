"""How a guest is known, at every service: by an e-mail under a domain that nobody can ever have (RFC 2606)."""

from __future__ import annotations

GUEST_DOMAIN = "guest.invalid"


def is_guest_email(email: str) -> bool:
    """Whether this normal e-mail is the stand-in of somebody who buys without an account."""
    return email.endswith(f"@{GUEST_DOMAIN}")
