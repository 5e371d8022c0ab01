"""Prices: what a model weighs and costs, what has no price, and a price that changed."""

from __future__ import annotations

from decimal import Decimal

from step_defs.dsl import acts, quote_acts
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
    en="{name:w} is shown where the model is broken",
    ru="покупателю по имени {name:w} показывают, где модель нарушена",
    about="The refusal names some points of the model, in the model's own units.",
    example="Anna is shown where the model is broken",
)
@Then
def shown_where_broken(world: World, name: str) -> None:
    quote_acts.shows_where_broken(world.shopper(name))


@step(
    en="{name:w} sees how thick the walls of the model are",
    ru="покупатель {name:w} видит, какой толщины стенки модели",
    about="At points all over the model it is told how thick the metal is, and what the alloy needs.",
    example="Anna sees how thick the walls of the model are",
)
@Then
def sees_walls(world: World, name: str) -> None:
    quote_acts.sees_walls(world.shopper(name))


@step(
    en="{name:w} follows the price of a/an {model:model} in {material:material} until it is there",
    ru="покупатель {name:w} следит за ценой изделия «{model:model}», материал «{material:material}», пока она не готова",
    about="A customer asks the price of a model nobody uploaded before, and listens instead of asking again.",
    example="Anna follows the price of a pave ring in gold 585 until it is there",
)
@When
def follows_price(world: World, name: str, model: str, material: str) -> None:
    world.shopper(name).follows_price(model, material)


@step(
    en="{name:w} hears how it goes on, and at the end the firm price",
    ru="покупатель {name:w} слышит, как идёт расчёт, и в конце твёрдую цену",
    about="What was heard of a price that somebody followed: how far it was, and the same firm price that is shown.",
    example="Anna hears how it goes on, and at the end the firm price",
)
@Then
def hears_price(world: World, name: str) -> None:
    quote_acts.heard_the_price(world.shopper(name))


@step(
    en="{name:w} asks what a model of a million triangles costs in {material:material}",
    ru="покупатель {name:w} узнаёт цену модели из миллиона треугольников, материал «{material:material}»",
    about="A customer asks the price of a large model that nobody sent before, and listens until it is firm.",
    example="Anna asks what a model of a million triangles costs in silver 925",
)
@When
def follows_large(world: World, name: str, material: str) -> None:
    quote_acts.follows_large(world.shopper(name), material)


@step(
    en="{name:w} sees how long it still takes",
    ru="покупатель {name:w} видит, сколько осталось ждать",
    about="While a price was calculated, the customer was told how far it is and how many seconds are left.",
    example="Anna sees how long it still takes",
)
@Then
def saw_what_was_left(world: World, name: str) -> None:
    quote_acts.saw_what_was_left(world.shopper(name))


@step(
    en="{name:w} has the firm price after {seconds:d} seconds at most",
    ru="покупатель {name:w} получает твёрдую цену не позже чем через {seconds:d} секунд",
    about="From asking to the firm price it took no longer.",
    example="Anna has the firm price after 10 seconds at most",
)
@Then
def was_priced_within(world: World, name: str, seconds: int) -> None:
    quote_acts.was_priced_within(world.shopper(name), seconds)


@step(
    en="{name:w} asks what the same piece costs in the same material",
    ru="покупатель {name:w} узнаёт цену такого же изделия из того же материала",
    about="Another customer sends the model that was asked about last, and asks for its price in that material.",
    example="Boris asks what the same piece costs in the same material",
)
@When
def asks_the_same(world: World, name: str) -> None:
    quote_acts.asks_the_same(world.shopper(name))


@step(
    en="{name:w} is answered in less than {milliseconds:d} milliseconds",
    ru="покупатель {name:w} получает ответ быстрее, чем за {milliseconds:d} миллисекунд",
    about="The answer to asking had the price in it, and was there in time.",
    example="Boris is answered in less than 200 milliseconds",
)
@Then
def was_answered_within(world: World, name: str, milliseconds: int) -> None:
    quote_acts.was_answered_within(world.shopper(name), milliseconds)


