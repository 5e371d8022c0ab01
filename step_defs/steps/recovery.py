"""When things break: processes die, messages come twice, late, in the wrong order or damaged, and people find out."""

from __future__ import annotations

from step_defs.dsl import acts, exported, recovery_acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="a price worker dies while it works on the large model of {name:w} in {material:material}",
    ru="расчётчик цен гибнет, пока считает большую модель покупателя {name:w}, материал «{material:material}»",
    about="The worker process is killed in the middle of a calculation; another one is started.",
    example="a price worker dies while it works on the large model of Anna in silver 925",
)
@When
def worker_dies(world: World, name: str, material: str) -> None:
    world.faults.worker_dies_while_pricing(world.shopper(name), material)


@step(
    en="a price worker freezes while it works on the large model of {name:w} in {material:material}, and comes back too late",
    ru="расчётчик цен замирает, пока считает большую модель покупателя {name:w}, материал «{material:material}», "
    "и возвращается слишком поздно",
    about="The worker process stands still in the middle of a calculation for longer than its lease, and then goes on.",
    example="a price worker freezes while it works on the large model of Anna in silver 925, and comes back too late",
)
@When
def worker_freezes(world: World, name: str, material: str) -> None:
    world.faults.worker_freezes_while_pricing(world.shopper(name), material)


@step(
    en="a price worker runs out of memory while it works on the large model of {name:w} in {material:material}",
    ru="расчётчику цен не хватает памяти, пока он считает большую модель покупателя {name:w}, материал «{material:material}»",
    about="Memory is taken from the worker in the middle of a calculation: the kernel ends a process. Then it has its memory back.",
    example="a price worker runs out of memory while it works on the large model of Anna in silver 925",
)
@When
def worker_runs_out_of_memory(world: World, name: str, material: str) -> None:
    world.faults.worker_runs_out_of_memory_while_pricing(world.shopper(name), material)


@step(
    en="support reads in the story of the order that memory ran out while its price was calculated",
    ru="поддержка читает в истории заказа, что при расчёте цены кончилась память",
    about="That there was no memory left is in the order's timeline, whichever process was ended for it.",
    example="support reads in the story of the order that memory ran out while its price was calculated",
)
@Then
def memory_is_told(world: World) -> None:
    recovery_acts.memory_is_told(world)


@step(
    en="support reads in the story of the order that its price took another attempt",
    ru="поддержка читает в истории заказа, что цену досчитали со следующей попытки",
    about="What held the calculation up stands in the order's timeline: the worker that died, and which attempt followed.",
    example="support reads in the story of the order that its price took another attempt",
)
@Then
def takeover_is_told(world: World) -> None:
    recovery_acts.takeover_is_told(world)


@step(
    en="support reads in the story of the order that a price worker stood still",
    ru="поддержка читает в истории заказа, что расчётчик цен замирал",
    about="That the worker stood still for longer than its lease is in the order's timeline, whoever noticed it.",
    example="support reads in the story of the order that a price worker stood still",
)
@Then
def standstill_is_told(world: World) -> None:
    recovery_acts.standstill_is_told(world)


@step(
    en="{name:w} orders the piece at that price",
    ru="покупатель {name:w} заказывает изделие по этой цене",
    about="The customer orders what was asked about last.",
    example="Anna orders the piece at that price",
)
@When
def orders_quoted(world: World, name: str) -> None:
    recovery_acts.order_quoted(world.shopper(name))


@step(
    en="the message broker dies and comes back",
    ru="брокер сообщений гибнет и возвращается",
    about="RabbitMQ is killed without warning and started again.",
    example="the message broker dies and comes back",
)
@When
def broker_restarts(world: World) -> None:
    world.faults.restart("rabbitmq")


@step(
    en="the service that keeps statuses dies and comes back",
    ru="служба статусов гибнет и возвращается",
    about="The orchestrator is killed without warning and started again.",
    example="the service that keeps statuses dies and comes back",
)
@When
def keeper_restarts(world: World) -> None:
    world.faults.restart("orchestrator")


@step(
    en="the operators' system dies and comes back",
    ru="система операторов гибнет и возвращается",
    about="MES is killed without warning and started again.",
    example="the operators' system dies and comes back",
)
@When
def mes_restarts(world: World) -> None:
    world.faults.restart("mes")


@step(
    en="the service that keeps statuses is away",
    ru="служба статусов недоступна",
    about="The orchestrator is down until its messages were tampered with.",
    example="the service that keeps statuses is away",
)
@Given
def keeper_is_away(world: World) -> None:
    world.faults.stop_status_keeping()


