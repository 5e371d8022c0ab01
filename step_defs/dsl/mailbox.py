"""What people find in their mailboxes: letters of the system, known by what they say in the reader's language."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from step_defs.drivers.waiting import eventually, holds_for
from step_defs.dsl.order import SOON_S

if TYPE_CHECKING:
    from step_defs.drivers.post import Post
    from step_defs.dsl.person import Person
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

SAYS: dict[str, dict[str, str]] = {
    "received": {"en": "Your order {number} is with us", "ru": "Ваш заказ {number} у нас"},
    "confirmed": {
        "en": "Order {number} is confirmed and will be made",
        "ru": "Заказ {number} подтверждён и будет изготовлен",
    },
    "shipped": {"en": "Order {number} is on its way to you", "ru": "Заказ {number} в пути к вам"},
    "arrived": {"en": "Order {number} has arrived", "ru": "Заказ {number} доставлен"},
    "cancelled": {"en": "Order {number} is cancelled", "ru": "Заказ {number} отменён"},
    "rejected": {"en": "We cannot make order {number}", "ru": "Мы не можем выполнить заказ {number}"},
    "question": {
        "en": "Order {number}: a seller asks you something",
        "ru": "Заказ {number}: у продавца есть к вам вопрос",
    },
}
"""The subjects of the letters about an order."""
RESET_LINK = re.compile(r"https://[^\s/]+(/sign-in/reset/[\w-]+)")
FOLLOW_LINK = re.compile(r"https://[^\s/]+(/shop/track/[\w-]+)")
AWAY = "451 come back later"
STAYS_S = 0.6
"""How long a letter too many is watched for; one that is tried again comes in a third of it."""


class Mailbox:
    """The mailboxes of one scenario's people."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._shut: set[str] = set()

    @property
    def _post(self) -> Post:
        return self._world.backstage.post

    def close(self) -> None:
        """Opens again what was shut."""
        for address in self._shut:
            self._post.takes(address)

    def shuts(self, person: Person) -> None:
        """Takes no letters for this person, as a server that is busy or away."""
        self._shut.add(person.email)
        self._post.refuses(person.email, AWAY)

    def opens(self, person: Person) -> None:
        """Takes letters for this person again."""
        self._shut.discard(person.email)
        self._post.takes(person.email)

    def says(self, shopper: Shopper, kind: str) -> dict[str, Any]:
        """The one letter that says this about the scenario's order, in the reader's language. Waits for it; another one is a fault."""
        subject = SAYS[kind][shopper.letters_in].format(number=self._world.order.number)
        found = eventually(
            lambda: [letter for letter in self._post.letters(shopper.email) if letter["subject"] == subject],
            within_s=SOON_S,
            what=f"a letter to {shopper.name}: {subject}",
        )
        assert len(found) == 1, f"{shopper.name} got {len(found)} letters: {subject}"
        return found[0]

    def has_exactly(self, shopper: Shopper, kinds: list[str]) -> None:
        """These letters about the scenario's order, each once and in any order, and none comes after them."""
        number = self._world.order.number
        wanted = Counter(SAYS[kind][shopper.letters_in].format(number=number) for kind in kinds)

        def got() -> Counter[str]:
            return Counter(
                letter["subject"] for letter in self._post.letters(shopper.email) if number in letter["subject"]
            )

        eventually(
            got, lambda found: found == wanted, within_s=SOON_S, what=f"the letters to {shopper.name} are {wanted}"
        )
        holds_for(lambda: got() == wanted, seconds=STAYS_S, what=f"the letters to {shopper.name} are {wanted}")

    def is_empty(self, person: Person) -> None:
        """No letter has reached this person, and none comes."""
        holds_for(lambda: not self._post.letters(person.email), seconds=STAYS_S, what=f"{person.name} has no letters")

    def leads_to_order(self, shopper: Shopper, kind: str) -> None:
        """The link in this letter shows how far the order is to whoever opens it."""
        letter = self.says(shopper, kind)
        link = FOLLOW_LINK.search(letter["text"])
        assert link is not None and link[1] in letter["html"], f"no link to follow the order in: {letter['text']}"
        page = str(self._world.stranger.get(link[1]).body)
        assert self._world.order.number in page, f"{link[1]} does not show {self._world.order.number}"

    def reset_link(self, person: Person, *, seen: int = 0) -> str:
        """The way in that the newest letter about a forgotten password offers; `seen` of them were read before."""

        def links() -> list[str]:
            found = (RESET_LINK.search(letter["text"]) for letter in self._post.letters(person.email))
            return [link[1] for link in found if link is not None]

        return eventually(
            links, lambda found: len(found) > seen, within_s=SOON_S, what=f"a letter with a link to {person.name}"
        )[-1]
