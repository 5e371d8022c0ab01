"""Parcels: the carrier's reports, and closing an order."""

from __future__ import annotations

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="the carrier reports the delivery",
    ru="перевозчик сообщает о доставке",
    about="The carrier's signed message about every parcel of the order.",
    example="the carrier reports the delivery",
)
@Given
@When
def carrier_reports(world: World) -> None:
    world.carrier.delivers(world.order)


@step(
    en="the carrier sends the same report again",
    ru="перевозчик повторяет то же сообщение",
    about="Carriers repeat a message until they are sure that it arrived.",
    example="the carrier sends the same report again",
)
@When
def carrier_repeats(world: World) -> None:
    acts.do(world.carrier.repeats)


@step(
    en="the carrier reports the next parcel before we note it",
    ru="перевозчик сообщает о следующей посылке раньше, чем мы её отметили",
    about="The report about the parcel that will be shipped next comes before the operator writes its number down.",
    example="the carrier reports the next parcel before we note it",
)
@Given
def carrier_is_early(world: World) -> None:
    acts.report_early(world)


@step(
    en="somebody else reports the delivery in the carrier's name",
    ru="кто-то другой сообщает о доставке от имени перевозчика",
    about="A report whose signature does not prove the carrier.",
    example="somebody else reports the delivery in the carrier's name",
)
@When
def impostor_reports(world: World) -> None:
    world.attempt(lambda: world.carrier.is_impersonated(world.order))


@step(
    en='seller {name:w} closes the order by hand: "{reason}"',
    ru="продавец {name:w} закрывает заказ вручную: «{reason}»",
    about="The carrier stays silent, the customer has confirmed: a seller closes a shipped order.",
    example='seller Maria closes the order by hand: "the customer confirmed"',
)
@When
def closes(world: World, name: str, reason: str) -> None:
    world.seller(name).closes(world.order, reason=reason)


@step(
    en="seller {name:w} tries to close the order",
    ru="продавец {name:w} пытается закрыть заказ",
    about="As closing, but a refusal is expected.",
    example="seller Maria tries to close the order",
)
@When
def tries_to_close(world: World, name: str) -> None:
    world.attempt(lambda: world.seller(name).decides(world.order, "closure", reason="to be done with it"))


@step(
    en="the customer sees the parcel",
    ru="покупатель видит посылку",
    about="Carrier and tracking number of every parcel are in the order.",
    example="the customer sees the parcel",
)
@Then
def parcel_is_shown(world: World) -> None:
    acts.shows_parcels(world.order)