@step(
    en="the operators' system is away",
    ru="система операторов недоступна",
    about="MES is down until a later step says that it is back.",
    example="the operators' system is away",
)
@Given
@When
def mes_is_away(world: World) -> None:
    world.faults.stop("mes")


@step(
    en="the operators' system is back",
    ru="система операторов снова работает",
    about="MES is up again and reads what came meanwhile.",
    example="the operators' system is back",
)
@When
def mes_is_back(world: World) -> None:
    world.faults.resume()


@step(
    en="the {count:d} messages about it arrive in reverse order",
    ru="сообщений об этом {count:d}, и приходят они в обратном порядке",
    about="What waits for the orchestrator is delivered last first, then the orchestrator is back.",
    example="the 2 messages about it arrive in reverse order",
)
@When
def arrive_reversed(world: World, count: int) -> None:
    world.faults.news_comes_reversed(world.order, count=count)


@step(
    en="the approval is damaged on its way",
    ru="одобрение повреждено в пути",
    about="The message that waits for the orchestrator loses a part that it cannot do without.",
    example="the approval is damaged on its way",
)
@When
def approval_is_damaged(world: World) -> None:
    world.faults.news_is_damaged(world.order, field="approved_at")


@step(
    en="support sees the damaged message and what is wrong with it",
    ru="поддержка видит повреждённое сообщение и что с ним не так",
    about="The message is set aside, listed with its service and the reason.",
    example="support sees the damaged message and what is wrong with it",
)
@Then
def damaged_is_shown(world: World) -> None:
    recovery_acts.damaged_is_shown(world)


@step(
    en="support repairs the message and has it delivered again",
    ru="поддержка исправляет сообщение и доставляет его снова",
    about="A replay with an amended body, under the same id.",
    example="support repairs the message and has it delivered again",
)
@When
def repairs(world: World) -> None:
    recovery_acts.repair_and_replay(world)


@step(
    en="nothing about the order is set aside any more",
    ru="об этом заказе больше нет отложенных сообщений",
    about="The list of parked and dead messages names the order no more.",
    example="nothing about the order is set aside any more",
)
@Then
def nothing_aside(world: World) -> None:
    recovery_acts.nothing_set_aside(world)


@step(
    en="approvals are overheard",
    ru="одобрения подслушиваются",
    about="From now on every approval that crosses the broker is heard, to be repeated later.",
    example="approvals are overheard",
)
@Given
def approvals_overheard(world: World) -> None:
    world.faults.listen("crm.order_approved.v1")


@step(
    en="news about orders is overheard",
    ru="новости о заказах подслушиваются",
    about="From now on every change of status that crosses the broker is heard, to be repeated later.",
    example="news about orders is overheard",
)
@Given
def news_overheard(world: World) -> None:
    world.faults.listen("orchestrator.order_changed.v1")


@step(
    en="the approval is delivered {times:d} times more",
    ru="одобрение доставлено ещё {times:d} раза",
    about="The very same message again, as a broker may deliver it.",
    example="the approval is delivered 4 times more",
)
@When
def approval_repeated(world: World, times: int) -> None:
    world.faults.repeat_heard(world.order, times=times)


@step(
    en="the oldest news about the order reaches the {service:screen} only now",
    ru="самая старая новость о заказе доходит только теперь: {service:screen}",
    about="A copy of the first news, late, to one of the systems that show orders.",
    example="the oldest news about the order reaches the shop only now",
)
@When
def old_news(world: World, service: str) -> None:
    world.faults.repeat_old_news(world.order, to=service)


@step(
    en="the order is on the board once and stays so",
    ru="заказ на доске один, и так и остаётся",
    about="One work order for the order's one line, however often it was released.",
    example="the order is on the board once and stays so",
)
@Then
def on_board_once(world: World) -> None:
    acts.on_board_once(world.operator("Oleg"), world.order)


@step(
    en="the order had each status once",
    ru="каждый статус у заказа был один раз",
    about="No status of the ordinary road was entered twice.",
    example="the order had each status once",
)
@Then
def each_once(world: World) -> None:
    recovery_acts.each_status_once(world.order)


@step(
    en="the order goes on to be {status:status}",
    ru="дальше заказ обычным путём доходит до статуса «{status:status}»",
    about="Staff whom the scenario does not name walk the order along the ordinary road.",
    example="the order goes on to be closed",
)
@Given
@When
@Then
def goes_on(world: World, status: str) -> None:
    world.road.continue_to(world.order, status)


