"""Deeds and outcomes that a step needs more than one call for. A step asserts or acts, and returns nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

from step_defs.drivers.http import Refusal
from step_defs.drivers.waiting import eventually, holds_for
from step_defs.dsl.operator import CARRIER, claim_at_once
from step_defs.dsl.order import SOON_S, Order, amount
from step_defs.dsl.pieces import pieces_of
from step_defs.dsl.shopper import Shopper
from step_defs.dsl.words import LETTERS, PROBLEMS, STATUSES

if TYPE_CHECKING:
    from step_defs.dsl.administrator import Administrator
    from step_defs.dsl.operator import Operator
    from step_defs.dsl.seller import Seller
    from step_defs.dsl.world import World

STAYS_S = 0.4
"""How long something that must not happen is watched for; news takes a tenth of it."""


def do(action: Callable[[], Any]) -> None:
    """Acts, and keeps the answer to itself."""
    action()


# -- ordering ----------------------------------------------------------------------------------------------------


def puts_pieces(shopper: Shopper, table: list[list[str]]) -> None:
    """The rows of the table become lines of the customer's order."""
    for piece in pieces_of(table):
        shopper.adds_piece(piece)


def submit_cheaper(world: World, shopper: Shopper) -> None:
    """The customer's agreement names one ruble less than was shown."""
    shown = shopper.sees_price()
    wished = {"amount": f"{Decimal(shown['amount']) - 1:.2f}", "currency": shown["currency"]}
    world.attempt(lambda: shopper.submits(agreed=wished))


def stays(order: Order, status: str) -> None:
    """The order has this status, and keeps it for a moment."""
    order.becomes(status)
    holds_for(lambda: order.status == status, seconds=STAYS_S, what=f"order {order.number} is {status}")


def went(order: Order, table: list[list[str]]) -> None:
    """The history shows exactly the statuses of the table's rows under its header."""
    order.went_through(*[STATUSES[row[0]] for row in table[1:]])


def says_why(order: Order, reason: str) -> None:
    """The customer reads the reason."""
    eventually(
        lambda: order.view()["reason"], lambda text: reason in (text or ""), within_s=SOON_S, what="the order's reason"
    )


def promised_within(order: Order, days: int) -> None:
    """The promise is no later than so many days after submission, and not in the past."""
    view = eventually(
        order.view, lambda shown: shown["promise_at"] and shown["submitted_at"], what="a promise is shown"
    )
    promise = datetime.fromisoformat(view["promise_at"]) - datetime.fromisoformat(view["submitted_at"])
    # The promise counts from the moment the submission took effect, a little after it was made.
    assert timedelta(0) < promise <= timedelta(days=days, minutes=1), f"promised after {promise}"


def has_orders(shopper: Shopper, count: int) -> None:
    """The customer's own list shows so many orders."""
    listed = shopper.orders_listed()
    assert len(listed) == count, f"{shopper.name} has {[order['number'] for order in listed]}"


def has_letters(shopper: Shopper, table: list[list[str]]) -> None:
    """The letters of the table's rows under its header, and no others."""
    shopper.world.mailbox.has_exactly(shopper, [LETTERS[row[0]] for row in table[1:]])


def try_to_open(world: World, shopper: Shopper) -> None:
    """Looks at the scenario's order by its address."""
    shopper.tries("GET", world.order.path)


def stock_is(world: World, sku: str, *, fewer: int) -> None:
    """The catalogue offers so many pieces fewer than before this scenario."""
    eventually(
        lambda: world.stock_before[sku] - catalogue_stock(world, sku),
        lambda missing: missing == fewer,
        within_s=SOON_S,
        what=f"{fewer} fewer of {sku} for sale",
    )


def catalogue_stock(world: World, sku: str) -> int:
    """What the public catalogue says."""
    return int(world.stranger.get(f"/api/shop/v1/products/{sku}")["in_stock"])


# -- quoting -----------------------------------------------------------------------------------------------------


def weighs(shopper: Shopper, grams: Decimal) -> None:
    """The piece weighs so much, to a hundredth of a gram."""
    quote = shopper.waits_for_quote()
    assert quote["weight_g"] is not None, f"no weight: {quote['problem']}"
    weight = Decimal(quote["weight_g"])
    assert abs(weight - grams) <= Decimal("0.01"), f"it weighs {weight} g, not {grams} g"


