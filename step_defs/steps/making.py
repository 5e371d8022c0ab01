"""What operators do with an order, and who gives it to them."""

from __future__ import annotations

from step_defs.dsl import acts
from step_defs.steps.vocabulary import Given, Then, When, World, step


@step(
    en="operator {name:w} takes the order",
    ru="оператор {name:w} берёт заказ",
    about="An operator claims a work order of the order from the board, and so starts it.",
    example="operator Oleg takes the order",
)
@Given
@When
def takes(world: World, name: str) -> None:
    world.operator(name).takes(world.order)


@step(
    en="operator {name:w} sees on the board what the piece looks like",
    ru="оператор {name:w} видит на доске, как выглядит изделие",
    about="The board's row of the order has a picture of the model, drawn when it was priced.",
    example="operator Oleg sees on the board what the piece looks like",
)
@Then
def sees_piece(world: World, name: str) -> None:
    world.operator(name).sees_piece(world.order)


@step(
    en="operator {name:w} takes one order after another until no more is allowed",
    ru="оператор {name:w} берёт заказы один за другим, пока можно",
    about="Orders of several customers; the one that was refused is the order from here on.",
    example="operator Oleg takes one order after another until no more is allowed",
)
@When
def takes_until_refused(world: World, name: str) -> None:
    acts.do(world.operator(name).takes_until_refused)


@step(
    en="operator {name:w} finishes one of the pieces in hand",
    ru="оператор {name:w} заканчивает одно из взятых изделий",
    about="The one that was taken first.",
    example="operator Oleg finishes one of the pieces in hand",
)
@When
def finishes_one(world: World, name: str) -> None:
    world.operator(name).completes_one()


@step(
    en="operators {first:w} and {second:w} take the order at the same moment",
    ru="операторы {first:w} и {second:w} одновременно берут заказ",
    about="Both see it on the board and both press the button.",
    example="operators Oleg and Olga take the order at the same moment",
)
@When
def take_at_once(world: World, first: str, second: str) -> None:
    acts.take_at_once(world, first, second)


@step(
    en="one of them has the order and the other is told who",
    ru="заказ достаётся одному, а другому говорят, кому",
    about="Exactly one claim wins; the other operator reads the winner's name.",
    example="one of them has the order and the other is told who",
)
@Then
def one_has_it(world: World) -> None:
    acts.do(lambda: acts.one_winner(world))


@step(
    en="only the one who has it is paid",
    ru="оплата начислена только ему",
    about="The pay ledger holds one entry for the order, the winner's.",
    example="only the one who has it is paid",
)
@Then
def only_one_paid(world: World) -> None:
    acts.only_winner_paid(world)


@step(
    en='operator {name:w} returns the order: "{reason}"',
    ru="оператор {name:w} возвращает заказ: «{reason}»",
    about="An operator gives a claimed work order back to the board.",
    example='operator Oleg returns the order: "my torch broke"',
)
@When
def returns(world: World, name: str, reason: str) -> None:
    world.operator(name).returns(world.order, reason=reason)


@step(
    en="operator {name:w} is paid once for the order",
    ru="оператору по имени {name:w} заказ оплачен один раз",
    about="The operator's pay ledger holds one earning for the order and nothing else.",
    example="operator Oleg is paid once for the order",
)
@Then
def is_paid_once(world: World, name: str) -> None:
    acts.paid(world.operator(name), world.order, "earn")


@step(
    en="the pay of operator {name:w} for the order is taken back",
    ru="оплата оператора {name:w} за этот заказ сторнирована",
    about="The ledger holds the earning and its reversal; their sum is zero.",
    example="the pay of operator Oleg for the order is taken back",
)
@Then
def pay_is_reversed(world: World, name: str) -> None:
    acts.paid_and_reversed(world.operator(name), world.order)


@step(
    en="operator {name:w} prints the label of the piece",
    ru="оператор {name:w} печатает этикетку",
    about="The label that goes with the piece: what it is, and a code that leads back to its card.",
    example="operator Oleg prints the label of the piece",
)
@Given
@When
def prints_label(world: World, name: str) -> None:
    world.operator(name).prints_label(world.order)


@step(
    en="the label names the order and the piece, and no price",
    ru="на этикетке заказ и изделие, а цены нет",
    about="Neither the price nor the operator's name goes with the piece.",
    example="the label names the order and the piece, and no price",
)
@Then
def label_shows(world: World) -> None:
    acts.label_shows(world)


@step(
    en="operator {name:w} scans the label at the board",
    ru="оператор {name:w} считывает этикетку у доски",
    about="A scanner types what the label's code holds.",
    example="operator Olga scans the label at the board",
)
@When
def scans_label(world: World, name: str) -> None:
    acts.scan_label(world, world.operator(name))


@step(
    en="operator {name:w} types the order's number at the board",
    ru="оператор {name:w} набирает у доски номер заказа",
    about="The whole number, where there is no scanner.",
    example="operator Olga types the order's number at the board",
)
@When
def types_number(world: World, name: str) -> None:
    world.operator(name).types_number(world.order)


