"""What identity refuses.

Refused
├── EmailTaken           409: somebody signs in with this e-mail already
├── UserUnknown          404: there is no such user
├── LastAdministrator    409: nobody would be left to give the role back
├── InvalidCredentials   401: the e-mail or the password is wrong; which of them is not said
├── NotSignedIn          401: there is no session to go on with
└── TooManyAttempts      429: wrong passwords came too often; `retry_after_s` says when to try again, and so does Retry-After
"""

from __future__ import annotations

from typing import ClassVar

from system.kernel.errors import Conflict, NotFound, Refused


class EmailTaken(Conflict):
    """Somebody signs in with this e-mail already."""

    def __init__(self) -> None:
        super().__init__("email-taken", "An account with this e-mail exists: sign in, or use another e-mail.")


class UserUnknown(NotFound):
    """There is no such user."""

    def __init__(self) -> None:
        super().__init__("user-unknown", "There is no such user: look the id up in the list of users.")


class LastAdministrator(Conflict):
    """Nobody would be left to give the role back."""

    def __init__(self) -> None:
        super().__init__(
            "last-administrator", "This is the last administrator: make somebody else an administrator first."
        )


class InvalidCredentials(Refused):
    """The e-mail or the password is wrong; saying which would tell a stranger who has an account."""

    status: ClassVar[int] = 401

    def __init__(self) -> None:
        super().__init__("invalid-credentials", "The e-mail or the password is wrong.")


class NotSignedIn(Refused):
    """There is no session to go on with."""

    status: ClassVar[int] = 401

    def __init__(self, detail: str = "The session has ended: sign in again.") -> None:
        super().__init__("not-signed-in", detail)


class TooManyAttempts(Refused):
    """Wrong passwords came too often for this e-mail."""

    status: ClassVar[int] = 429

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "too-many-attempts",
            f"Too many wrong passwords for this e-mail: try again in {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )
