"""What sellers do with an order before it is made, and how they find it."""

from __future__ import annotations

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="seller {name:w} approves the order",
    ru="продавец {name:w} одобряет заказ",
    about="A seller confirms a priced order for production.",
    example="seller Maria approves the order",
)
@Given
@When
def approves(world: World, name: str) -> None:
    world.seller(name).approves(world.order)


@step(
    en='seller {name:w} rejects the order: "{reason}"',
    ru="продавец {name:w} отклоняет заказ: «{reason}»",
    about="A seller refuses a priced order and says why.",
    example='seller Maria rejects the order: "too thin to cast"',
)
@When
def rejects(world: World, name: str, reason: str) -> None:
    world.seller(name).rejects(world.order, reason=reason)


@step(
    en='seller {name:w} tries to reject the order: "{reason}"',
    ru="продавец {name:w} пытается отклонить заказ: «{reason}»",
    about="A seller refuses an order and may not; what was refused is remembered.",
    example='seller Maria tries to reject the order: "too thin to cast"',
)
@When
def seller_tries_to_reject(world: World, name: str, reason: str) -> None:
    world.attempt(lambda: world.seller(name).decides(world.order, "rejection", reason=reason))


@step(
    en='seller {name:w} cancels the order: "{reason}"',
    ru="продавец {name:w} отменяет заказ: «{reason}»",
    about="A seller cancels on the customer's behalf, and may.",
    example='seller Maria cancels the order: "the customer called"',
)
@When
def seller_cancels(world: World, name: str, reason: str) -> None:
    acts.do(lambda: world.seller(name).cancels(world.order, reason=reason))


@step(
    en="seller {name:w} tries to cancel the order",
    ru="продавец {name:w} пытается отменить заказ",
    about="As cancelling, but a refusal is expected.",
    example="seller Maria tries to cancel the order",
)
@When
def seller_tries_to_cancel(world: World, name: str) -> None:
    world.attempt(lambda: world.seller(name).cancels(world.order, reason="the customer called"))


@step(
    en="the order waits in the queue of seller {name:w}",
    ru="заказ ждёт в очереди продавца {name:w}",
    about="The order is among those that wait for approval.",
    example="the order waits in the queue of seller Maria",
)
@Given
@Then
def waits_in_queue(world: World, name: str) -> None:
    acts.in_queue(world.seller(name), world.order)


@step(
    en="seller {name:w} sees in the queue what the piece looks like",
    ru="продавец {name:w} видит в очереди, как выглядит изделие",
    about="The order's row in the queue of approvals has a picture of the model, drawn when it was priced.",
    example="seller Maria sees in the queue what the piece looks like",
)
@Then
def seller_sees_piece(world: World, name: str) -> None:
    world.seller(name).sees_piece(world.order)


@step(
    en="the order is not in the queue of seller {name:w}",
    ru="заказа нет в очереди продавца {name:w}",
    about="The order does not wait for approval any more.",
    example="the order is not in the queue of seller Maria",
)
@Then
def left_queue(world: World, name: str) -> None:
    acts.not_in_queue(world.seller(name), world.order)


@step(
    en='seller {name:w} asks {customer:w}: "{text}"',
    ru="продавец {name:w} спрашивает покупателя {customer:w}: «{text}»",
    about="A seller asks for a change, or a question; the customer reads it on the order's page.",
    example='seller Maria asks Anna: "may the band be a millimetre wider?"',
)
@When
def seller_asks(world: World, name: str, customer: str, text: str) -> None:
    world.seller(name).asks_customer(world.order, text)
    asked = world.shopper(customer).reads_question()
    assert asked == text, f"{customer} reads {asked!r}"


@step(
    en='{name:w} answers: "{text}"',
    ru="покупатель {name:w} отвечает: «{text}»",
    about="The customer writes on the order's page.",
    example='Anna answers: "yes, please"',
)
@When
def customer_answers(world: World, name: str, text: str) -> None:
    world.shopper(name).writes(text)


@step(
    en='seller {name:w} reads the answer: "{text}"',
    ru="продавец {name:w} читает ответ: «{text}»",
    about="The customer's letter stands on the order as the last one.",
    example='seller Maria reads the answer: "yes, please"',
)
@Then
def seller_reads(world: World, name: str, text: str) -> None:
    world.seller(name).reads_letter(world.order, text)


@step(
    en="seller {name:w} has the queue of approvals open",
    ru="у продавца {name:w} открыта очередь на одобрение",
    about="The queue of orders that wait for a seller stays open and is not loaded again.",
    example="seller Maria has the queue of approvals open",
)
@Given
def queue_is_open(world: World, name: str) -> None:
    world.seller(name).opens_queue()


@step(
    en="the order appears in the open queue of seller {name:w} at once",
    ru="заказ сразу появляется в открытой очереди продавца {name:w}",
    about="Within a second of CRM knowing its price, by itself.",
    example="the order appears in the open queue of seller Maria at once",
)
@Then
def appears_in_queue(world: World, name: str) -> None:
    world.seller(name).sees_waiting(world.order)


@step(
    en="the open queue of seller {name:w} shows at once that {other:w} decided",
    ru="открытая очередь продавца {name:w} сразу показывает, что решение за коллегой {other:w}",
    about="Within a second of the decision, by itself.",
    example="the open queue of seller Maria shows at once that Sofia decided",
)
@Then
def queue_shows_decision(world: World, name: str, other: str) -> None:
    world.seller(name).sees_decided(world.order, by=other)


@step(
    en="seller {name:w} sees the order as {status:status}",
    ru="продавец {name:w} видит заказ в статусе «{status:status}»",
    about="What CRM shows, within the time that screens may take to agree.",
    example="seller Maria sees the order as being made",
)
@Then
def seller_sees(world: World, name: str, status: str) -> None:
    acts.do(lambda: world.seller(name).sees(world.order, status))


@step(
    en="seller {name:w} finds the order by its number and by the e-mail of {customer:w}",
    ru="продавец {name:w} находит заказ по номеру и по почте покупателя {customer:w}",
    about="One search field for what a customer on the telephone knows.",
    example="seller Maria finds the order by its number and by the e-mail of Anna",
)
@Then
def seller_finds(world: World, name: str, customer: str) -> None:
    acts.found_by_customer_words(world.seller(name), world.order, world.shopper(customer))