@step(
    en="operator {name:w} sees the card of the order",
    ru="оператор {name:w} видит карточку заказа",
    about="The card opened by itself.",
    example="operator Olga sees the card of the order",
)
@Then
def sees_card(world: World, name: str) -> None:
    acts.sees_card(world, world.operator(name))


@step(
    en="operator {name:w} is told when the order goes back to the board by itself",
    ru="оператору по имени {name:w} сказано, когда заказ сам вернётся на доску",
    about="The card of claimed work names the moment when the claim lapses unless something happens.",
    example="operator Oleg is told when the order goes back to the board by itself",
)
@Then
def told_when_it_lapses(world: World, name: str) -> None:
    acts.says_when_it_lapses(world.operator(name), world.order)


@step(
    en="nothing happens to the order for more than two days",
    ru="больше двух суток с заказом ничего не происходит",
    about="The order's work becomes so much older inside the operators' system; nobody waits.",
    example="nothing happens to the order for more than two days",
)
@When
def nothing_happens(world: World) -> None:
    acts.time_passes(world, hours=49)


@step(
    en="nothing happens to the order for almost two days",
    ru="почти двое суток с заказом ничего не происходит",
    about="As above, and the claim still holds.",
    example="nothing happens to the order for almost two days",
)
@When
def almost_nothing_happens(world: World) -> None:
    acts.time_passes(world, hours=47)


@step(
    en="operator {name:w} says that the piece is still being made",
    ru="оператор {name:w} сообщает, что изделие ещё в работе",
    about="Who makes something that takes long keeps it by saying so.",
    example="operator Oleg says that the piece is still being made",
)
@When
def goes_on(world: World, name: str) -> None:
    world.operator(name).goes_on(world.order)


@step(
    en="operator {name:w} finishes the piece",
    ru="оператор {name:w} заканчивает изделие",
    about="The operator who holds the work order has made the piece.",
    example="operator Oleg finishes the piece",
)
@Given
@When
def finishes(world: World, name: str) -> None:
    world.operator(name).completes(world.order)


@step(
    en="operator {name:w} says that the piece is not made after all",
    ru="оператор {name:w} отменяет отметку о готовности",
    about="The button was pressed by mistake, and that was noticed soon.",
    example="operator Oleg says that the piece is not made after all",
)
@When
def undoes_completion(world: World, name: str) -> None:
    world.operator(name).undoes_completion(world.order)


@step(
    en="operator {name:w} tries to say that the piece is not made after all",
    ru="оператор {name:w} пытается отменить отметку о готовности",
    about="As saying so, but a refusal is expected.",
    example="operator Oleg tries to say that the piece is not made after all",
)
@When
def tries_to_undo_completion(world: World, name: str) -> None:
    world.attempt(lambda: world.operator(name).undoes_completion(world.order))


@step(
    en='operator {name:w} takes the piece back to the bench: "{reason}"',
    ru="оператор {name:w} возвращает изделие на верстак: «{reason}»",
    about="Rework: a made piece is not good enough.",
    example='operator Oleg takes the piece back to the bench: "a scratch"',
)
@When
def reworks(world: World, name: str, reason: str) -> None:
    world.operator(name).reworks(world.order, reason=reason)


@step(
    en="operator {name:w} packs the piece",
    ru="оператор {name:w} упаковывает изделие",
    about="Packing begins.",
    example="operator Oleg packs the piece",
)
@Given
@When
def packs(world: World, name: str) -> None:
    world.operator(name).packs(world.order)


@step(
    en="operator {name:w} ships the piece",
    ru="оператор {name:w} отгружает изделие",
    about="The parcel is handed to the carrier, with a tracking number.",
    example="operator Oleg ships the piece",
)
@Given
@When
def ships(world: World, name: str) -> None:
    world.operator(name).ships(world.order)


@step(
    en="operator {name:w} tries to finish the piece that {holder:w} holds",
    ru="оператор {name:w} пытается закончить изделие, которое держит {holder:w}",
    about="Only the holder of a work order may work on it.",
    example="operator Olga tries to finish the piece that Oleg holds",
)
@When
def tries_others_work(world: World, name: str, holder: str) -> None:
    acts.try_to_finish_for(world, world.operator(name), holder=world.operator(holder))


@step(
    en="operator {name:w} tries to pack the piece",
    ru="оператор {name:w} пытается упаковать изделие",
    about="As packing, but a refusal is expected.",
    example="operator Oleg tries to pack the piece",
)
@When
def tries_to_pack(world: World, name: str) -> None:
    world.attempt(lambda: world.operator(name).packs(world.order))


@step(
    en="operator {name:w} tries to take the order",
    ru="оператор {name:w} пытается взять этот заказ",
    about="The operator saw it on the board a moment ago; a refusal is expected.",
    example="operator Olga tries to take the order",
)
@When
def tries_to_take(world: World, name: str) -> None:
    world.attempt(lambda: world.operator(name).takes_known(world.order))


