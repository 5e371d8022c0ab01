"""One customer whose every word is marked, and all the places where a marked word has no business."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from step_defs.drivers.http import Refusal, Trouble
from step_defs.drivers.prometheus import Prometheus
from step_defs.drivers.waiting import eventually
from step_defs.dsl.breaking import TRIED_OUT_WITHIN_S, locked_out
from step_defs.dsl.canaries import Canary, Find, Marked, look, look_in_message
from step_defs.dsl.leaving import DATABASES
from step_defs.dsl.on_call import ADDRESS, ALERTS, ROWS_MAX
from step_defs.dsl.order import SOON_S

if TYPE_CHECKING:
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

SUBMITTED = "shop.order_submitted.v1"
STORE = "observability"
MOMENTS = {"span": "started_at", "log_line": "at"}
"""The large tables of the store, and the column by which only what came of this scenario is read."""
TABLES = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""
TELLING = {"shop", "crm", "identity"}
TOLD_WITHIN_S = 30.0
SHOWN_MAX = 12
FAILS_OFTEN = 3


class Secrets:
    """What the marked customer of a scenario said, and since when."""

    def __init__(self, shopper: Shopper) -> None:
        self.shopper = shopper
        self.said = Marked()
        self.since = datetime.now(UTC)

    @property
    def canaries(self) -> list[Canary]:
        """Every marked word that was said so far."""
        return self.said.canaries()


def mark(world: World, shopper: Shopper) -> None:
    """From here on everything that this customer says is marked, the account that they open among it."""
    assert not shopper.is_here, f"{shopper.name} came in already"
    world.faults.listen("#")
    secrets = world.secrets = Secrets(shopper)
    said = secrets.said
    shopper.name, shopper.email, shopper.phone = said.name, said.email, said.phone
    shopper.password, shopper.address, shopper.calls_files = said.password, said.address, said.file


def goes_whole_way(world: World) -> None:
    """The customer does everything that customers do, some of it wrong, and our people work with what they said."""
    secrets = secrets_of(world)
    shopper, said = secrets.shopper, secrets.said
    order = world.road.bring(shopper, "PRICE_CALCULATED")
    world.attempt(lambda: shopper.door.sign_in(email=said.email, password=said.mistyped))
    # The address is taken: by nobody but them.
    world.attempt(shopper.registers)
    for text in (said.engraving, said.question):
        shopper.writes(text)
    seller = world.seller_who_looks
    for words in (said.name, said.email, said.phone):
        seller.finds(words, expect=order)
    seller.care.writes_note(order.order_id, said.note)
    world.road.continue_to(order, "SHIPPED")
    shopper.opens_case("complaint", "not_as_ordered", said.complaint)


def messages_fail(world: World) -> None:
    """What they said comes twice more: as news that cannot be read, and of an order that was just begun, which no database keeps."""
    order = secrets_of(world).shopper.order
    begun = world.road.bring(world.shopper("Boris"), "INITIATED")
    world.order = order
    news = next(each for each in world.faults.heard(order) if each.envelope["type"] == SUBMITTED)
    said = news.envelope
    unreadable = {name: each for name, each in said["data"].items() if name != "submitted_at"}
    of_begun = said["data"] | {"order_id": begun.order_id, "number": begun.number}
    for number, (about, data) in enumerate(((order, unreadable), (begun, of_begun | {"number": "A" * 200}))):
        again = said | {"id": _other(said["id"], number), "subject": about.order_id, "data": data}
        world.backstage.broker.publish(news.with_body(again), routing_key="to.crm")
    administrator = world.administrator()

    def set_aside() -> list[dict[str, Any]]:
        return [message for about in (order, begun) for message in administrator.set_aside(about)]

    eventually(
        set_aside,
        lambda found: {message["state"] for message in found} >= {"dead", "parked"},
        within_s=TRIED_OUT_WITHIN_S,
        what="both messages are set aside",
    )
    whole = {"dead": said, "parked": of_begun}
    for message in set_aside():
        administrator.replays(message, body=whole[message["state"]])


def requests_fail(world: World) -> None:
    """For a while three services cannot get to their databases, and what the customer says to them is answered with an error."""
    secrets = secrets_of(world)
    shopper, said, seller = secrets.shopper, secrets.said, world.seller_who_looks
    order_id, seller_door, own_door = shopper.order.order_id, seller.door, shopper.door
    asks: dict[str, Callable[[], object]] = {
        "shop": lambda: own_door.post(f"/api/shop/v1/orders/{order_id}/letters", {"text": said.question}),
        "crm": lambda: seller_door.get("/api/crm/v1/orders", query=said.email),
        "identity": lambda: world.stranger.sign_in(email=said.email, password=said.password),
    }
    for service, ask in asks.items():
        locked_out(service)(world)
        failed = sum(_fails(ask) for _ in range(FAILS_OFTEN))
        assert failed, f"{service} answered without its database: nothing was tried"
        world.backstage.containers.sql("postgres", f"ALTER ROLE {service}_app LOGIN")
        eventually(lambda ask=ask: not _fails(ask), within_s=SOON_S, what=f"{service} answers again")  # type: ignore[misc]


def _fails(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except Trouble:
        return True
    except Refusal:
        # A word on it is an answer.
        return False
    return False


def _other(message_id: str, number: int) -> str:
    """An id like this one, and not this one."""
    return message_id[:-2] + f"{(int(message_id[-2:], 16) + 1 + number) % 256:02x}"


# -- the places --------------------------------------------------------------------------------------------------


def in_logs(world: World) -> Iterator[Find]:
    """What every process of the system wrote, the servers among them."""
    secrets = secrets_of(world)
    logs = world.backstage.containers.logs_since(secrets.since)
    assert logs.get("shop"), "the shop wrote nothing: there is nothing to look through"
    for service, text in logs.items():
        yield from look(f"log of {service}", text, secrets.canaries)


def in_store(world: World) -> Iterator[Find]:
    """Every table of what is kept of the processes' work."""
    secrets, sql = secrets_of(world), world.backstage.containers.sql
    for table in sql(STORE, TABLES).split():
        moment = MOMENTS.get(table)
        since = f" WHERE {moment} >= '{secrets.since.isoformat()}'" if moment else ""
        rows = sql(STORE, f'SELECT row_to_json(t) FROM "{table}" t{since}')  # noqa: S608
        assert rows or not moment, f"nothing of this scenario is in {table}: there is nothing to look through"
        yield from look(f"store, table {table}", rows, secrets.canaries)