@step(
    en="support sees the order stuck as {status:status} and what to do about it",
    ru="поддержка видит, что заказ застрял в статусе «{status:status}», и что с этим делать",
    about="The order used up the time budget of its status: it is listed, with the stage and advice.",
    example="support sees the order stuck as priced and what to do about it",
)
@Then
def is_stuck(world: World, status: str) -> None:
    recovery_acts.stuck_is_explained(world, status)


@step(
    en="support does not see the order among the stuck ones any more",
    ru="поддержка больше не видит заказ среди застрявших",
    about="The order moved on.",
    example="support does not see the order among the stuck ones any more",
)
@Then
def is_not_stuck(world: World) -> None:
    recovery_acts.not_stuck(world)


@step(
    en="support reads the whole story of the order:",
    ru="поддержка читает всю историю заказа:",
    about="One timeline: every status, and the messages of every service between them; a table of one column.",
    example="support reads the whole story of the order:",
)
@Then
def story_is_told(world: World, datatable: list[list[str]]) -> None:
    recovery_acts.timeline_tells(world, datatable)


@step(
    en="support searches for the {clue} of the order",
    ru="поддержка ищет заказ по тому, что говорит покупатель: {clue}",
    about="One search, whatever the customer says: number, e-mail, phone, name, partner reference, number on the parcel.",
    example="support searches for the phone of the order",
)
@When
def support_searches(world: World, clue: str) -> None:
    acts.search_by_clue(world, clue)


@step(
    en="support reads its statuses, messages, retries and what to do next on one page",
    ru="поддержка читает на одной странице его статусы, сообщения, повторы и что делать дальше",
    about="The story of the order: everything the services know of it, in one place.",
    example="support reads its statuses, messages, retries and what to do next on one page",
)
@Then
def story_is_on_one_page(world: World) -> None:
    acts.story_on_one_page(world)


@step(
    en="seller {name:w} reads that a service does not answer, and what to do",
    ru="продавец {name:w} читает, что один из сервисов не отвечает и что делать",
    about="The story of the order names the silence, and offers to try it again.",
    example="seller Maria reads that a service does not answer, and what to do",
)
@Then
def silence_is_explained(world: World, name: str) -> None:
    acts.silence_is_explained(world.seller(name), world.order)


@step(
    en="seller {name:w} has the order tried again",
    ru="продавец {name:w} просит попробовать ещё раз",
    about="The deed that the story offers: parked messages are delivered, or the silent service is asked once more.",
    example="seller Maria has the order tried again",
)
@When
def seller_repairs(world: World, name: str) -> None:
    world.seller(name).repairs(world.order)


@step(
    en="the story of the order says that seller {name:w} did so",
    ru="в истории заказа записано, что об этом попросил продавец {name:w}",
    about="Whoever had the order tried again is named in its story.",
    example="the story of the order says that seller Maria did so",
)
@Then
def repair_is_told(world: World, name: str) -> None:
    acts.repair_is_told(world.seller(name), world.order)


@step(
    en="seller {name:w} exports the order as a scenario",
    ru="продавец {name:w} выгружает заказ как сценарий",
    about="What the order's story offers to whoever mends defects: its road, to be run again, without anybody's data.",
    example="seller Maria exports the order as a scenario",
)
@When
def exports(world: World, name: str) -> None:
    world.seller(name).exports(world.order)


@step(
    en="a developer runs the exported scenario, and it passes",
    ru="разработчик запускает выгруженный сценарий, и тот проходит",
    about="The archive is unpacked and run against the same system, in both languages.",
    example="a developer runs the exported scenario, and it passes",
)
@Then
def exported_passes(world: World) -> None:
    exported.passes(world.exported, world.backstage.address)


@step(
    en="a developer runs the exported scenario, and it fails where the order hangs",
    ru="разработчик запускает выгруженный сценарий, и тот не проходит там, где завис заказ",
    about="Everything up to the last step goes as it went; the last one says what should have happened, and does not hold.",
    example="a developer runs the exported scenario, and it fails where the order hangs",
)
@Then
def exported_fails(world: World) -> None:
    exported.fails_where_it_hangs(world.exported, world.backstage.address)


@step(
    en="all services agree about the order",
    ru="все службы согласны насчёт заказа",
    about="The reconciliation report finds nothing wrong with the order.",
    example="all services agree about the order",
)
@Then
def services_agree(world: World) -> None:
    world.administrator().agrees_everywhere(world.order)