@step(
    en="operator {name:w} sees the order on the board",
    ru="оператор {name:w} видит заказ на доске",
    about="The order's work can be taken.",
    example="operator Oleg sees the order on the board",
)
@Given
@Then
def on_board(world: World, name: str) -> None:
    acts.do(lambda: world.operator(name).finds_on_board(world.order))


@step(
    en="operator {name:w} does not see the order on the board",
    ru="оператор {name:w} не видит заказа на доске",
    about="Nothing of the order can be taken any more.",
    example="operator Oleg does not see the order on the board",
)
@Then
def off_board(world: World, name: str) -> None:
    world.operator(name).misses_on_board(world.order)


@step(
    en="the board of operator {name:w} shows the newest approved orders first",
    ru="на доске оператора {name:w} сверху самые новые одобренные заказы",
    about="The order of the board's first page.",
    example="the board of operator Oleg shows the newest approved orders first",
)
@Then
def board_is_newest_first(world: World, name: str) -> None:
    acts.newest_first(world.operator(name))


@step(
    en="operator {name:w} sees the order escalated on the board",
    ru="оператор {name:w} видит на доске, что заказ просрочен",
    about="Nobody took it within its budget, and the board says so.",
    example="operator Oleg sees the order escalated on the board",
)
@Then
def is_escalated(world: World, name: str) -> None:
    acts.do(lambda: world.operator(name).finds_on_board(world.order, within_s=30, escalated="true"))


@step(
    en="seller {name:w} gives the order to operator {operator:w}",
    ru="продавец {name:w} поручает заказ оператору {operator:w}",
    about="A seller assigns an escalated work order.",
    example="seller Maria gives the order to operator Oleg",
)
@When
def assigns(world: World, name: str, operator: str) -> None:
    acts.assign(world, world.seller(name), world.operator(operator))


@step(
    en="seller {name:w} tries to give the order to operator {operator:w}",
    ru="продавец {name:w} пытается поручить заказ оператору {operator:w}",
    about="As assigning, but a refusal is expected.",
    example="seller Maria tries to give the order to operator Oleg",
)
@When
def tries_to_assign(world: World, name: str, operator: str) -> None:
    world.attempt(lambda: acts.assign(world, world.seller(name), world.operator(operator)))


@step(
    en="seller {name:w} hands the order over to operator {operator:w}",
    ru="продавец {name:w} передаёт заказ оператору {operator:w}",
    about="What one operator holds becomes the work of another.",
    example="seller Maria hands the order over to operator Olga",
)
@When
def hands_over(world: World, name: str, operator: str) -> None:
    acts.hand_over(world, world.seller(name), world.operator(operator))


@step(
    en="seller {name:w} tries to hand the order over to operator {operator:w}",
    ru="продавец {name:w} пытается передать заказ оператору {operator:w}",
    about="As handing over, but a refusal is expected.",
    example="seller Maria tries to hand the order over to operator Olga",
)
@When
def tries_to_hand_over(world: World, name: str, operator: str) -> None:
    world.attempt(lambda: acts.hand_over(world, world.seller(name), world.operator(operator)))


@step(
    en="operator {name:w} holds the order",
    ru="заказ в руках оператора {name:w}",
    about="The operator has the order's work in hand.",
    example="operator Oleg holds the order",
)
@Then
def holds(world: World, name: str) -> None:
    acts.holds(world.operator(name), world.order)


@step(
    en="the board of operator {name:w} is open",
    ru="доска оператора {name:w} открыта",
    about="An operator opened the board and leaves it open; nothing is loaded again by hand.",
    example="the board of operator Oleg is open",
)
@Given
def board_is_open(world: World, name: str) -> None:
    world.operator(name).opens_board()


@step(
    en="within a second the order appears on the open board of operator {name:w}",
    ru="за секунду заказ появляется на открытой доске оператора {name:w}",
    about="New work comes to a board by itself, free to take.",
    example="within a second the order appears on the open board of operator Oleg",
)
@Then
def arrives_on_open_board(world: World, name: str) -> None:
    world.operator(name).sees_arrive(world.order)


@step(
    en="within a second the open board of operator {name:w} shows that operator {holder:w} took the order",
    ru="за секунду открытая доска оператора {name:w} показывает, что заказ взял оператор {holder:w}",
    about="What somebody else took says so on every open board, by itself.",
    example="within a second the open board of operator Oleg shows that operator Olga took the order",
)
@Then
def taken_on_open_board(world: World, name: str, holder: str) -> None:
    world.operator(name).sees_taken(world.order, by=holder)


@step(
    en="the open board of operator {name:w} catches up and shows that operator {holder:w} took the order",
    ru="открытая доска оператора {name:w} догоняет пропущенное и показывает, что заказ взял оператор {holder:w}",
    about="A board that lost its connection says so, comes back by itself and misses nothing.",
    example="the open board of operator Oleg catches up and shows that operator Olga took the order",
)
@Then
def open_board_catches_up(world: World, name: str, holder: str) -> None:
    world.operator(name).sees_missed(world.order, by=holder)