def in_figures(world: World) -> Iterator[Find]:
    """The names, labels and values by which figures are known."""
    prometheus = Prometheus(world.backstage.address)
    try:
        for label, values in prometheus.label_values().items():
            yield from look(f"figures, label {label}", "\n".join([label, *values]), secrets_of(world).canaries)
    finally:
        prometheus.close()


def in_alerts(world: World) -> Iterator[Find]:
    """What Prometheus holds of alerts, what the page of alerts shows, and the letters to whoever is on call."""
    canaries, prometheus = secrets_of(world).canaries, Prometheus(world.backstage.address)
    try:
        yield from look("alerts of Prometheus", _text(prometheus.alerts()), canaries)
    finally:
        prometheus.close()
    for state in ("firing", "resolved"):
        shown = world.backstage.admin.get(ALERTS, state=state, limit=ROWS_MAX).body
        yield from look(f"page of alerts, {state}", _text(shown), canaries)
    yield from look("letters to whoever is on call", _text(world.backstage.post.letters(ADDRESS)), canaries)


def in_messages(world: World) -> Iterator[Find]:
    """Messages about the order on the broker and as they are kept, but for what their readers need; and why some failed."""
    secrets = secrets_of(world)
    order, canaries = secrets.shopper.order, secrets.canaries
    heard = world.faults.heard(order)
    assert any(message.envelope["type"] == SUBMITTED for message in heard), "no message of the order was heard"
    for message in heard:
        yield from look_in_message(f"broker, {message.envelope['type']}", message.envelope, canaries)
        yield from look("properties of a message", _text([message.routing_key, message.properties]), canaries)
    for database in DATABASES:
        yield from _in_boxes(world, database, order.order_id, canaries)


