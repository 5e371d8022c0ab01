"""What identity refuses.

Refused
├── EmailTaken           409: somebody signs in with this e-mail already
├── NotAGuest            409: only a guest can become an account, and this is one
├── UserUnknown          404: there is no such user
├── LastAdministrator    409: nobody would be left to give the role back
├── InvalidCredentials   401: the e-mail or the password is wrong; which of them is not said
├── NotSignedIn          401: there is no session to go on with
│   └── SessionGoesOnElsewhere   another tab was a moment faster with the same token
├── TooManyAttempts      429: wrong passwords came too often; `retry_after_s` says when to try again, and so does Retry-After
├── TooManyResets       429: links for a new password were asked for too often; `retry_after_s`, and so does Retry-After
├── ResetLinkOver       404: the link was used, is too old, was replaced by a newer one, or never was
├── NotAWorkstation      403: badges open nothing on this device
├── WorkstationUnknown   404: there is no such workstation, or it was revoked
├── WorkstationTaken     409: another workstation has this name, or this browser is one already
├── BadgeUnreadable      422: what was scanned is no whole badge code
├── BadgeRefused         401: the badge or the PIN is wrong; which of them is not said
├── BadgeLocked          403: too many wrong PINs in a row; an administrator unlocks it
├── TooManyWrongPins     429: wrong PINs came too often at this workstation
├── NotAnOperator        409: badges are for operators
├── BadgeChanged         409: somebody has given or revoked the badge meanwhile
├── BadgeUnknown         404: the person has no badge
└── PasswordNeeded       403: a session by badge may not do this
"""

from __future__ import annotations

from typing import ClassVar

from system.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Refused


class EmailTaken(Conflict):
    """Somebody signs in with this e-mail already."""

    def __init__(self) -> None:
        super().__init__("email-taken", "An account with this e-mail exists: sign in, or use another e-mail.")


class NotAGuest(Conflict):
    """Only a guest can become an account, and this is one."""

    def __init__(self) -> None:
        super().__init__("not-a-guest", "You have an account already: there is nothing to register.")


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


class SessionGoesOnElsewhere(NotSignedIn):
    """Another tab was a moment faster with the same refresh token: the session goes on there, and for whoever shares its cookies."""

    def __init__(self) -> None:
        super().__init__("This session has just been continued by another page: load this one again.")


class TooManyAttempts(Refused):
    """Wrong passwords came too often for this e-mail."""

    status: ClassVar[int] = 429

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "too-many-attempts",
            f"Too many wrong passwords for this e-mail: try again in {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )


class TooManyResets(Refused):
    """Links for a new password were asked for too often for this e-mail, whether or not it has an account."""

    status: ClassVar[int] = 429

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "too-many-resets",
            f"Too many links were asked for with this e-mail: look for a letter from us, or try again in {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )


class ResetLinkOver(NotFound):
    """The link opens nothing: which of the reasons it is would tell a stranger too much."""

    def __init__(self) -> None:
        super().__init__(
            "reset-link-over", "This link was used, is too old, or a newer one took its place: ask for another letter."
        )


class NotAWorkstation(Forbidden):
    """Badges open nothing on this device: nobody registered it, or it was revoked."""

    def __init__(self) -> None:
        super().__init__(
            "not-a-workstation",
            "Badges work at registered workstations only: sign in with your password, or ask an administrator.",
        )


class WorkstationUnknown(NotFound):
    """There is no such workstation, or it was revoked."""

    def __init__(self) -> None:
        super().__init__("workstation-unknown", "There is no such workstation any more: look at the list.")


class WorkstationTaken(Conflict):
    """Another workstation has this name, or this browser is one already."""

    def __init__(self, *, name: str, here: bool) -> None:
        code, detail = (
            ("workstation-already", f"This browser is the workstation {name} already: revoke that first.")
            if here
            else ("workstation-name-taken", f"Another workstation is called {name}: choose another name.")
        )
        super().__init__(code, detail, name=name)


class BadgeUnreadable(Invalid):
    """What was scanned is no whole badge code."""

    def __init__(self) -> None:
        super().__init__("badge-unreadable", "This is no badge, or it was read in part: scan it again.")


class BadgeRefused(Refused):
    """The badge or the PIN is wrong; saying which would tell a finder which badge is a good one."""

    status: ClassVar[int] = 401

    def __init__(self) -> None:
        super().__init__("badge-refused", "The badge or the PIN is wrong.")


class BadgeLocked(Forbidden):
    """Too many wrong PINs in a row."""

    def __init__(self) -> None:
        super().__init__(
            "badge-locked", "This badge is locked after too many wrong PINs: an administrator can unlock it."
        )


class TooManyWrongPins(Refused):
    """Wrong PINs came too often at this workstation, whoever typed them."""

    status: ClassVar[int] = 429

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "too-many-wrong-pins",
            f"Too many wrong PINs at this workstation: try again in {retry_after_s} s.",
            retry_after_s=retry_after_s,
        )


class NotAnOperator(Conflict):
    """Badges are for operators."""

    def __init__(self) -> None:
        super().__init__(
            "not-an-operator", "Badges let operators in, and this account is none: give it the role first."
        )


class BadgeChanged(Conflict):
    """Somebody has given or revoked the badge meanwhile."""

    def __init__(self) -> None:
        super().__init__("badge-changed", "The badge was given or revoked meanwhile: look again before you go on.")


class BadgeUnknown(NotFound):
    """The person has no badge."""

    def __init__(self) -> None:
        super().__init__("badge-unknown", "This person has no badge: give one first.")


class PasswordNeeded(Forbidden):
    """A session by badge may not do this."""

    def __init__(self) -> None:
        super().__init__("password-needed", "A badge does not open this: sign in with your password.")
