"""Faults that strike while people are at work: what the fault matrix does by the hundred, one at a time, in the business's words."""

from __future__ import annotations

from step_defs.dsl import fault_acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="operators {first:w} and {second:w} take the order while the operators' system dies and comes back",
    ru="операторы {first:w} и {second:w} берут заказ, пока система операторов гибнет и возвращается",
    about="Both press the button, nobody answers, both press again until somebody does.",
    example="operators Oleg and Olga take the order while the operators' system dies and comes back",
)
@When
def claim_during_restart(world: World, first: str, second: str) -> None:
    fault_acts.claim_during_restart(world, first, second)


@step(
    en="{name:w} submits the order and cancels it in the same moment",
    ru="покупатель {name:w} отправляет заказ и тут же его отменяет",
    about="Before there can be a price: the cancellation overtakes the calculation.",
    example="Anna submits the order and cancels it in the same moment",
)
@When
def cancels_while_priced(world: World, name: str) -> None:
    fault_acts.cancel_while_priced(world, world.shopper(name))


@step(
    en="the message broker has no room",
    ru="у брокера сообщений нет места",
    about="RabbitMQ is at the end of its memory and takes no message until there is room again.",
    example="the message broker has no room",
)
@Given
@When
def broker_is_full(world: World) -> None:
    fault_acts.fill_broker(world)


@step(
    en="the message broker has room again",
    ru="у брокера сообщений снова есть место",
    about="RabbitMQ takes messages again.",
    example="the message broker has room again",
)
@When
def broker_has_room(world: World) -> None:
    fault_acts.empty_broker(world)


@step(
    en="everything that is said about orders is overheard",
    ru="всё, что говорится о заказах, подслушивается",
    about="From now on every message that crosses the broker is heard, to be repeated later.",
    example="everything that is said about orders is overheard",
)
@Given
def everything_is_overheard(world: World) -> None:
    world.faults.listen(fault_acts.EVERYTHING)


@step(
    en="everything said about the order is delivered {times:d} times more, shuffled",
    ru="всё сказанное о заказе доставлено ещё {times:d} раз вперемешку",
    about="Every message to everybody who takes it, each time in another order.",
    example="everything said about the order is delivered 10 times more, shuffled",
)
@When
def everything_is_repeated(world: World, times: int) -> None:
    fault_acts.repeat_everything(world, times=times)


@step(
    en="{count:d} messages about the order that nobody can read come among the others",
    ru="среди других приходят сообщения о заказе, которые никто не может прочесть: {count:d}",
    about="Their content is not what their type promises; they reach the service that keeps statuses.",
    example="3 messages about the order that nobody can read come among the others",
)
@When
def poison_comes(world: World, count: int) -> None:
    fault_acts.poison(world, count=count)


@step(
    en="support sees {count:d} unreadable messages about the order, each with its reason",
    ru="поддержка видит нечитаемые сообщения о заказе, каждое с причиной: {count:d}",
    about="They are set aside and listed; nothing else is.",
    example="support sees 3 unreadable messages about the order, each with its reason",
)
@Then
def poison_is_shown(world: World, count: int) -> None:
    fault_acts.poison_is_shown(world, count=count)


@step(
    en="support mends the unreadable messages and has them delivered",
    ru="поддержка исправляет нечитаемые сообщения и доставляет их",
    about="Each gets a body that can be read, of something that had its effect before: it acts no second time.",
    example="support mends the unreadable messages and has them delivered",
)
@When
def poison_is_mended(world: World) -> None:
    fault_acts.mend_poison(world)
