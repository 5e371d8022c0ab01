"""What whoever leads the shift sees: what will be late and why, and the prices that are being calculated."""

from __future__ import annotations

from step_defs.dsl import leading
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="only minutes are left until the order has to be shipped",
    ru="до обещанного срока заказа остались минуты",
    about="The work was on its way for weeks: what MES holds of it is promised for a moment that is nearly there.",
    example="only minutes are left until the order has to be shipped",
)
@Given
@When
def promise_is_near(world: World) -> None:
    leading.promise_is_near(world)


@step(
    en="seller {name:w} sees that the order will be late before it is late",
    ru="продавец {name:w} видит, что заказ опоздает, раньше, чем он опоздал",
    about="The list of what will be late names the order while its day is not over.",
    example="seller Maria sees that the order will be late before it is late",
)
@Then
def sees_late_before(world: World, name: str) -> None:
    leading.sees_late_before(world, world.seller(name))


@step(
    en="seller {name:w} reads why: its place in the queue and the pace of the workshop",
    ru="продавец {name:w} читает почему: место в очереди и темп мастерской",
    about="The forecast names the queue that holds the order up, and the place there.",
    example="seller Maria reads why: its place in the queue and the pace of the workshop",
)
@Then
def reads_why(world: World, name: str) -> None:
    leading.reads_why(world, world.seller(name))


@step(
    en="nobody calculates prices",
    ru="цены никто не считает",
    about="The workers that calculate prices are away until they are said to be back, or the scenario ends.",
    example="nobody calculates prices",
)
@Given
@When
def nobody_calculates(world: World) -> None:
    world.faults.stop("pricing-worker")


@step(
    en="prices are calculated again",
    ru="цены снова считаются",
    about="The workers that calculate prices are back.",
    example="prices are calculated again",
)
@When
def calculates_again(world: World) -> None:
    world.faults.resume()


@step(
    en="{name:w} asks for the price of a/an {model:model} that nobody has measured yet",
    ru="покупатель {name:w} спрашивает цену изделия «{model:model}», которое ещё никто не измерял",
    about="The price is asked for, and not waited for.",
    example="Anna asks for the price of a plain ring that nobody has measured yet",
)
@Given
@When
def asks_without_waiting(world: World, name: str, model: str) -> None:
    leading.asks_without_waiting(world, world.shopper(name), model)


@step(
    en="{name:w} asks for the prices of {count:d} models like a/an {model:model} that nobody has measured yet",
    ru="покупатель {name:w} спрашивает цены сразу {count:d} изделий, как «{model:model}», которые ещё никто не измерял",
    about="So many models, one price asked for after the other, and none waited for.",
    example="Boris asks for the prices of 5 models like a plain ring that nobody has measured yet",
)
@Given
@When
def asks_for_many(world: World, name: str, count: int, model: str) -> None:
    leading.asks_for_many(world, world.shopper(name), count, model)


@step(
    en="the model of {name:w} waits for no more than one of those of {other:w}",
    ru="модель ждёт не больше одной чужой: ждёт покупатель {name:w}, чужие прислал покупатель {other:w}",
    about="The place in line that the customer is told comes before all but one of the other's models.",
    example="the model of Anna waits for no more than one of those of Boris",
)
@Then
def waits_for_one_at_most(world: World, name: str, other: str) -> None:
    leading.waits_for_one_at_most(world.shopper(name), world.shopper(other))


@step(
    en="seller {name:w} sees the model of {customer:w} wait for its price, and at which place",
    ru="продавец {name:w} видит, что модель ждёт расчёта и какая она в очереди: покупатель {customer:w}",
    about="The queue of calculations shows the model and its place, the same that its customer is told.",
    example="seller Maria sees the model of Anna wait for its price, and at which place",
)
@Then
def sees_waiting_model(world: World, name: str, customer: str) -> None:
    leading.sees_waiting_model(world.seller(name), world.shopper(customer))


@step(
    en="the model of {customer:w} is gone from the queue that seller {name:w} sees",
    ru="в очереди, которую видит продавец {name:w}, модели больше нет: покупатель {customer:w}",
    about="What is calculated waits no more.",
    example="the model of Anna is gone from the queue that seller Maria sees",
)
@Then
def model_is_gone(world: World, customer: str, name: str) -> None:
    leading.model_is_gone(world.seller(name), world.shopper(customer))
