"""`python -m step_defs.tour`: one order for a real 3D model, through its whole life, on the system that `make up` started."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from step_defs.assembly import address_of_up, given_address
from step_defs.drivers.address import SystemAddress
from step_defs.dsl.backstage import ADMINISTRATOR, Backstage
from step_defs.dsl.operator import Operator
from step_defs.dsl.order import Order
from step_defs.dsl.person import Person
from step_defs.dsl.seller import Seller
from step_defs.dsl.shopper import Shopper
from step_defs.dsl.world import World

MODEL = "pave-ring"
MATERIAL = "gold_585"
SELLER = ("Sofia", "sofia.seller@alexandrite.example")
OPERATOR = ("Oleg", "oleg.operator@alexandrite.example")
DEMO_STAFF = (
    ("administrator", ADMINISTRATOR),
    ("seller", "sergey.seller@alexandrite.example"),
    ("seller", SELLER[1]),
    ("operator", OPERATOR[1]),
    ("operator", "olga.operator@alexandrite.example"),
    ("operator", "otto.operator@alexandrite.example"),
    ("operator", "oksana.operator@alexandrite.example"),
)


@dataclass
class Story:
    """Prints what happens to the order, with the time since the start."""

    started: float = field(default_factory=time.monotonic)
    told: int = 0

    def tell(self, text: str) -> None:
        """One line."""
        print(f"  {time.monotonic() - self.started:6.2f} s  {text}", flush=True)

    def follow(self, order: Order) -> None:
        """The statuses that the customer sees and that were not told yet."""
        history = order.view()["history"]
        for step in history[self.told :]:
            self.tell(f"{order.number} is {step['status']}")
        self.told = len(history)


def demo(person: Person, name: str, email: str, password: str) -> None:
    """Makes a person of the scenario's world the seeded one of this e-mail."""
    person.name, person.email, person.password = name, email, password
    person.signs_in()


def walk(world: World, story: Story) -> Order:
    """One order from a customer's model to the customer's door, told as it happens."""
    anna, sofia, oleg = _people(world)
    story.tell(f"a customer registers as {anna.email}")
    verdict = anna.uploads(MODEL)
    story.tell(f"uploads {MODEL}.stl ({verdict['size_bytes']} bytes, {verdict['format']}): {verdict['status']}")
    quote = anna.asks_price(MODEL, MATERIAL)
    assert quote["status"] == "READY", f"the model has no price: {quote['problem']}"
    price = quote["total"]
    story.tell(f"asks the price in gold 585: {quote['weight_g']} g, {price['amount']} {price['currency']}")
    order = anna.starts_order()
    anna.adds_quoted(quote, file_id=anna.files[MODEL])
    anna.submits()
    stages: tuple[tuple[str, str, Callable[[], object]], ...] = (
        (f"{sofia.name} approves", "PRICE_CALCULATED", lambda: sofia.approves(order)),
        (f"{oleg.name} takes it", "MANUFACTURING_APPROVED", lambda: oleg.takes(order)),
        (f"{oleg.name} has made it", "MANUFACTURING_STARTED", lambda: oleg.completes(order)),
        (f"{oleg.name} packs it", "MANUFACTURING_COMPLETED", lambda: oleg.packs(order)),
        (f"{oleg.name} ships it", "PACKAGING", lambda: oleg.ships(order)),
        ("the carrier delivers it", "SHIPPED", lambda: world.carrier.delivers(order)),
    )
    for deed, awaited, act in stages:
        order.becomes(awaited)
        story.follow(order)
        act()
        story.tell(deed)
    order.becomes("CLOSED")
    story.follow(order)
    return order


def _people(world: World) -> tuple[Shopper, Seller, Operator]:
    password = world.backstage.address.demo_password
    anna, sofia, oleg = world.shopper("Anna"), world.seller(SELLER[0]), world.operator(OPERATOR[0])
    anna.door  # noqa: B018  registers and signs in
    demo(sofia, *SELLER, password)
    demo(oleg, *OPERATOR, password)
    return anna, sofia, oleg


def logins(address: SystemAddress) -> str:
    """Who can sign in, and with what."""
    lines = [f"  {role:<14} {email}" for role, email in DEMO_STAFF]
    return "\n".join([f"Demo logins (password {address.demo_password}):", *lines])


def main() -> int:
    """Prints the order's life, then where everything is. Returns 1, with the reason, when it did not get there."""
    try:
        address = given_address() or address_of_up()
    except (RuntimeError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    backstage = Backstage(address)
    world = World(backstage)
    print("One order through its whole life:", flush=True)
    try:
        order = walk(world, Story())
        admin = world.administrator("Anna")
        demo(admin, "Anna", ADMINISTRATOR, address.demo_password)
        print(f"\nIts timeline:\n{admin.timeline_text(order)}\n")
    except AssertionError as error:
        print(f"The order did not arrive: {error}", file=sys.stderr)
        return 1
    finally:
        world.close()
        backstage.close()
    print(f"Gateway: {address.url}   (trust .alexandrite/tls/ca.pem)")
    print(f"This order: {address.url}/api/orchestrator/v1/orders/{order.number}/timeline (as seller or administrator)")
    print(f"This customer: {world.shopper('Anna').email}, password: {world.shopper('Anna').password}")
    print(logins(address))
    return 0


if __name__ == "__main__":
    sys.exit(main())
