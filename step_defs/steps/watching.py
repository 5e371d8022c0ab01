"""The eyes: who is told of what goes wrong, an order's road as one trace, and what must not be seen there."""

from __future__ import annotations

from step_defs.dsl import secrecy, tracing, watching
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="all this goes wrong at once:",
    ru="разом случается вот что:",
    about="A table: what goes wrong, the alert that tells of it, the place that it names, and in how many seconds it has to.",
    example="all this goes wrong at once:",
)
@When
def goes_wrong(world: World, datatable: list[list[str]]) -> None:
    watching.breaks(world, datatable)


@step(
    en="whoever is on call is told of each in time, on the page of alerts and by mail",
    ru="дежурный вовремя узнаёт обо всём на странице оповещений и из писем",
    about="Each alert reaches the page of alerts and the mailbox in its time; it says what is wrong, where, and what to do.",
    example="whoever is on call is told of each in time, on the page of alerts and by mail",
)
@Then
def is_told(world: World) -> None:
    world.on_call.is_told()


@step(
    en="whoever is on call is told of each in time by mail",
    ru="дежурный вовремя узнаёт обо всём из писем",
    about="Each alert reaches the mailbox in its time, whatever has become of the pages.",
    example="whoever is on call is told of each in time by mail",
)
@Then
def is_told_by_mail(world: World) -> None:
    world.on_call.is_told(by_page=False)


@step(
    en="all of it is mended",
    ru="всё это исправлено",
    about="What was stopped runs again, what was set aside is delivered, what waited goes on.",
    example="all of it is mended",
)
@When
def is_mended(world: World) -> None:
    world.faults.mend()


@step(
    en="within {seconds:d} seconds whoever is on call is told that each is over",
    ru="дежурный за {seconds:d} секунд узнаёт, что всё это позади",
    about="The page of alerts says of each that it is over, and so does a letter.",
    example="within 120 seconds whoever is on call is told that each is over",
)
@Then
def is_told_over(world: World, seconds: int) -> None:
    world.on_call.is_told_over(within_s=seconds)


@step(
    en="within {seconds:d} seconds whoever is on call is told by mail that each is over",
    ru="дежурный за {seconds:d} секунд узнаёт из писем, что всё это позади",
    about="A letter says of each that it is over.",
    example="within 120 seconds whoever is on call is told by mail that each is over",
)
@Then
def is_told_over_by_mail(world: World, seconds: int) -> None:
    world.on_call.is_told_over(within_s=seconds, by_page=False)


@step(
    en="support follows the order from its number in two clicks and sees one unbroken road through:",
    ru="поддержка за два нажатия от номера заказа видит его путь целиком, без разрывов, через:",
    about="The order's trace, with the log lines written on its way; a table of one column: whom it passed.",
    example="support follows the order from its number in two clicks and sees one unbroken road through:",
)
@Then
def sees_road(world: World, datatable: list[list[str]]) -> None:
    tracing.sees_road(world, datatable)


@step(
    en="a message about an order of {name:w} fails in the sellers' system as often as it is tried",
    ru="сообщение о заказе покупателя {name:w} не удаётся обработать в системе продавцов, сколько ни пробовать",
    about="A new order of the customer, and news about it that no database keeps: tried again and again, then set aside.",
    example="a message about an order of Anna fails in the sellers' system as often as it is tried",
)
@Given
@When
def message_fails(world: World, name: str) -> None:
    tracing.message_fails(world, world.shopper(name))


@step(
    en="support sees on the road of the order how often the message was tried, and that it was set aside",
    ru="поддержка видит на пути заказа, сколько раз пробовали обработать сообщение и что его отложили",
    about="The order's trace shows the message with its attempts, each failed one, and that it was set aside.",
    example="support sees on the road of the order how often the message was tried, and that it was set aside",
)
@Then
def sees_attempts(world: World) -> None:
    tracing.sees_attempts(world)


@step(
    en="the administrators see it as one failure that hit {count:d} orders",
    ru="администраторы видят это как один сбой, задевший заказов: {count:d}",
    about="All that failed in the same way is one group, however often it did; it counts the orders that it hit.",
    example="the administrators see it as one failure that hit 2 orders",
)
@Then
def is_one_failure(world: World, count: int) -> None:
    tracing.is_one_failure(world, orders=count)


