"""Pieces made after somebody's own model: how it is sent, and how little it takes to order one."""

from __future__ import annotations

from step_defs.dsl import making_acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="{name:w} has a/an {model:model} of her own made without an account",
    ru="посетитель {name:w} без учётной записи заказывает изделие «{model:model}» по своей модели",
    about="Somebody whom we do not know: from the front page through their own model to the order, with as little as can be.",
    example="Vera has a plain ring of her own made without an account",
)
@When
def makes_own(world: World, name: str, model: str) -> None:
    world.visitor(name).makes(model)


@step(
    en="{name:w} did no more than {count:d} things for it: presses, and fields filled in",
    ru="посетителю {name:w} хватило на это {count:d} действий: нажатий и заполненных полей",
    about="Every press of a button or a link counts, and every field that somebody had to fill in, the file among them.",
    example="Vera did no more than 9 things for it: presses, and fields filled in",
)
@Then
def did_no_more(world: World, name: str, count: int) -> None:
    making_acts.did_no_more_than(world.visitor(name), count)


@step(
    en="the connection breaks off while {name:w} sends a/an {model:model}",
    ru="связь обрывается, пока покупатель {name:w} отправляет изделие «{model:model}»",
    about="A part of the model has arrived; the customer leaves before the rest does.",
    example="the connection breaks off while Anna sends a pave ring",
)
@Given
@When
def breaks_off(world: World, name: str, model: str) -> None:
    world.shopper(name).breaks_off(model)


@step(
    en="{name:w} chooses the same file again",
    ru="покупатель {name:w} снова выбирает тот же файл",
    about="Whoever was interrupted comes back and sends what broke off.",
    example="Anna chooses the same file again",
)
@When
def chooses_again(world: World, name: str) -> None:
    world.shopper(name).chooses_again()


@step(
    en="only what was missing is sent, and the model of {name:w} is whole",
    ru="досылается только недостающее, и модель покупателя {name:w} цела",
    about="Fewer parts were sent than the model has, and what lies with us is the customer's file to the last byte.",
    example="only what was missing is sent, and the model of Anna is whole",
)
@Then
def only_missing_is_sent(world: World, name: str) -> None:
    making_acts.resumed_whole(world, world.shopper(name))


@step(
    en="{name:w} orders it with a double press, after going back, and from another tab",
    ru="покупатель {name:w} заказывает его двойным нажатием, вернувшись назад и из другой вкладки",
    about="The piece that was priced last, put into the order as an impatient customer does it.",
    example="Anna orders it with a double press, after going back, and from another tab",
)
@When
def orders_often(world: World, name: str) -> None:
    world.shopper(name).orders_often()


@step(
    en="there is one piece in the cart of {name:w}",
    ru="в корзине покупателя {name:w} одно изделие",
    about="One line of one piece, however it came there.",
    example="there is one piece in the cart of Anna",
)
@Then
def one_piece_in_cart(world: World, name: str) -> None:
    making_acts.has_one_piece(world.shopper(name))
