"""Prices: what a model weighs and costs, what has no price, and a price that changed."""

from __future__ import annotations

from decimal import Decimal

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="{name:w} asks what a/an {model:model} costs in {material:material}",
    ru="покупатель {name:w} узнаёт цену изделия «{model:model}», материал «{material:material}»",
    about="A customer uploads a model (once) and waits for its firm price, or for the reason why it has none.",
    example="Anna asks what a plain ring costs in gold 585",
)
@Given
@When
def asks_price(world: World, name: str, model: str, material: str) -> None:
    world.shopper(name).tries_price(model, material)


@step(
    en="{name:w} gets a firm price",
    ru="покупатель {name:w} получает твёрдую цену",
    about="The last price asked for is firm.",
    example="Anna gets a firm price",
)
@Then
def gets_firm_price(world: World, name: str) -> None:
    acts.do(world.shopper(name).firm_price)


@step(
    en="the piece of {name:w} weighs {grams:n} g",
    ru="вес изделия, о котором спросил(а) {name:w}, — {grams:n} г",
    about="The net weight in the last quote, to a hundredth of a gram.",
    example="the piece of Anna weighs 2.62 g",
)
@Then
def piece_weighs(world: World, name: str, grams: Decimal) -> None:
    acts.weighs(world.shopper(name), grams)


@step(
    en="{name:w} gets no price, because {problem:problem}",
    ru="покупатель {name:w} не получает цены: {problem:problem}",
    about="The model was refused, for this reason and with advice.",
    example="Anna gets no price, because the surface is not closed",
)
@Then
def gets_no_price(world: World, name: str, problem: str) -> None:
    acts.has_no_price(world.shopper(name), problem)


@step(
    en="{name:w} is told that the model was repaired",
    ru="покупателю по имени {name:w} сообщают, что модель исправлена",
    about="The quote discloses what was repaired in the model.",
    example="Anna is told that the model was repaired",
)
@Then
def told_of_repair(world: World, name: str) -> None:
    acts.tells_repair(world.shopper(name))


@step(
    en="the firm price of {name:w} is above the estimate",
    ru="твёрдая цена для покупателя {name:w} выше предварительной",
    about="The price after the check is higher than the one shown first.",
    example="the firm price of Anna is above the estimate",
)
@Then
def firm_is_above(world: World, name: str) -> None:
    acts.firm_above_estimate(world.shopper(name))


@step(
    en="the firm price of {name:w} is the estimate",
    ru="твёрдая цена для покупателя {name:w} равна предварительной",
    about="The price after the check is the one shown first.",
    example="the firm price of Anna is the estimate",
)
@Then
def firm_is_estimate(world: World, name: str) -> None:
    acts.firm_is_estimate(world.shopper(name))


@step(
    en="{name:w} is asked the same price as before",
    ru="покупателю по имени {name:w} называют ту же цену, что и раньше",
    about="The last two quotes have the same firm price.",
    example="Anna is asked the same price as before",
)
@Then
def same_price(world: World, name: str) -> None:
    acts.prices_equal(world.shopper(name))


@step(
    en="{name:w} tries to order a/an {model:model} at the price made for {owner:w}",
    ru="покупатель {name:w} пытается заказать изделие «{model:model}» по цене, которую назвали покупателю {owner:w}",
    about="A quote belongs to the customer who asked for it.",
    example="Boris tries to order a plain ring at the price made for Anna",
)
@When
def tries_others_quote(world: World, name: str, model: str, owner: str) -> None:
    acts.try_line_at_quote_of(world, world.shopper(name), owner=world.shopper(owner), model=model)


@step(
    en="the metal of the own alloy gets {percent:n} % dearer",
    ru="металл своего сплава дорожает на {percent:n} %",
    about="An administrator moves the metal price of an alloy that only this scenario uses.",
    example="the metal of the own alloy gets 3 % dearer",
)
@Given
@When
def metal_moves(world: World, percent: Decimal) -> None:
    world.price_book.move_metal(world.material("own"), percent=percent)


@step(
    en="the own alloy is no longer offered",
    ru="свой сплав больше не предлагают",
    about="An administrator takes the alloy that only this scenario uses out of the price book.",
    example="the own alloy is no longer offered",
)
@Given
@When
def alloy_is_withdrawn(world: World) -> None:
    world.price_book.remove_alloy(world.material("own"))


@step(
    en="the quote of {name:w} expires",
    ru="срок расчёта для покупателя {name:w} истекает",
    about="Lets the last quote run out; tests run with a validity of seconds instead of 24 hours.",
    example="the quote of Anna expires",
)
@Given
@When
def quote_expires(world: World, name: str) -> None:
    acts.wait_until_quote_expires(world.shopper(name))


@step(
    en="the customer is asked about the new price, because {reason:because}",
    ru="покупателя спрашивают о новой цене: {reason:because}",
    about="The order waits for its customer, and says why and what was agreed before.",
    example="the customer is asked about the new price, because the metal price moved",
)
@Then
def is_asked(world: World, reason: str) -> None:
    acts.asked_to_agree(world.order, reason)


@step(
    en="{name:w} agrees to the new price",
    ru="покупатель {name:w} соглашается с новой ценой",
    about="The customer accepts the price that waits for them.",
    example="Anna agrees to the new price",
)
@When
def agrees(world: World, name: str) -> None:
    world.shopper(name).answers_price(accept=True)


@step(
    en="{name:w} declines the new price",
    ru="покупатель {name:w} не соглашается с новой ценой",
    about="The customer refuses the price that waits for them.",
    example="Anna declines the new price",
)
@When
def declines(world: World, name: str) -> None:
    world.shopper(name).answers_price(accept=False)


@step(
    en="administrators {first:w} and {second:w} both save the price book they opened together",
    ru="администраторы {first:w} и {second:w} сохраняют прайс-книгу, открытую обоими",
    about="The second to save does not overwrite what the first saved.",
    example="administrators Ada and Alan both save the price book they opened together",
)
@When
def save_together(world: World, first: str, second: str) -> None:
    acts.save_book_twice(world, first, second)