@step(
    en="administrator {name:w} sees how long orders stayed in each status, and how long each service worked on them:",
    ru="администратор {name:w} видит, сколько заказы были в каждом статусе и сколько над ними работал каждый сервис:",
    about="The report of times; a table of one column: statuses that have to be in it.",
    example="administrator Ada sees how long orders stayed in each status, and how long each service worked on them:",
)
@Then
def sees_times(world: World, name: str, datatable: list[list[str]]) -> None:
    tracing.sees_times(world, world.administrator(name), datatable)


@step(
    en="administrator {name:w} sees figures of every part of the system",
    ru="администратор {name:w} видит показатели каждой части системы",
    about="Orders, delivery, answers, prices, databases, broker, machine and stores: each has figures, and none is silent.",
    example="administrator Ada sees figures of every part of the system",
)
@Then
def sees_figures(world: World, name: str) -> None:
    tracing.sees_figures(world.administrator(name))


@step(
    en="administrator {name:w} reads that orders are late as {status:status}, and what to do",
    ru="администратор {name:w} читает, что заказы опаздывают в статусе «{status:status}» и что делать",
    about="The alert on its page says what is wrong and what to do; its runbook has all four parts.",
    example="administrator Ada reads that orders are late as priced, and what to do",
)
@Then
def reads_alert(world: World, name: str, status: str) -> None:
    tracing.reads_alert(world, world.administrator(name), status)


@step(
    en="administrator {name:w} takes the alert about orders that are late as {status:status}",
    ru="администратор {name:w} берёт на себя оповещение об опозданиях в статусе «{status:status}»",
    about="The others see who takes care of it; it is handed back when the scenario ends.",
    example="administrator Ada takes the alert about orders that are late as priced",
)
@When
def takes_alert(world: World, name: str, status: str) -> None:
    tracing.takes_alert(world, world.administrator(name), status)


@step(
    en="administrator {name:w} sees that {other:w} has taken the alert about orders that are late as {status:status}",
    ru="администратор {name:w} видит, что оповещение об опозданиях в статусе «{status:status}» взял на себя {other:w}",
    about="The alert on its page names who takes care of it.",
    example="administrator Olga sees that Ada has taken the alert about orders that are late as priced",
)
@Then
def sees_taken(world: World, name: str, other: str, status: str) -> None:
    tracing.sees_taken(world.administrator(name), status, by=world.administrator(other).name)


@step(
    en="every word of {name:w} is marked",
    ru="каждое слово покупателя {name:w} помечено",
    about="A customer whose name, e-mail, phone, address, password, files and letters hold words that nobody else has.",
    example="every word of Anna is marked",
)
@Given
def is_marked(world: World, name: str) -> None:
    secrecy.mark(world, world.shopper(name))


@step(
    en="the marked customer goes the whole way, mistypes a password, asks, complains, and sellers look for what they said",
    ru="помеченный покупатель проходит весь путь, ошибается в пароле, спрашивает и жалуется, а продавцы ищут по его словам",
    about="An order from a model to the parcel, with everything that people do about it on the way.",
    example="the marked customer goes the whole way, mistypes a password, asks, complains, and sellers look for what they said",
)
@When
def goes_whole_way(world: World) -> None:
    secrecy.goes_whole_way(world)


@step(
    en="messages about their order fail, and requests of theirs are answered with errors",
    ru="сообщения о его заказе не обрабатываются, а на его запросы отвечают ошибками",
    about="A message that cannot be read, one that no database keeps, and services that cannot get to their databases.",
    example="messages about their order fail, and requests of theirs are answered with errors",
)
@When
def things_fail(world: World) -> None:
    secrecy.messages_fail(world)
    secrecy.requests_fail(world)


@step(
    en="none of their words is in:",
    ru="ни одного его слова нет там, где ему не место:",
    about="A table of one column: places that are searched for each word as it is, in URLs and JSON, in base64 and hex.",
    example="none of their words is in:",
)
@Then
def is_nowhere(world: World, datatable: list[list[str]]) -> None:
    secrecy.is_nowhere(world, [row[0] for row in datatable[1:]])
