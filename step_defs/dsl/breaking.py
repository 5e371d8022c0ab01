"""What can go wrong, by the words that scenarios have for it.

Each entry breaks one thing for real and leaves with `world.faults` how it is mended: when the scenario says so, or at its end.
Nobody waits for hours in a scenario: where only time makes something wrong, what the database holds of it becomes older.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from step_defs.drivers.broker import Captured
from step_defs.drivers.waiting import eventually
from step_defs.dsl.order import SOON_S, Order

if TYPE_CHECKING:
    from step_defs.dsl.shopper import Shopper
    from step_defs.dsl.world import World

Break = Callable[["World"], None]

APPROVED = "crm.order_approved.v1"
CHANGED = "orchestrator.order_changed.v1"
PRICE_ORDER = "orchestrator.price_order.v1"
NOBODY_HEARS = "crm.said_to_nobody.v2"
TRIED_OUT_WITHIN_S = 60.0
"""How long it takes until a message has failed for the last time."""
NO_DATABASE_KEEPS = 2**40
LATER = "interval '6 hours'"


# -- parts that are away -----------------------------------------------------------------------------------------


def away(part: str) -> Break:
    """A part of the system is stopped."""
    return lambda world: world.faults.stop(part)


def cancellation_is_unheard(world: World) -> None:
    """A seller cancels what production was asked to make, and production answers nobody."""
    order = world.road.bring(world.shopper("Nora"), "MANUFACTURING_APPROVED")
    world.faults.stop("mes")
    world.seller_who_looks.cancels(order, reason="the customer called")


def locked_out(service: str) -> Break:
    """A service's role may not sign in to its database any more, and its sessions are ended."""

    def break_it(world: World) -> None:
        sql, role = world.backstage.containers.sql, f"{service}_app"
        world.faults.mended_by(lambda: sql("postgres", f"ALTER ROLE {role} LOGIN"))
        sql("postgres", f"ALTER ROLE {role} NOLOGIN")
        mine = f"FROM pg_stat_activity WHERE usename = '{role}'"
        sql("postgres", f"SELECT count(pg_terminate_backend(pid)) {mine}")

    return break_it


def shop_cannot_send(world: World) -> None:
    """The shop's messages are somebody's to send who is no more, and holds on to them; a customer begins an order meanwhile."""
    sql, ghost = world.backstage.containers.sql, f"nobody-{world.unique}"
    free = f"UPDATE bucket_lease SET holder = NULL, expires_at = NULL WHERE holder = '{ghost}'"  # noqa: S608
    world.faults.mended_by(lambda: sql("shop", free))
    held = f"holder = '{ghost}', expires_at = clock_timestamp() + {LATER}"
    sql("shop", f"UPDATE bucket_lease SET {held} WHERE role = 'relay'")  # noqa: S608
    sending = 'sum(alexandrite_leased_buckets{service="shop", role="relay"})'
    eventually(
        lambda: world.on_call.prometheus.value(sending),
        lambda held: held == 0,
        within_s=SOON_S,
        what="the shop sends nothing",
    )
    order = world.shopper("Olivia").starts_order()
    mine = f"published_at IS NULL AND subject = '{order.order_id}'"
    _older(world, "shop", "outbox", f"occurred_at = occurred_at - {LATER}", mine)


def nothing_more(world: World) -> None:
    """The same fault has a second face."""


def pricing_is_locked_out(world: World) -> None:
    """Pricing cannot get to its database, and finds that out by something that it was asked to do before."""
    _, asked = _heard(world, PRICE_ORDER, world.shopper("Paula"), "PRICE_CALCULATED")
    locked_out("pricing")(world)
    world.backstage.broker.publish(asked, routing_key="to.pricing")


def table_is_locked(world: World) -> None:
    """Somebody holds a table for themself, and others wait for it."""
    table, containers = f"scenario_{world.unique}", world.backstage.containers
    world.faults.mended_by(lambda: containers.sql("shop", f"DROP TABLE {table}"))
    containers.sql("shop", f"CREATE TABLE {table} ()")
    held = f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)"
    for statement in (held, f"TABLE {table}"):
        world.faults.until_mended(containers.sql_meanwhile("shop", statement))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = 'shop')"
    eventually(lambda: int(containers.sql("postgres", waiting)), within_s=SOON_S, what="somebody waits for the table")


# -- orders that wait ----------------------------------------------------------------------------------


def order_waits_for_its_parcel(world: World) -> None:
    """An order is being packed, and the time that packing may take is over."""
    order = world.road.bring(world.shopper("Rita"), "PACKAGING")
    world.faults.mended_by(lambda: world.road.continue_to(order, "SHIPPED"))
    _older(world, "orchestrator", "orders", "budget_until = clock_timestamp()", f"order_id = '{order.order_id}'")


# -- messages ----------------------------------------------------------------------------------------------------


def message_is_unreadable(world: World) -> None:
    """A seller's decision arrives without the moment of it."""
    order, approval = _heard(world, APPROVED, world.shopper("Dora"), "MANUFACTURING_APPROVED")
    whole = approval.envelope
    cut = whole | {"id": str(uuid.uuid4()), "data": {"order_id": order.order_id}}
    world.backstage.broker.publish(approval.with_body(cut), routing_key="to.orchestrator")
    world.faults.mended_by(lambda: _deliver_mended(world, order, whole))


