"""What customers can do with what is theirs."""

from __future__ import annotations

from step_defs.dsl import leaving
from step_defs.steps.vocabulary import Then, When, World, step


@step(
    en="{name:w} takes all own data along",
    ru="покупатель {name:w} забирает все свои данные",
    about="The customer gets everything that we keep of them, as a file.",
    example="Anna takes all own data along",
)
@When
def takes_data(world: World, name: str) -> None:
    leaving.takes_data(world.shopper(name))


@step(
    en="what {name:w} took along tells of account, order, address, models and letters",
    ru="в том, что забрал(а) {name:w}, есть учётная запись, заказ, адрес, модели и письма",
    about="Nothing is missing from the file, and it says so.",
    example="what Anna took along tells of account, order, address, models and letters",
)
@Then
def data_is_whole(world: World, name: str) -> None:
    leaving.data_is_whole(world, world.shopper(name))


@step(
    en="{name:w} tries to have all own data deleted",
    ru="покупатель {name:w} пытается удалить все свои данные",
    about="As deleting it, but a refusal is expected.",
    example="Anna tries to have all own data deleted",
)
@When
def tries_to_leave(world: World, name: str) -> None:
    world.attempt(lambda: leaving.has_data_deleted(world, world.shopper(name)))


@step(
    en="{name:w} has all own data deleted",
    ru="покупатель {name:w} удаляет все свои данные",
    about="The customer leaves for good, with the password.",
    example="Anna has all own data deleted",
)
@When
def leaves(world: World, name: str) -> None:
    leaving.has_data_deleted(world, world.shopper(name))


@step(
    en="{name:w} tries to sign in once more",
    ru="покупатель {name:w} пытается войти ещё раз",
    about="With the e-mail and the password that were right before.",
    example="Anna tries to sign in once more",
)
@When
def signs_in_again(world: World, name: str) -> None:
    world.attempt(world.shopper(name).signs_in)


@step(
    en="no seller finds a customer {name:w}",
    ru="ни один продавец не находит покупателя {name:w}",
    about="By e-mail and by phone.",
    example="no seller finds a customer Anna",
)
@Then
def found_by_nobody(world: World, name: str) -> None:
    leaving.sellers_find_nobody(world, world.shopper(name))


@step(
    en="the order of {name:w} is accounted for as before, and names nobody",
    ru="заказ покупателя {name:w} учтён как прежде, и ничьего имени в нём нет",
    about="Number, lines, prices, status and dates stay; name, address, e-mail and phone do not.",
    example="the order of Anna is accounted for as before, and names nobody",
)
@Then
def accounted_for(world: World, name: str) -> None:
    leaving.order_is_accounted_for(world, world.shopper(name))


@step(
    en="nothing of {name:w} is left in any database",
    ru="ни в одной базе данных ничего о покупателе {name:w} не осталось",
    about="Every row of every service is looked through.",
    example="nothing of Anna is left in any database",
)
@Then
def left_nowhere(world: World, name: str) -> None:
    leaving.nothing_is_left(world, world.shopper(name))


@step(
    en="{name:w} sees {number:d} own model(s)",
    ru="покупатель {name:w} видит своих моделей: {number:d}",
    about="The list of what the customer sent us.",
    example="Anna sees 2 own models",
)
@Then
def sees_models(world: World, name: str, number: int) -> None:
    world.shopper(name).sees_models(number)


@step(
    en="{name:w} sees the price of own {model:model} in {material:material}",
    ru="покупатель {name:w} видит цену своего изделия «{model:model}», материал «{material:material}»",
    about="The list of the prices that the customer asked for, with the firm one of this model's.",
    example="Anna sees the price of own pendant in gold 585",
)
@Then
def sees_price(world: World, name: str, model: str, material: str) -> None:
    world.shopper(name).sees_own_price(model, material)


@step(
    en="{name:w} deletes the model of own {model:model}",
    ru="покупатель {name:w} удаляет модель своего изделия «{model:model}»",
    about="A model that no order needs.",
    example="Anna deletes the model of own pendant",
)
@When
def deletes_model(world: World, name: str, model: str) -> None:
    world.shopper(name).deletes_model(model)
