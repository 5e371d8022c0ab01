"""Options of a piece of one's own: stones and words; the price that is stopped, and the price that is not the estimate."""

from __future__ import annotations

from functools import partial

from step_defs.dsl import option_acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en='{name:w} asks what a/an {model:model} costs in {material:material}, engraved "{text}"',
    ru="покупатель {name:w} узнаёт цену изделия «{model:model}», материал «{material:material}», с гравировкой «{text}»",
    about="A customer asks what a model costs with these words on it, and waits for the firm price.",
    example='Anna asks what a signet ring costs in silver 925, engraved "Anna 2026"',
)
@Given
@When
def asks_engraved(world: World, name: str, model: str, material: str, text: str) -> None:
    option_acts.asks_with(world.shopper(name), model, material, **option_acts.engraved(text))


@step(
    en='{name:w} tries to have a/an {model:model} in {material:material} engraved "{text}"',
    ru="покупатель {name:w} пытается заказать на изделии «{model:model}», материал «{material:material}», гравировку «{text}»",
    about="As asking for the price of an engraved piece, but the words may be refused.",
    example='Anna tries to have a signet ring in silver 925 engraved "愛"',
)
@When
def tries_engraved(world: World, name: str, model: str, material: str, text: str) -> None:
    words = option_acts.engraved(text)
    world.attempt(partial(option_acts.asks_with, world.shopper(name), model, material, **words))


@step(
    en="{name:w} asks what a/an {model:model} costs in {material:material} with {count:d} {stone:stone}",
    ru="покупатель {name:w} узнаёт цену изделия «{model:model}», материал «{material:material}», камни «{stone:stone}»: {count:d}",
    about="A customer asks what a model costs with so many stones set, and waits for the firm price.",
    example="Anna asks what a signet ring costs in silver 925 with 3 diamonds",
)
@Given
@When
def asks_with_stones(world: World, name: str, model: str, material: str, count: int, stone: str) -> None:
    option_acts.asks_with(world.shopper(name), model, material, stones={stone: count})


@step(
    en="{name:w} hears a higher price than before",
    ru="покупателю по имени {name:w} называют цену выше прежней",
    about="The last quote has a higher firm price than the one before it.",
    example="Anna hears a higher price than before",
)
@Then
def asked_more(world: World, name: str) -> None:
    option_acts.asked_more(world.shopper(name))


@step(
    en="{name:w} orders what the price was asked for",
    ru="покупатель {name:w} заказывает то, о цене чего спрашивал(а)",
    about="A new order of the piece that the last quote is for, submitted at that price.",
    example="Anna orders what the price was asked for",
)
@Given
@When
def orders_priced(world: World, name: str) -> None:
    option_acts.orders_priced(world.shopper(name))


@step(
    en='seller {name:w} reads the engraving "{text}" in the order',
    ru="продавец {name:w} видит в заказе гравировку «{text}»",
    about="What is engraved stands in the order as sellers see it.",
    example='seller Maria reads the engraving "Anna 2026" in the order',
)
@Then
def seller_reads(world: World, name: str, text: str) -> None:
    option_acts.seller_reads(world.seller(name), world.order, text)


@step(
    en='operator {name:w} reads the engraving "{text}" on the card',
    ru="оператор {name:w} видит на карточке гравировку «{text}»",
    about="What is engraved stands on the work order of whoever makes the piece.",
    example='operator Oleg reads the engraving "Anna 2026" on the card',
)
@Then
def operator_reads(world: World, name: str, text: str) -> None:
    option_acts.operator_reads(world.operator(name), world.order, text)


@step(
    en="{name:w} asks what a/an {model:model} costs in {material:material} and stops the calculation",
    ru="покупатель {name:w} узнаёт цену изделия «{model:model}», материал «{material:material}», и останавливает расчёт",
    about="A customer asks the price of a model nobody uploaded before, and does not want to know it any more.",
    example="Anna asks what a pave ring costs in gold 585 and stops the calculation",
)
@When
def stops_price(world: World, name: str, model: str, material: str) -> None:
    option_acts.stops_price(world.shopper(name), model, material)


@step(
    en="the price of {name:w} is not calculated any more",
    ru="цену для покупателя {name:w} больше не считают",
    about="The quote ended because its customer stopped it; stopping it once more changes nothing.",
    example="the price of Anna is not calculated any more",
)
@Then
def is_stopped(world: World, name: str) -> None:
    option_acts.is_stopped(world.shopper(name))


@step(
    en="{name:w} is told why the firm price is not the estimate",
    ru="покупателю по имени {name:w} объясняют, почему твёрдая цена не равна предварительной",
    about="The quote names the difference, and the reasons in sentences.",
    example="Anna is told why the firm price is not the estimate",
)
@Then
def knows_why(world: World, name: str) -> None:
    option_acts.knows_why(world.shopper(name))
