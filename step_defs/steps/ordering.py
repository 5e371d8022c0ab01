"""Orders as customers make and see them."""

from __future__ import annotations

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="{name:w} has an order that is {status:status}",
    ru="у покупателя по имени {name:w} есть заказ в статусе «{status:status}»",
    about="A customer's order for a plain silver ring, brought to this status by staff whom nobody names.",
    example="Anna has an order that is being made",
)
@Given
def has_order(world: World, name: str, status: str) -> None:
    world.road.bring(world.shopper(name), status)


@step(
    en="{name:w} has a priced order for a model that nobody saw before",
    ru="у покупателя по имени {name:w} есть оценённый заказ по модели, которой никто не видел",
    about="As an order that is priced, but its model was measured for this very order: nothing that is known of others helps.",
    example="Anna has a priced order for a model that nobody saw before",
)
@Given
def has_order_for_unseen(world: World, name: str) -> None:
    acts.do(lambda: world.road.bring_unseen(world.shopper(name)))


@step(
    en="the partner {name:w} has an order that is {status:status}",
    ru="у партнёра {name:w} есть заказ в статусе «{status:status}»",
    about="A partner's order for a plain silver ring, under the partner's own reference, brought to this status.",
    example="the partner Silverline has an order that is shipped",
)
@Given
def partner_has_order(world: World, name: str, status: str) -> None:
    world.road.bring(world.partner(name), status)


@step(
    en="{name:w} orders a/an {model:model} in {material:material}",
    ru="покупатель {name:w} заказывает изделие «{model:model}», материал «{material:material}»",
    about="A customer uploads a model, asks what it costs, puts it into a new order and submits it at the price shown.",
    example="Anna orders a pave ring in gold 585",
)
@Given
@When
def orders_model(world: World, name: str, model: str, material: str) -> None:
    world.shopper(name).orders_model(model, material)


@step(
    en="{name:w} orders a/an {model:model} in {material:material} at the estimate",
    ru="покупатель {name:w} по предварительной цене заказывает изделие «{model:model}», материал «{material:material}»",
    about="As ordering a model, but the customer agrees to the price that was shown before the model was checked.",
    example="Anna orders a pendant in silver 925 at the estimate",
)
@Given
@When
def orders_at_estimate(world: World, name: str, model: str, material: str) -> None:
    world.shopper(name).orders_at_estimate(model, material)


@step(
    en='{name:w} orders {quantity:d} of "{good:good}"',
    ru="покупатель {name:w} заказывает готовое изделие «{good:good}», {quantity:d} шт.",
    about="A customer orders ready-made goods from the catalogue, in an order of their own.",
    example='Anna orders 1 of "gold band"',
)
@When
def orders_good(world: World, name: str, good: str, quantity: int) -> None:
    world.shopper(name).orders_good(good, quantity=quantity)


@step(
    en='{name:w} orders 1 of "{good:good}" without an account',
    ru="посетитель {name:w} без учётной записи заказывает готовое изделие «{good:good}»",
    about="Somebody whom we do not know buys: from the piece's page through the cart to the order, with no account and no script.",
    example='Vera orders 1 of "silver drop earrings" without an account',
)
@When
def buys_as_guest(world: World, name: str, good: str) -> None:
    world.visitor(name).buys(good)


@step(
    en='{name:w} puts 1 of "{good:good}" into the cart without an account',
    ru="посетитель {name:w} без учётной записи кладёт в корзину готовое изделие «{good:good}»",
    about="Somebody whom we do not know begins to buy; the cart is theirs by the session that this opens.",
    example='Vera puts 1 of "silver drop earrings" into the cart without an account',
)
@When
def puts_without_account(world: World, name: str, good: str) -> None:
    world.visitor(name).puts_into_cart(good)


@step(
    en="{name:w} comes back when the short session has run out",
    ru="посетитель {name:w} возвращается, когда короткая сессия закончилась",
    about="The browser has dropped what lasts a quarter of an hour, and keeps what lasts for days.",
    example="Vera comes back when the short session has run out",
)
@When
def comes_back(world: World, name: str) -> None:
    world.visitor(name).comes_back_later()


