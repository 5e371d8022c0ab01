"""What sellers keep in mind, and who looks after an order that waits."""

from __future__ import annotations

from step_defs.dsl import acts, care_acts
from step_defs.steps.vocabulary import Then, When, World, step


@step(
    en='seller {name:w} sets a reminder on the order: "{text}"',
    ru="продавец {name:w} ставит себе напоминание о заказе: «{text}»",
    about="The reminder comes due a moment later; the seller has the queue before the eyes.",
    example='seller Maria sets a reminder on the order: "call Anna about the size"',
)
@When
def sets_reminder(world: World, name: str, text: str) -> None:
    world.seller(name).sets_reminder(world.order, text)


@step(
    en='seller {name:w} asks seller {other:w} to see to the order: "{text}"',
    ru="продавец {name:w} просит продавца {other:w} заняться заказом: «{text}»",
    about="A reminder for a colleague, who came by once and is known.",
    example='seller Maria asks seller Sofia to see to the order: "ask for the ring size"',
)
@When
def reminds_colleague(world: World, name: str, other: str, text: str) -> None:
    world.seller(name).sets_reminder(world.order, text, for_whom=world.seller(other))


@step(
    en='seller {name:w} is reminded of the order: "{text}"',
    ru="продавец {name:w} видит напоминание о заказе: «{text}»",
    about="By itself, above the queue and in the header, when its time has come.",
    example='seller Maria is reminded of the order: "call Anna about the size"',
)
@Then
def is_reminded(world: World, name: str, text: str) -> None:
    acts.do(lambda: world.seller(name).is_reminded(world.order, text))


@step(
    en="seller {name:w} marks the reminder as done",
    ru="продавец {name:w} отмечает напоминание как сделанное",
    about="The reminder of the order that is due.",
    example="seller Maria marks the reminder as done",
)
@When
def marks_done(world: World, name: str) -> None:
    care_acts.finish_reminder(world.seller(name), world.order)


@step(
    en="seller {name:w} is not reminded of the order",
    ru="продавец {name:w} не видит напоминаний о заказе",
    about="Nothing about the order is due for this seller.",
    example="seller Sofia is not reminded of the order",
)
@Then
def is_not_reminded(world: World, name: str) -> None:
    care_acts.not_reminded(world.seller(name), world.order)


@step(
    en='seller {name:w} notes on the order: "{text}"',
    ru="продавец {name:w} записывает заметку к заказу: «{text}»",
    about="For the colleagues, never for the customer.",
    example='seller Maria notes on the order: "call after six only"',
)
@When
def notes(world: World, name: str, text: str) -> None:
    care_acts.note(world.seller(name), world.order, text)


@step(
    en='seller {name:w} reads the note: "{text}"',
    ru="продавец {name:w} читает заметку: «{text}»",
    about="The newest note on the order.",
    example='seller Sofia reads the note: "call after six only"',
)
@Then
def reads_note(world: World, name: str, text: str) -> None:
    care_acts.reads_note(world.seller(name), world.order, text)


@step(
    en='{name:w} does not see the note: "{text}"',
    ru="покупатель {name:w} не видит заметки: «{text}»",
    about="Nothing that the shop shows the customer of the order holds these words.",
    example='Anna does not see the note: "call after six only"',
)
@Then
def customer_sees_no_note(world: World, name: str, text: str) -> None:
    care_acts.not_told(world.shopper(name), world.order, text)


@step(
    en="the administrators see that the order waits far too long",
    ru="администраторы видят, что заказ ждёт непозволительно долго",
    about="The order is on their own list, nobody looks after it, and they are reminded of it.",
    example="the administrators see that the order waits far too long",
)
@Then
def is_escalated(world: World) -> None:
    care_acts.escalated(world.administrator(), world.order)


@step(
    en="seller {name:w} takes charge of the order",
    ru="продавец {name:w} берёт заказ на себя",
    about="The others see who looks after an order that waits.",
    example="seller Maria takes charge of the order",
)
@When
def takes_charge(world: World, name: str) -> None:
    world.seller(name).takes_charge(world.order)


@step(
    en="seller {name:w} takes charge of the order instead of {other:w}",
    ru="продавец {name:w} перехватывает заказ у продавца {other:w}",
    about="Takes it over from a colleague.",
    example="seller Sofia takes charge of the order instead of Maria",
)
@When
def takes_over(world: World, name: str, other: str) -> None:
    world.seller(name).takes_charge(world.order, instead_of=world.seller(other))


@step(
    en="seller {name:w} sees that {other:w} is in charge of the order",
    ru="продавец {name:w} видит, что заказом занимается {other:w}",
    about="CRM shows who looks after the order.",
    example="seller Sofia sees that Maria is in charge of the order",
)
@Then
def sees_in_charge(world: World, name: str, other: str) -> None:
    world.seller(name).sees_in_charge(world.order, other)


@step(
    en="seller {name:w} gives the order back",
    ru="продавец {name:w} возвращает заказ в общую очередь",
    about="Looks after it no more, so that the next seller takes it.",
    example="seller Maria gives the order back",
)
@When
def gives_back(world: World, name: str) -> None:
    world.seller(name).gives_back(world.order)


@step(
    en="seller {name:w} sees that nobody has taken charge of the order",
    ru="продавец {name:w} видит, что заказом никто не занимается",
    about="CRM shows the order as anybody's.",
    example="seller Sofia sees that nobody has taken charge of the order",
)
@Then
def sees_nobody_in_charge(world: World, name: str) -> None:
    world.seller(name).sees_in_charge(world.order, None)


@step(
    en="the administrators see that {name:w} is in charge of the order",
    ru="администраторы видят, что заказом занимается {name:w}",
    about="On the list of orders that wait far too long.",
    example="the administrators see that Maria is in charge of the order",
)
@Then
def administrators_see_in_charge(world: World, name: str) -> None:
    world.administrator().sees_escalated(world.order, in_charge=name)


@step(
    en="the order does not wait too long any more",
    ru="заказ больше не ждёт слишком долго",
    about="It has left the administrators' list.",
    example="the order does not wait too long any more",
)
@Then
def not_escalated(world: World) -> None:
    world.administrator().sees_not_escalated(world.order)


@step(
    en="seller {name:w} finds all orders of {customer:w} in one place",
    ru="продавец {name:w} видит все заказы покупателя {customer:w} в одном месте",
    about="The customer's page, found by the e-mail, has every order of theirs and no other.",
    example="seller Maria finds all orders of Anna in one place",
)
@Then
def finds_all_orders(world: World, name: str, customer: str) -> None:
    care_acts.all_orders_in_one_place(world.seller(name), world.shopper(customer))