def has_no_price(shopper: Shopper, problem: str) -> None:
    """The file, or the last quote, was refused for this reason, and the refusal says what to do."""
    refused = shopper.refused_file or shopper.waits_for_quote()
    assert refused["problem"] is not None, f"it was not refused: {refused}"
    assert refused["problem"]["code"] in PROBLEMS[problem], f"refused for another reason: {refused['problem']}"
    assert refused["problem"]["detail"], "the refusal does not say what to do"


def tells_repair(shopper: Shopper) -> None:
    """The quote discloses that something was repaired."""
    quote = shopper.waits_for_quote()
    assert quote["mesh"] is not None and quote["mesh"]["disclosures"], f"nothing is disclosed: {quote['mesh']}"
    assert all(shopper.desk.noticed(quote)), f"{shopper.name} is not told of {quote['mesh']['disclosures']}"
    assert shopper.desk.noticed(quote), f"{shopper.name} is told nothing of {quote['mesh']['disclosures']}"


def firm_above_estimate(shopper: Shopper) -> None:
    """The firm price turned out higher than what was shown first."""
    quote = shopper.waits_for_quote()
    assert shopper.firm_price() > amount(quote["estimate"]), f"{quote['total']} is not above {quote['estimate']}"


def firm_is_estimate(shopper: Shopper) -> None:
    """The firm price is what was shown first."""
    quote = shopper.waits_for_quote()
    assert shopper.firm_price() == amount(quote["estimate"]), f"{quote['total']} is not {quote['estimate']}"


def prices_equal(shopper: Shopper) -> None:
    """The last two quotes ask the same."""
    earlier, later = shopper.quotes[-2:]
    assert earlier["total"] is not None, f"there was no firm price: {earlier}"
    assert later["total"] == earlier["total"], f"{later['total']} after {earlier['total']}"


def try_line_at_quote_of(world: World, shopper: Shopper, *, owner: Shopper, model: str) -> None:
    """Somebody puts a piece into their order at a quote that was made for another customer."""
    shopper.uploads(model)
    world.attempt(lambda: shopper.adds_quoted(owner.quote(), file_id=shopper.files[model]))


def asked_to_agree(order: Order, reason: str) -> None:
    """The order waits, names this reason, and shows the price agreed to beside the new one."""
    consent = order.becomes("AWAITING_CUSTOMER")["consent"]
    assert reason in consent["reasons"], f"asked because of {consent['reasons']}"
    assert amount(consent["total"]) > amount(consent["agreed_total"]), f"nothing to ask about: {consent}"


def wait_until_quote_expires(shopper: Shopper) -> None:
    """Lets the last quote run out of its validity."""
    until = datetime.fromisoformat(shopper.waits_for_quote()["valid_until"])
    left_s = (until - datetime.now(until.tzinfo)).total_seconds()
    assert left_s < 60, f"quotes are valid for {left_s:.0f} s more here: shorten it in the environment of the tests"
    eventually(lambda: datetime.now(until.tzinfo) > until, within_s=max(left_s, 0) + 5, what="the quote expired")


def save_book_twice(world: World, first: str, second: str) -> None:
    """Two administrators open the book, then both save it; tried again if a third person saved in between."""
    ours, theirs = world.administrator(first).price_book, world.administrator(second).price_book
    for _ in range(20):
        (book, version), (other_book, other_version) = ours.read(), theirs.read()
        if version != other_version or world.attempt(partial(ours.save, book, version)) is not None:
            continue
        world.attempt(partial(theirs.save, other_book, other_version))
        return
    raise AssertionError("somebody else saved the price book every time")


def sees_quotes_move(administrator: Administrator, *, count: int, remade: int) -> None:
    """The look at the new price showed so many open quotes of the own alloy going up, and so many to be made anew."""
    seen = administrator.seen
    assert seen is not None, f"{administrator.name} has not looked at any price"
    assert (seen.count, seen.up, seen.remade) == (count, count, remade), f"{administrator.name} was told {seen}"


def keeps_price(shopper: Shopper) -> None:
    """The last quote is what it was when it was made, and still firm."""
    before = dict(shopper.quotes[-1])
    now = shopper.quote()
    for name in ("status", "total", "valid_until", "price_book_version"):
        assert now[name] == before[name], f"{name} became {now[name]} from {before[name]}"


def costs_more_than(dearer: Shopper, cheaper: Shopper) -> None:
    """Of two customers who asked for the same, the first is asked more."""
    assert dearer.firm_price() > cheaper.firm_price(), f"{dearer.firm_price()} is not above {cheaper.firm_price()}"