@step(
    en='{name:w} finds "{good:good}" in the cart',
    ru="посетитель {name:w} находит в корзине «{good:good}»",
    about="The cart's page shows the piece, and no other.",
    example='Vera finds "silver drop earrings" in the cart',
)
@Then
def finds_in_cart(world: World, name: str, good: str) -> None:
    found = world.visitor(name).goods_in_cart()
    assert found == [good], f"{name} finds {found}"


@step(
    en="whoever has the link of {name:w} sees that the order is {status:status}, and neither name nor address",
    ru="по личной ссылке посетителя {name:w} любой видит статус «{status:status}», но не имя и не адрес",
    about="The private link of an order opens without signing in, and shows how far the order is and nothing about the person.",
    example="whoever has the link of Vera sees that the order is priced, and neither name nor address",
)
@Then
def link_tells(world: World, name: str, status: str) -> None:
    world.visitor(name).shows_link_to_nobody_in_particular(status)


@step(
    en="{name:w} puts a/an {model:model} in {material:material} into the order",
    ru="покупатель {name:w} кладёт в заказ изделие «{model:model}», материал «{material:material}»",
    about="A line of the customer's open order: a piece to be made from an uploaded model, at the price asked for it.",
    example="Anna puts a signet ring in gold 750 into the order",
)
@Given
@When
def puts_model(world: World, name: str, model: str, material: str) -> None:
    world.shopper(name).adds_model(model, material)


@step(
    en='{name:w} puts {quantity:d} of "{good:good}" into the order',
    ru="покупатель {name:w} кладёт в заказ готовое изделие «{good:good}», {quantity:d} шт.",
    about="A line of the customer's open order: ready-made goods.",
    example='Anna puts 2 of "gold band" into the order',
)
@Given
@When
def puts_good(world: World, name: str, good: str, quantity: int) -> None:
    world.shopper(name).adds_good(good, quantity=quantity)


@step(
    en="{name:w} puts these pieces into the order:",
    ru="покупатель {name:w} кладёт в заказ такие изделия:",
    about=(
        "One row a piece: a model or a good of the other steps, or the file of a model that lies beside the feature; its material,"
        " quantity, ring size and unit, each where it matters."
    ),
    example="Anna puts these pieces into the order:",
)
@Given
@When
def puts_pieces(world: World, name: str, datatable: list[list[str]]) -> None:
    acts.puts_pieces(world.shopper(name), datatable)


@step(
    en="{name:w} submits the order",
    ru="покупатель {name:w} оформляет заказ",
    about="The customer presses the button and agrees to the price shown.",
    example="Anna submits the order",
)
@When
def submits(world: World, name: str) -> None:
    world.shopper(name).submits()


@step(
    en="{name:w} submits the order at the estimate",
    ru="покупатель {name:w} оформляет заказ по предварительной цене",
    about="As submitting, but the customer agrees to the prices that were shown before the models were checked.",
    example="Anna submits the order at the estimate",
    reserve="exported scenarios say it (system/crm/application/phrases.py)",
)
@When
def submits_at_estimate(world: World, name: str) -> None:
    world.shopper(name).submits_at_estimate()


@step(
    en="{name:w} tries to submit the order",
    ru="покупатель {name:w} пытается оформить заказ",
    about="As submitting, but a refusal is expected.",
    example="Anna tries to submit the order",
)
@When
def tries_to_submit(world: World, name: str) -> None:
    world.attempt(world.shopper(name).submits)


@step(
    en="{name:w} tries to submit the order for a price nobody showed",
    ru="покупатель {name:w} пытается оформить заказ по цене, которую не показывали",
    about="The customer's agreement names one ruble less than the price shown.",
    example="Anna tries to submit the order for a price nobody showed",
)
@When
def submits_cheaper(world: World, name: str) -> None:
    acts.submit_cheaper(world, world.shopper(name))


@step(
    en="{name:w} submits the order, and the connection breaks before the answer",
    ru="покупатель {name:w} оформляет заказ, и связь рвётся до ответа",
    about="The order arrives, and the customer cannot know it: no answer comes.",
    example="Anna submits the order, and the connection breaks before the answer",
)
@When
def submits_unheard(world: World, name: str) -> None:
    world.shopper(name).submits(is_heard=False)