def message_fails_again_and_again(world: World) -> None:
    """The sellers' system cannot keep a piece of news, however often it tries."""
    poison(world, world.shopper("Mina"))


def poison(world: World, shopper: Shopper) -> Order:
    """News about a new order of this customer that no database keeps, in CRM's hands until it gives up; mended by the true news."""
    order, news = _heard(world, CHANGED, shopper, "PRICE_CALCULATED")
    true = news.envelope["data"]
    false = news.envelope | {"id": str(uuid.uuid4()), "data": true | {"version": NO_DATABASE_KEEPS}}
    world.backstage.broker.publish(news.with_body(false), routing_key="to.crm")
    world.faults.mended_by(lambda: _deliver_mended(world, order, true))
    return order


def message_waits_for_another(world: World) -> None:
    """Two things were said of an order, and only the second one ever came."""
    order, approval = _heard(world, APPROVED, world.shopper("Hanna"), "MANUFACTURING_APPROVED")
    said, broker = approval.envelope, world.backstage.broker

    def later(by: int) -> Captured:
        return approval.with_body(said | {"id": str(uuid.uuid4()), "sequence": said["sequence"] + by})

    broker.publish(later(2), routing_key="to.orchestrator")
    world.faults.mended_by(lambda: broker.publish(later(1), routing_key="to.orchestrator"))
    mine = f"state = 'held' AND subject = '{order.order_id}'"
    _older(world, "orchestrator", "inbox", f"received_at = received_at - {LATER}", mine)


def message_finds_no_reader(world: World) -> None:
    """The sellers' system has something to say that no queue of the broker takes."""
    said, subject, sql = str(uuid.uuid4()), str(uuid.uuid4()), world.backstage.containers.sql
    mine = f"event_id = '{said}'"
    world.faults.mended_by(lambda: sql("crm", f"DELETE FROM outbox WHERE {mine}"))  # noqa: S608
    sql(
        "crm",
        "INSERT INTO outbox (event_id, source, subject, sequence, bucket, type, data, occurred_at)"  # noqa: S608
        f" VALUES ('{said}', 'crm', '{subject}', 1, 0, '{NOBODY_HEARS}', '{{}}', clock_timestamp())",
    )


# -- how -----------------------------------------------------------------------------------------------------------


def _heard(world: World, message_type: str, shopper: Shopper, status: str) -> tuple[Order, Captured]:
    """A new order of this customer in this status, and the first message of a type about it, as it crossed the broker."""
    with world.backstage.broker.listening(message_type) as tap:
        order = world.road.bring(shopper, status)
        return order, tap.first(order.order_id)


def _deliver_mended(world: World, order: Order, body: dict[str, Any]) -> None:
    administrator = world.administrator()
    for message in administrator.set_aside(order):
        administrator.replays(message, body=body)


def _older(world: World, database: str, table: str, change: str, mine: str) -> None:
    """Waits until there is a row of ours, and makes it older."""
    eventually(
        lambda: world.backstage.containers.sql(database, f"UPDATE {table} SET {change} WHERE {mine} RETURNING 1"),  # noqa: S608
        within_s=SOON_S,
        what=f"a row of {table} where {mine}",
    )


BREAKS: dict[str, Break] = {
    "the operators' system is away": away("mes"),
    "система операторов недоступна": away("mes"),
    "the memory of sessions is away": away("redis"),
    "память сессий недоступна": away("redis"),
    "the storage of models is away": away("s3"),
    "хранилище моделей недоступно": away("s3"),
    "the message broker is away": away("rabbitmq"),
    "брокер сообщений недоступен": away("rabbitmq"),
    "production does not answer a cancellation": cancellation_is_unheard,
    "производство не отвечает на отмену": cancellation_is_unheard,
    "pricing cannot get to its database": pricing_is_locked_out,
    "расчётчику цен закрыта его база": pricing_is_locked_out,
    "what the shop says does not get away": shop_cannot_send,
    "сообщения магазина не уходят": shop_cannot_send,
    "pricing has no figures any more": nothing_more,
    "у расчётчика цен больше нет показателей": nothing_more,
    "the database is away": away("postgres"),
    "база данных недоступна": away("postgres"),
    "a table of the shop is locked": table_is_locked,
    "таблица магазина заперта": table_is_locked,
    "an order waits too long for its parcel": order_waits_for_its_parcel,
    "заказ слишком долго ждёт упаковки": order_waits_for_its_parcel,
    "a message cannot be read": message_is_unreadable,
    "сообщение нельзя прочитать": message_is_unreadable,
    "a message fails again and again": message_fails_again_and_again,
    "сообщение не удаётся обработать": message_fails_again_and_again,
    "a message waits for one that never comes": message_waits_for_another,
    "сообщение ждёт того, которое не приходит": message_waits_for_another,
    "a message finds no reader": message_finds_no_reader,
    "у сообщения нет читателя": message_finds_no_reader,
}
"""What tables of faults may say, in both languages."""
