"""Returns and complaints: what customers ask on an order's page, and what sellers make of it."""

from __future__ import annotations

from step_defs.dsl import care_acts
from step_defs.steps.vocabulary import Then, When, World, step


@step(
    en='{name:w} returns the order, because {why:why}: "{text}"',
    ru="покупатель {name:w} возвращает заказ, потому что {why:why}: «{text}»",
    about="On the order's page, with a reason of the list there and words of one's own.",
    example='Anna returns the order, because it does not fit: "size 17 would be right"',
)
@When
def returns_order(world: World, name: str, why: str, text: str) -> None:
    world.shopper(name).opens_case("return", why, text)


@step(
    en='{name:w} complains about the order, because {why:why}: "{text}"',
    ru="покупатель {name:w} жалуется на заказ, потому что {why:why}: «{text}»",
    about="On the order's page, at any time after it was submitted.",
    example='Anna complains about the order, because it is late: "it was promised for today"',
)
@When
def complains(world: World, name: str, why: str, text: str) -> None:
    world.shopper(name).opens_case("complaint", why, text)


@step(
    en="{name:w} tries to return the order",
    ru="покупатель {name:w} пытается вернуть заказ",
    about="The customer asks to return it and may not; what was refused is remembered.",
    example="Anna tries to return the order",
)
@When
def tries_to_return(world: World, name: str) -> None:
    care_acts.tries_to_return(world, world.shopper(name))


@step(
    en="seller {name:w} sees above the queue that the customer waits for a word",
    ru="продавец {name:w} видит над очередью, что покупатель ждёт ответа",
    about="A return or a complaint about the order stands before everything else that waits for sellers.",
    example="seller Maria sees above the queue that the customer waits for a word",
)
@Then
def word_awaited(world: World, name: str) -> None:
    world.seller(name).sees_word_awaited(world.order)


@step(
    en="seller {name:w} sees above the queue that the customer waits no more",
    ru="продавец {name:w} видит над очередью, что покупатель больше не ждёт ответа",
    about="No return and no complaint about the order waits for sellers.",
    example="seller Maria sees above the queue that the customer waits no more",
)
@Then
def no_word_awaited(world: World, name: str) -> None:
    world.seller(name).sees_word_awaited(world.order, awaited=False)


@step(
    en='seller {name:w} accepts the return/complaint and writes: "{text}"',
    ru="продавец {name:w} принимает возврат/жалобу и пишет: «{text}»",
    about="The customer reads the words, and of a return where it goes to.",
    example='seller Maria accepts the return and writes: "we make you the other size"',
)
@When
def accepts_case(world: World, name: str, text: str) -> None:
    world.seller(name).answers_case(world.order, "acceptance", text)


@step(
    en='seller {name:w} refuses the return/complaint and writes: "{text}"',
    ru="продавец {name:w} отклоняет возврат/жалобу и пишет: «{text}»",
    about="The customer reads why.",
    example='seller Maria refuses the complaint and writes: "it is promised for the tenth"',
)
@When
def refuses_case(world: World, name: str, text: str) -> None:
    world.seller(name).answers_case(world.order, "refusal", text)


@step(
    en='seller {name:w} asks about the return/complaint and writes: "{text}"',
    ru="продавец {name:w} уточняет насчёт возврата/жалобы и пишет: «{text}»",
    about="A letter to the customer, whose answer makes it wait for sellers again.",
    example='seller Maria asks about the complaint and writes: "which day was promised?"',
)
@When
def asks_about_case(world: World, name: str, text: str) -> None:
    world.seller(name).answers_case(world.order, "question", text)


@step(
    en='seller {name:w} closes the return/complaint and writes: "{text}"',
    ru="продавец {name:w} закрывает возврат/жалобу и пишет: «{text}»",
    about="Nothing more is to be done about it; the customer reads how it ended.",
    example='seller Maria closes the return and writes: "it has come"',
)
@When
def closes_case(world: World, name: str, text: str) -> None:
    world.seller(name).answers_case(world.order, "closure", text)


@step(
    en='{name:w} reads what our sellers say: "{text}"',
    ru="покупатель {name:w} читает ответ продавцов: «{text}»",
    about="On the order's page, beside the return or the complaint.",
    example='Anna reads what our sellers say: "we make you the other size"',
)
@Then
def reads_answer(world: World, name: str, text: str) -> None:
    care_acts.reads_answer(world.shopper(name), text)


@step(
    en="{name:w} reads where to send it",
    ru="покупатель {name:w} читает, куда его отправить",
    about="The address for what comes back, once the return is accepted.",
    example="Anna reads where to send it",
)
@Then
def reads_where_to(world: World, name: str) -> None:
    care_acts.reads_where_to(world.shopper(name))