def is_planned(administrator: Administrator, *, wanted: bool) -> None:
    """What this administrator planned is shown as planned, or not any more."""
    shown = administrator.price_desk.planned()
    assert (administrator.why in shown) == wanted, f"planned is {shown}"


# -- making ------------------------------------------------------------------------------------------------------


def take_at_once(world: World, *names: str) -> None:
    """Operators press the button at the same moment."""
    operators = [world.operator(name) for name in names]
    seen = [operator.finds_on_board(world.order)[0] for operator in operators]
    results = claim_at_once(operators, seen[0]["work_order_id"])
    world.rivals = list(zip(operators, results, strict=True))


def one_winner(world: World) -> tuple[Operator, list[Operator]]:
    """Exactly one of the rivals has the order; every other was told who was first."""
    winners = [operator for operator, result in world.rivals if not isinstance(result, Refusal)]
    assert len(winners) == 1, f"{len(winners)} operators have the order: {world.rivals}"
    for operator, result in world.rivals:
        if operator is winners[0]:
            continue
        assert result.code == "work-order-already-claimed", f"{operator.name} was told {result}"
        assert result.body["claimed_by"] == winners[0].name, f"{operator.name} was told {result.body['claimed_by']}"
    return winners[0], [operator for operator, _ in world.rivals if operator is not winners[0]]


def only_winner_paid(world: World) -> None:
    """The one who has the order has one entry in the pay ledger; the others have none."""
    winner, losers = one_winner(world)
    assert winner.pay_entries(world.order) == ["earn"], f"{winner.name}: {winner.pay_entries(world.order)}"
    for loser in losers:
        assert not loser.pay_entries(world.order), f"{loser.name} was paid as well"


def paid(operator: Operator, order: Order, *kinds: str) -> None:
    """The operator's ledger holds exactly these entries for the order."""
    entries = operator.pay_entries(order)
    assert entries == list(kinds), f"the ledger of {operator.name} says {entries}"


def paid_and_reversed(operator: Operator, order: Order) -> None:
    """What was earned was taken back: both entries stand, and their sum is zero."""
    paid(operator, order, "earn", "reverse")
    assert operator.paid() == 0, f"{operator.name} is paid {operator.paid()}"


def in_queue(seller: Seller, order: Order) -> None:
    """The order waits for approval."""
    eventually(lambda: seller.has_in_queue(order), within_s=SOON_S, what=f"order {order.number} waits for approval")


def not_in_queue(seller: Seller, order: Order) -> None:
    """The order does not wait for approval any more."""
    eventually(lambda: not seller.has_in_queue(order), within_s=SOON_S, what=f"order {order.number} left the queue")


def found_by_customer_words(seller: Seller, order: Order, shopper: Shopper) -> None:
    """What the customer knows is enough to find the order."""
    seller.finds(order.number, expect=order)
    seller.finds(shopper.email, expect=order)


def search_by_clue(world: World, clue: str) -> None:
    """Support types what the customer says, and sees the order."""
    order, buyer = world.order, world.buyer
    said = {
        "number": lambda: order.number,
        "e-mail": lambda: buyer.email,
        "phone": lambda: buyer.phone,
        "name": lambda: buyer.name,
        "partner reference": lambda: world.partner(buyer.name).reference,
        "number on the parcel": lambda: order.parcels[0][1],
    }
    assert clue in said, f"nobody says {clue!r}; there are: {', '.join(said)}"
    world.support.finds(said[clue](), expect=order)


def story_on_one_page(world: World) -> None:
    """One place tells every status the customer saw, messages of every service, what went wrong with them, and what to do."""
    order = world.order
    story = eventually(
        lambda: world.support.story(order),
        lambda told: told["statuses"] == order.road(),
        within_s=SOON_S,
        what=f"the story of {order.number} tells every status",
    )
    senders = {str(each).partition(".")[0] for each in story["messages"]}
    assert {"shop", "pricing", "crm", "mes", "orchestrator"} <= senders, f"only {senders} are heard of"
    assert (story["trouble"], story["advice"]) == ([], None), (
        f"nothing is wrong with {order.number}, and it says {story}"
    )


def silence_is_explained(seller: Seller, order: Order) -> None:
    """The story says that somebody does not answer, and offers to try again."""
    eventually(
        lambda: seller.story(order)["advice"],
        lambda advice: advice == "repair",
        within_s=SOON_S,
        what=f"the story of {order.number} says that a service is silent",
    )