@step(
    en="{name:w} submits the same order once more",
    ru="покупатель {name:w} ещё раз оформляет тот же заказ",
    about="The same press of the same button, as an impatient customer or a bad connection repeats it.",
    example="Anna submits the same order once more",
)
@When
def submits_again(world: World, name: str) -> None:
    world.shopper(name).submits_again()


@step(
    en="{name:w} cancels the order",
    ru="покупатель {name:w} отменяет заказ",
    about="The customer asks for the order to be cancelled, and may.",
    example="Anna cancels the order",
)
@When
def cancels(world: World, name: str) -> None:
    acts.do(world.shopper(name).cancels)


@step(
    en="{name:w} tries to cancel the order",
    ru="покупатель {name:w} пытается отменить заказ",
    about="As cancelling, but a refusal is expected.",
    example="Anna tries to cancel the order",
)
@When
def tries_to_cancel(world: World, name: str) -> None:
    world.attempt(world.shopper(name).cancels)


@step(
    en="the order becomes {status:status}",
    ru="заказ переходит в статус «{status:status}»",
    about="Waits until the customer sees the order in this status.",
    example="the order becomes shipped",
)
@Given
@When
@Then
def order_becomes(world: World, status: str) -> None:
    acts.do(lambda: world.order.becomes(status))


@step(
    en="the order is still {status:status}",
    ru="заказ остаётся в статусе «{status:status}»",
    about="The order has this status now, and nothing moves it for a moment.",
    example="the order is still being made",
)
@Then
def order_stays(world: World, status: str) -> None:
    acts.stays(world.order, status)


@step(
    en="the order has gone this way:",
    ru="заказ прошёл такой путь:",
    about="Every status that the customer saw, in order; a table of one column.",
    example="the order has gone this way:",
)
@Then
def order_went(world: World, datatable: list[list[str]]) -> None:
    acts.went(world.order, datatable)


@step(
    en='the order says why: "{reason}"',
    ru="в заказе указана причина: «{reason}»",
    about="The customer reads this reason in the order.",
    example='the order says why: "the model is too thin"',
)
@Then
def order_says_why(world: World, reason: str) -> None:
    acts.says_why(world.order, reason)


@step(
    en="the order is promised within {days:d} days",
    ru="обещанный срок заказа — не больше {days:d} дней",
    about="The day by which the customer has been promised the order, counted from its submission.",
    example="the order is promised within 21 days",
)
@Then
def order_promised(world: World, days: int) -> None:
    acts.promised_within(world.order, days)


@step(
    en="{name:w} has {count:d} order(s)",
    ru="у покупателя по имени {name:w} заказов: {count:d}",
    about="How many orders the customer's own list shows.",
    example="Anna has 1 order",
)
@Then
def has_orders(world: World, name: str, count: int) -> None:
    acts.has_orders(world.shopper(name), count)


@step(
    en="{name:w} tries to open the order",
    ru="покупатель {name:w} пытается открыть этот заказ",
    about="Somebody looks at the order of the scenario by its address.",
    example="Boris tries to open the order",
)
@When
def tries_to_open(world: World, name: str) -> None:
    acts.try_to_open(world, world.shopper(name))


@step(
    en="it is refused, because {refusal:refusal}",
    ru="в этом отказано: {refusal:refusal}",
    about="The last attempt was refused, for this reason.",
    example="it is refused, because it is too late",
)
@Then
def is_refused(world: World, refusal: str) -> None:
    acts.do(lambda: world.was_refused(refusal))


@step(
    en='the catalogue offers as many of "{good:good}" as before',
    ru="в каталоге столько же изделий «{good:good}», сколько было",
    about="The goods set aside for an order that ended are for sale again.",
    example='the catalogue offers as many of "gold band" as before',
)
@Then
def stock_is_back(world: World, good: str) -> None:
    acts.stock_is(world, good, fewer=0)


@step(
    en='the catalogue offers {count:d} fewer of "{good:good}"',
    ru="в каталоге изделий «{good:good}» меньше на {count:d}",
    about="The goods of the order are set aside: nobody else can buy them.",
    example='the catalogue offers 1 fewer of "gold band"',
)
@Then
def stock_is_less(world: World, good: str, count: int) -> None:
    acts.stock_is(world, good, fewer=count)