def _in_boxes(world: World, database: str, order_id: str, canaries: list[Canary]) -> Iterator[Find]:
    def rows(query: str) -> list[dict[str, Any]]:
        said = world.backstage.containers.sql(database, f"SELECT row_to_json(t) FROM ({query}) t")  # noqa: S608
        return [json.loads(line) for line in said.splitlines()]

    for row in rows(f"SELECT * FROM outbox WHERE subject = '{order_id}'"):  # noqa: S608
        yield from look_in_message(f"outbox of {database}", row, canaries)
    for row in rows(f"SELECT * FROM inbox WHERE subject = '{order_id}'"):  # noqa: S608
        yield from look_in_message(f"inbox of {database}", row.pop("envelope") or {}, canaries)
        yield from look(f"inbox of {database}, beside the message", _text(row), canaries)
    for row in rows(f"SELECT * FROM dead_letter WHERE subject = '{order_id}'"):  # noqa: S608
        body = bytes.fromhex(row.pop("body").removeprefix("\\x"))
        yield from look_in_message(f"dead letters of {database}", json.loads(body), canaries)
        yield from look(f"dead letters of {database}, beside the message", _text(row), canaries)


PLACES: dict[str, Callable[[World], Iterator[Find]]] = {
    "the logs of all processes": in_logs,
    "журналы всех процессов": in_logs,
    "what is kept of traces and log lines": in_store,
    "сохранённые трассы и строки журналов": in_store,
    "the figures": in_figures,
    "показатели": in_figures,
    "the alerts and the letters about them": in_alerts,
    "оповещения и письма о них": in_alerts,
    "messages, but for what their readers need": in_messages,
    "сообщения, кроме нужного их читателям": in_messages,
}


def all_is_told(world: World) -> None:
    """Waits until what the services did up to now is kept: each does something more, and that is waited for."""
    secrets, began = secrets_of(world), datetime.now(UTC)
    shopper, said = secrets.shopper, secrets.said
    shopper.door.post(f"/api/shop/v1/orders/{shopper.order.order_id}/letters", {"text": said.question})
    world.seller_who_looks.care.writes_note(shopper.order.order_id, said.note)
    world.stranger.sign_in(email=said.email, password=said.password)
    telling = f"SELECT DISTINCT service FROM span WHERE started_at >= '{began.isoformat()}'"  # noqa: S608
    eventually(
        lambda: set(world.backstage.containers.sql(STORE, telling).split()),
        lambda services: services >= TELLING,
        within_s=TOLD_WITHIN_S,
        what=f"what {', '.join(sorted(TELLING))} did is kept",
    )


def is_nowhere(world: World, places: list[str]) -> None:
    """No marked word is in any of these places. Raises AssertionError that names each find."""
    unknown = [place for place in places if place not in PLACES]
    assert not unknown, f"nobody looks into {unknown}; there are: {', '.join(PLACES)}"
    secrets = secrets_of(world)
    assert len(secrets.canaries) >= len(("name", "e-mail", "phone", "address", "password")), "nothing was said"
    all_is_told(world)
    found = [find for place in places for find in PLACES[place](world)]
    shown = "\n".join(str(find) for find in found[:SHOWN_MAX])
    assert not found, f"{len(found)} times a word of {secrets.shopper.name} is where it is not needed:\n{shown}"


def secrets_of(world: World) -> Secrets:
    """The marked customer's. Raises AssertionError when nobody is marked."""
    assert world.secrets is not None, "nobody's words are marked in this scenario"
    return world.secrets


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