def repair_is_told(seller: Seller, order: Order) -> None:
    """The story says who had the order tried again."""
    deeds = seller.story(order)["deeds"]
    assert seller.name in deeds, f"the story tells of {deeds}"


def try_to_finish_for(world: World, operator: Operator, *, holder: Operator) -> None:
    """Somebody else reports the holder's piece as made."""
    held = holder.held(world.order)
    world.attempt(lambda: operator.act(held, "completion"))


def assign(world: World, seller: Seller, operator: Operator) -> None:
    """Gives the order's first work order to an operator, who has been at the board."""
    operator.comes_to_board()
    seller.assigns(operator.work_order(world.order), operator_id=operator.user_id)


def hand_over(world: World, seller: Seller, operator: Operator) -> None:
    """Gives the order's first work order, which somebody holds, to another operator, who has been at the board."""
    operator.comes_to_board()
    seller.hands_over(world.work_orders_of(world.order)[0], operator_id=operator.user_id)


def on_board_once(operator: Operator, order: Order) -> None:
    """Exactly one work order of the order is on the board, and stays the only one for a moment."""
    operator.finds_on_board(order)
    holds_for(
        lambda: len(operator.work_orders_on_board(order, status="RELEASED")) == 1,
        seconds=STAYS_S,
        what=f"one work order of {order.number} on the board",
    )


def newest_first(operator: Operator) -> None:
    """The first page of the board is sorted by approval, newest on top."""
    moments = operator.moments_on_board()
    assert len(moments) >= 2, "fewer than two work orders on the board"
    assert moments == sorted(moments, reverse=True), f"not newest first: {moments}"


def holds(operator: Operator, order: Order) -> None:
    """The operator has the order's work order in hand."""
    held = operator.held(order)
    assert held["state"] == "CLAIMED", f"{operator.name} holds it as {held['state']}"


def label_shows(world: World) -> None:
    """The printed label names the order, the piece, its material and its number of pieces; nothing of money, and nobody."""
    label, piece = world.label, world.operator_who_looks.details(world.order)
    assert label["order_number"] == world.order.number, f"the label is of {label['order_number']}"
    for word in (world.order.number, piece["title"], str(piece["quantity"])):
        assert word in label["text"], f"{word} is not on the label: {label['text']}"
    for word in ("₽", "RUB", piece["pay"]["amount"], piece["claimed_by"] or "₽"):
        assert word not in label["text"], f"{word} is on the label: {label['text']}"


def scan_label(world: World, operator: Operator) -> None:
    """The operator scans the label that was printed."""
    assert world.label, "nobody printed a label"
    operator.scans(world.label["address"])


def sees_card(world: World, operator: Operator) -> None:
    """The card that opened is that of the order."""
    card = world.seen_by.get(operator.name)
    assert card, f"no card opened for {operator.name}"
    assert card["order_number"] == world.order.number, f"{operator.name} sees the card of {card['order_number']}"


def works_at_bench(world: World, name: str) -> None:
    """The bench shows this person."""
    shown = world.bench.who()
    assert shown == world.operator(name).name, f"the bench shows {shown}"


def time_passes(world: World, *, hours: int) -> None:
    """So much time goes by in which nothing happens to the order's work."""
    world.faults.time_passes_over(world.work_orders_of(world.order)[0]["work_order_id"], hours=hours)


def says_when_it_lapses(operator: Operator, order: Order) -> None:
    """The card of what the operator holds names the moment when the work goes back by itself, and it is still to come."""
    shown = operator.work_order(order)
    assert shown.get("lapses_at"), f"the card does not say when it goes back: {shown}"
    assert datetime.fromisoformat(shown["lapses_at"]) > datetime.now(UTC), f"it should be back by now: {shown}"


# -- shipping ----------------------------------------------------------------------------------------------------


def report_early(world: World) -> None:
    """The carrier reports the parcel that will be shipped next."""
    world.carrier.reports(CARRIER, world.announce_tracking_number())


def shows_parcels(order: Order) -> None:
    """The customer sees carrier and tracking number of every parcel."""
    eventually(
        lambda: {(parcel["carrier"], parcel["tracking_number"]) for parcel in order.view()["shipments"]},
        lambda shown: shown == set(order.parcels),
        within_s=SOON_S,
        what=f"the parcels of {order.number}",
    )