@step(
    en="the list of prices of {name:w} is all {count:d} of hers, the newest first",
    ru="список цен покупателя {name:w} — это все её {count:d} цены, новые сверху",
    about="A customer's own quotes, and nobody else's.",
    example="the list of prices of Anna is all 2 of hers, the newest first",
)
@Then
def lists_prices(world: World, name: str, count: int) -> None:
    quote_acts.lists_own_prices(world.shopper(name), count=count)


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


@step(
    en="{name:w} has the prices open",
    ru="у администратора {name:w} открыты цены",
    about="An administrator has the price book before them, the own alloy in it.",
    example="Ada has the prices open",
)
@Given
def has_prices_open(world: World, name: str) -> None:
    world.administrator(name).opens_prices()


@step(
    en="{name:w} looks at what the metal of the own alloy, {percent:n} % dearer, would do",
    ru="администратор {name:w} смотрит, что изменит металл своего сплава, если подорожает на {percent:n} %",
    about="An administrator sees what a new price would do to open quotes; nothing is published by that.",
    example="Ada looks at what the metal of the own alloy, 10 % dearer, would do",
)
@Given
@When
def looks_at_price(world: World, name: str, percent: Decimal) -> None:
    world.administrator(name).looks_at_price(percent=percent)


@step(
    en="{name:w} sees {count:d} open quote(s) in the own alloy go up, {remade:d} of them to be made anew",
    ru="администратор {name:w} видит: открытых расчётов в своём сплаве дорожает {count:d}, из них заново посчитают {remade:d}",
    about="What the look at a new price said of the open quotes of this scenario.",
    example="Ada sees 1 open quote in the own alloy go up, 1 of them to be made anew",
)
@Then
def sees_quotes_move(world: World, name: str, count: int, remade: int) -> None:
    acts.sees_quotes_move(world.administrator(name), count=count, remade=remade)


@step(
    en="{name:w} publishes the new price",
    ru="администратор {name:w} публикует новую цену",
    about="What was looked at comes into force, with a reason.",
    example="Ada publishes the new price",
)
@When
def publishes_price(world: World, name: str) -> None:
    world.administrator(name).price_desk.publishes(world.administrator(name).why)


@step(
    en="{name:w} plans the new price for tomorrow",
    ru="администратор {name:w} планирует новую цену на завтра",
    about="What was looked at comes into force later, by itself.",
    example="Ada plans the new price for tomorrow",
)
@When
def plans_price(world: World, name: str) -> None:
    world.administrator(name).price_desk.plans(world.administrator(name).why)


@step(
    en="{name:w} withdraws the planned price",
    ru="администратор {name:w} отзывает запланированную цену",
    about="What was planned does not come into force.",
    example="Ada withdraws the planned price",
)
@When
def withdraws_price(world: World, name: str) -> None:
    world.administrator(name).price_desk.withdraws(world.administrator(name).why)


@step(
    en="{name:w} sees that the new price is planned",
    ru="администратор {name:w} видит, что новая цена запланирована",
    about="The planned price is shown beside the book in force.",
    example="Ada sees that the new price is planned",
)
@Then
def sees_planned(world: World, name: str) -> None:
    acts.is_planned(world.administrator(name), wanted=True)


@step(
    en="{name:w} sees that the new price is no longer planned",
    ru="администратор {name:w} видит, что новая цена больше не запланирована",
    about="A withdrawn price is not shown as planned.",
    example="Ada sees that the new price is no longer planned",
)
@Then
def sees_not_planned(world: World, name: str) -> None:
    acts.is_planned(world.administrator(name), wanted=False)


@step(
    en="the quote of {name:w} keeps its price",
    ru="расчёт для покупателя {name:w} сохраняет цену",
    about="The last quote of a customer is what it was, though prices changed.",
    example="the quote of Anna keeps its price",
)
@Then
def keeps_price(world: World, name: str) -> None:
    acts.keeps_price(world.shopper(name))


@step(
    en="{name:w} is asked more than {other:w}",
    ru="покупателю {name:w} называют цену выше, чем покупателю {other:w}",
    about="The last firm price of one customer is above that of another.",
    example="Boris is asked more than Anna",
)
@Then
def is_asked_more(world: World, name: str, other: str) -> None:
    acts.costs_more_than(world.shopper(name), world.shopper(other))
