"""What operators are paid by, and what their metal weighs."""

from __future__ import annotations

from decimal import Decimal

from step_defs.dsl import wages
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="the administrator plans a rate for the own alloy from tomorrow on: {piece:n} for a piece and {gram:n} for a gram",
    ru="администратор планирует ставку своего сплава с завтрашнего дня: {piece:n} за изделие и {gram:n} за грамм",
    about="Looked at first, then set; it begins in 24 hours.",
    example="the administrator plans a rate for the own alloy from tomorrow on: 1000 for a piece and 100 for a gram",
)
@Given
@When
def plans_rate(world: World, piece: Decimal, gram: Decimal) -> None:
    wages.sets_rate(world, per_piece=piece, per_gram=gram, ahead=wages.TOMORROW)


@step(
    en="the administrator sets a rate for the own alloy that begins in a moment: {piece:n} for a piece and {gram:n} for a gram",
    ru="администратор назначает ставку своего сплава, которая вот-вот начнётся: {piece:n} за изделие и {gram:n} за грамм",
    about="A few seconds ahead: long enough to confirm it.",
    example="the administrator sets a rate for the own alloy that begins in a moment: 1000 for a piece and 100 for a gram",
)
@When
def sets_rate(world: World, piece: Decimal, gram: Decimal) -> None:
    wages.sets_rate(world, per_piece=piece, per_gram=gram, ahead=wages.MOMENT_AHEAD)


@step(
    en="the rate for the own alloy begins",
    ru="ставка своего сплава начинает действовать",
    about="The rates show it as being in force.",
    example="the rate for the own alloy begins",
)
@When
def rate_begins(world: World) -> None:
    wages.rate_begins(world)


@step(
    en='the administrator withdraws the planned rate: "{reason}"',
    ru="администратор отзывает запланированную ставку: «{reason}»",
    about="Before it begins.",
    example='the administrator withdraws the planned rate: "a slip of the keyboard"',
)
@When
def withdraws_rate(world: World, reason: str) -> None:
    wages.withdraws_rate(world, reason)


@step(
    en="no rate is planned for the own alloy any more",
    ru="для своего сплава больше ничего не запланировано",
    about="What was planned is shown as withdrawn.",
    example="no rate is planned for the own alloy any more",
)
@Then
def nothing_planned(world: World) -> None:
    wages.rate_is_withdrawn(world)


@step(
    en="operator {name:w} has earned {piece:n} for the piece and {gram:n} for each gram",
    ru="оператору по имени {name:w} начислено {piece:n} за изделие и {gram:n} за каждый грамм",
    about="The operator's newest earning for the order, by the weight that was quoted.",
    example="operator Oleg has earned 600 for the piece and 40 for each gram",
)
@Then
def has_earned(world: World, name: str, piece: Decimal, gram: Decimal) -> None:
    wages.earned_by(world.operator(name), world, per_piece=piece, per_gram=gram)


@step(
    en="operator {name:w} weighs the piece: cast {cast:n} g, finished {finished:n} g",
    ru="оператор {name:w} взвешивает изделие: отливка {cast:n} г, готовое {finished:n} г",
    about="What the pieces of the order weigh is written down.",
    example="operator Oleg weighs the piece: cast 2.05 g, finished 1.97 g",
)
@Given
@When
def weighs(world: World, name: str, cast: Decimal, finished: Decimal) -> None:
    world.operator(name).weighs(world.order, cast=cast, finished=finished)


@step(
    en="operator {name:w} tries to write down: cast {cast:n} g, finished {finished:n} g",
    ru="оператор {name:w} пытается записать: отливка {cast:n} г, готовое {finished:n} г",
    about="As weighing, but a question is expected.",
    example="operator Oleg tries to write down: cast 20.5 g, finished 1.97 g",
)
@When
def tries_to_weigh(world: World, name: str, cast: Decimal, finished: Decimal) -> None:
    world.attempt(lambda: world.operator(name).weighs(world.order, cast=cast, finished=finished))


@step(
    en="operator {name:w} stands by the weight: cast {cast:n} g, finished {finished:n} g",
    ru="оператор {name:w} подтверждает вес: отливка {cast:n} г, готовое {finished:n} г",
    about="What was asked about is so.",
    example="operator Oleg stands by the weight: cast 20.5 g, finished 1.97 g",
)
@When
def stands_by_weight(world: World, name: str, cast: Decimal, finished: Decimal) -> None:
    world.operator(name).weighs(world.order, confirmed=True, cast=cast, finished=finished)


@step(
    en="seller {name:w} sees that operator {operator:w} lost {grams:n} g of metal",
    ru="продавец {name:w} видит, что у оператора {operator:w} потеряно {grams:n} г металла",
    about="Who leads the shift sees the losses of everybody.",
    example="seller Maria sees that operator Oleg lost 0.08 g of metal",
)
@Then
def seller_sees_loss(world: World, name: str, operator: str, grams: Decimal) -> None:
    wages.lost(world.seller(name).board, world.operator(operator), grams)


@step(
    en="operator {name:w} sees an own loss of {grams:n} g of metal",
    ru="оператор {name:w} видит у себя потери: {grams:n} г металла",
    about="An operator sees their own.",
    example="operator Oleg sees an own loss of 0.08 g of metal",
)
@Then
def sees_own_loss(world: World, name: str, grams: Decimal) -> None:
    wages.lost(world.operator(name).desk, world.operator(name), grams)
