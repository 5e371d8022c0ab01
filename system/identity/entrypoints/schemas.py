"""What goes over HTTP: requests and answers of identity's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from system.identity.domain.rules import EMAIL_LENGTH_MAX, PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from system.identity.domain.user import Language, Role, User

_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
Email = Annotated[str, StringConstraints(min_length=3, max_length=EMAIL_LENGTH_MAX, pattern=_NO_CONTROL_CHARACTERS)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_NO_CONTROL_CHARACTERS)
]
Phone = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\+?[0-9 ()\-]{5,30}$")]
NewPassword = Annotated[str, StringConstraints(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]


class Body(BaseModel):
    """A request. A field that does not exist is refused, so that a misspelt one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RegistrationBody(Body):
    """A customer's new account."""

    email: Email = Field(examples=["anna@example.com"])
    password: NewPassword = Field(examples=["seven pearls in a shell"])
    name: Name = Field(examples=["Anna"])
    phone: Phone | None = Field(None, examples=["+7 900 000-00-00"])
    language: Language = Language.RUSSIAN


class GuestBody(Body):
    """Somebody without an account, as the shop meets them."""

    language: Language = Language.RUSSIAN


class ErasureBody(Body):
    """A customer leaves: with the password, or as a guest with the word `delete`."""

    password: Annotated[str, StringConstraints(max_length=PASSWORD_LENGTH_MAX)] = Field("", repr=False)
    word: Annotated[str, StringConstraints(max_length=40)] = ""


class ErasureBegun(BaseModel):
    """What happens from now on: the account is gone already, the rest follows within minutes."""

    goes: list[str]
    stays: list[str]


class SessionBody(Body):
    """A sign-in."""

    email: Email = Field(examples=["anna@example.com"])
    password: Annotated[str, StringConstraints(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


class ResetBody(Body):
    """Whose password is forgotten."""

    email: Email = Field(examples=["anna@example.com"])


class ResetAsked(BaseModel):
    """If there is such an account, a letter is on its way to it; its link holds for so many seconds."""

    lifetime_s: int


class NewPasswordBody(Body):
    """The password that is good from now on."""

    password: NewPassword = Field(examples=["seven pearls in a shell"])


class UserBody(Body):
    """An account that an administrator makes."""

    email: Email
    name: Name
    password: NewPassword
    roles: frozenset[Role]
    phone: Phone | None = None
    language: Language = Language.RUSSIAN


class RolesBody(Body):
    """All roles that a user has from now on; none takes all access away."""

    roles: frozenset[Role]


class Registered(BaseModel):
    """The id of a new account."""

    user_id: UUID


class GuestOpened(BaseModel):
    """A guest's session: the access token for what the shop does at once, and the Set-Cookie lines for the browser."""

    access_token: str
    user_id: UUID
    cookies: list[str]


class SessionUser(BaseModel):
    """Who is signed in."""

    id: UUID
    name: str
    email: str
    roles: list[Role]


class SessionAnswer(BaseModel):
    """A session: the access token, for how many seconds it is good, and whose it is."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - the name of a scheme, no secret
    expires_in: int
    user: SessionUser


class UserView(SessionUser):
    """An account as its owner or an administrator sees it."""

    phone: str | None
    language: Language
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """The view of a user; the password's hash stays inside."""
        return cls(
            id=user.user_id,
            name=user.name,
            email=user.email,
            roles=sorted(user.roles),
            phone=user.phone,
            language=user.language,
            created_at=user.created_at,
        )


class UserList(BaseModel):
    """Users, newest first, and the cursor of the next page."""

    items: list[UserView]
    next: str | None
