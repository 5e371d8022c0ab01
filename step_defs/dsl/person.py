"""A person with an account: signs in when first needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from step_defs.drivers.http import Door, Refusal, Reply

if TYPE_CHECKING:
    from step_defs.dsl.backstage import Session
    from step_defs.dsl.world import World


class Person:
    """Somebody who uses the system. `door` is their way in, signed in at first use."""

    roles: tuple[str, ...] = ()

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.email = email_of(name, world.unique, "-".join(self.roles) or "customer")
        self.password = f"only {name} knows {world.unique}"
        self._door: Door | None = None
        self._user: dict[str, Any] = {}
        self.reset_link = ""
        self.old_password = ""
        self.shares_session = False
        """Whether somebody else opened their session: then nobody knows a password to type into a page."""

    @property
    def door(self) -> Door:
        """The person's connection; opens their session first when there was none."""
        if self._door is None:
            self.get_account()
            self.signs_in()
        assert self._door is not None
        return self._door

    @property
    def user_id(self) -> str:
        """Who they are to the system."""
        self.door  # noqa: B018  the account exists from here on
        return str(self._user["id"])

    def get_account(self) -> None:
        """How this kind of person comes to have an account."""
        self.world.backstage.employ(name=self.name, email=self.email, password=self.password, roles=list(self.roles))

    def forgets_password(self) -> None:
        """Asks for a letter with a link, where nobody is signed in. Raises Refusal."""
        self.world.account_desk_of(self).asks(self.email)

    def chooses_password(self) -> None:
        """Sets another password by the letter's link, and from then on knows no other. Raises Refusal."""
        self.reset_link = self.world.mailbox.reset_link(self)
        password = f"{self.name} has learned it: {self.world.unique}"
        self.world.account_desk_of(self).resets(self.reset_link, password)
        self.old_password, self.password = self.password, password

    def tries_link_again(self) -> None:
        """The link of the letter once more. Raises Refusal."""
        self.world.account_desk_of(self).resets(self.reset_link, "not for the second time")

    def has_new_password_alone(self) -> None:
        """The new password opens a session, the one of before opens none."""
        self.world.attempt(lambda: self.signs_in(self.old_password))
        self.world.was_refused("the e-mail or password is wrong")
        self.signs_in()

    @property
    def is_here(self) -> bool:
        """Whether they came in already."""
        return self._door is not None

    def uses(self, session: Session) -> None:
        """Comes in with a session that is open already, unless they came in before."""
        if self._door is None:
            self._door = Door(self.world.backstage.address)
            self._door.token, self._user = session.token, session.user
            self.shares_session = True

    def signs_in(self, password: str | None = None) -> None:
        """Opens a session with e-mail and password. Raises Refusal."""
        door = self._door or Door(self.world.backstage.address)
        # Kept before signing in, so that a refused sign-in still ends its connection.
        self._door = door
        self._user = door.sign_in(email=self.email, password=password or self.password)["user"]

    def signs_out(self) -> None:
        """Ends the session but keeps its keys, to try them on the closed doors."""
        self.door.sign_out()

    def leaves(self) -> None:
        """Ends the connection."""
        if self._door is not None:
            self._door.close()

    def tries(self, method: str, path: str, json: Any = None) -> Reply | Refusal:
        """Does something that may be refused; the refusal is remembered for the scenario and returned."""
        result: Reply | Refusal = self.world.attempt(lambda: self.door.ask(method, path, json=json))
        return result


def email_of(name: str, unique: str, kind: str) -> str:
    """An address that no other scenario has; the name's letters when they are plain ones."""
    letters = re.sub(r"[^a-z]", "", name.lower())
    return f"{letters or 'person'}.{kind}+{unique}{abs(hash_of(name)):x}@customers.example"


def hash_of(name: str) -> int:
    """A small number of a name, the same in every process."""
    return sum((place + 1) * ord(letter) for place, letter in enumerate(name))
