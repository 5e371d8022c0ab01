"""One function for each command. Each commits once, and waits for no other service while its transaction is open."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import UUID

from prometheus_client import Counter

from system.kernel.ids import derived_id, new_id
from system.messages.envelope import MoneyV1
from system.messages.shop_v1 import PriceAccepted, PriceDeclined
from system.plumbing.telemetry import bind_order, id_for_new_order
from system.plumbing.tokens import Principal
from system.plumbing.unit_of_work import Answer
from system.shop.application import publishing
from system.shop.application.checks import check_quantity, check_quote
from system.shop.application.commands import (
    AddCustomLine,
    AddReadyMadeLine,
    AnswerPriceQuestion,
    CancelOrder,
    ChangeQuantity,
    PutIntoCart,
    PutModelIntoCart,
    RemoveLine,
    StartOrder,
    SubmitOrder,
    WriteLetter,
)
from system.shop.application.ports import CancellationOutcome, Correspondence, Letter, ShopUnitOfWork, Tools
from system.shop.application.views import LetterView, etag_of, order_view
from system.shop.domain import rules
from system.shop.domain.catalogue import Product, Title
from system.shop.domain.errors import (
    FileNotFound,
    FileNotVerified,
    LineNotFound,
    OrderNotFound,
    OrderNotSubmitted,
    OrderWasChanged,
    ProductNotFound,
    QuoteNotFound,
    RingSizeRefused,
)
from system.shop.domain.order import Channel, Line, LineKind, Order, channel_for
from system.shop.domain.quote import Quote

VERIFIED = "VERIFIED"
SUBMITTED = Counter(
    "alexandrite_shop_orders_submitted_total", "Orders that customers submitted, by channel.", ["channel"]
)
for _channel in Channel:
    # There from the start: without orders there is a nought, and not nothing.
    SUBMITTED.labels(_channel.value)


async def start_order(command: StartOrder, tools: Tools) -> Answer:
    """201 with an empty cart and its public number."""
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return _again(seen)
        order = await _new_order(command.customer, uow)
        bind_order(order.id)
        await uow.orders.add(order)
        uow.publish(publishing.order_initiated(order))
        return await _commit(uow, order, status=201, location=f"/api/shop/v1/orders/{order.id}")


async def add_custom_line(command: AddCustomLine, tools: Tools) -> tuple[Order, Line]:
    """The order with a line for the customer's model. The same quote again changes nothing.

    Raises OrderNotFound, OrderAlreadySubmitted, OrderHasEnded, OrderIsFull, FileNotFound, FileNotVerified, QuoteNotFound,
    QuoteDoesNotFit, QuantityRefused.
    """
    check_quantity(command.quantity)
    order = await _peek(command.order_id, command.customer, tools, if_match=command.if_match)
    if (known := order.line_with_quote(command.quote_id)) is None:
        order.check_open()
    line = await _model_line(command, tools)
    if known is not None:
        return order, known
    return await _add_line(line, command, tools)


async def add_ready_made_line(command: AddReadyMadeLine, tools: Tools) -> tuple[Order, Line]:
    """The order with a line for a good of the catalogue, quoted by pricing.

    Raises OrderNotFound, OrderAlreadySubmitted, OrderHasEnded, OrderIsFull, ProductNotFound, RingSizeRefused, QuantityRefused,
    NotForSale; Unavailable when pricing does not answer: without a quote there is nothing to agree to.
    """
    check_quantity(command.quantity)
    async with tools.begin() as uow:
        order = await _owned(uow, command.order_id, command.customer, if_match=command.if_match)
        product = await uow.catalogue.product(command.sku)
    order.check_open()
    # The same key is the same line, pricing knows its quote again, and a quote is never in the cart twice: a customer whose
    # answer got lost repeats the request and still buys one.
    line_id = derived_id(command.order_id, command.key.key) if command.key else new_id()
    line = await _quoted_line(
        _fitting(command.sku, product, command.ring_size),
        line_id=line_id,
        quoted_as=line_id,
        quantity=command.quantity,
        ring_size=command.ring_size,
        customer=command.customer,
        tools=tools,
    )
    return await _add_line(line, command, tools)


async def chosen_good(sku: str, *, quantity: int, ring_size: str | None, tools: Tools) -> Product:
    """The good that was chosen. Raises QuantityRefused, ProductNotFound, RingSizeRefused."""
    check_quantity(quantity)
    async with tools.begin() as uow:
        product = await uow.catalogue.product(sku)
    return _fitting(sku, product, ring_size)


async def put_into_cart(command: PutIntoCart, tools: Tools) -> Answer:
    """200 with the cart; a good that it holds already in this size is not a second line, there are more of it.

    Raises ProductNotFound, RingSizeRefused, QuantityRefused, NotForSale, OrderIsFull; OrderWasChanged when another tab changed the
    very same line meanwhile; Unavailable when pricing does not answer: then nothing is opened.
    """
    product = await chosen_good(command.sku, quantity=command.quantity, ring_size=command.ring_size, tools=tools)
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return _again(seen)
        cart = await uow.orders.cart_of(command.customer.subject)
    if cart is not None:
        bind_order(cart.id)
    known = cart.line_with_good(product.sku, command.ring_size) if cart else None
    line = await _quoted_line(
        product,
        line_id=known.id if known else new_id(),
        quantity=command.quantity + (known.quantity if known else 0),
        ring_size=command.ring_size,
        customer=command.customer,
        tools=tools,
    )
    async with tools.begin() as uow:
        # First the customer, then their cart: of two presses at once the second finds the cart that the first one opened.
        await uow.lock(f"cart of {command.customer.subject}")
        if seen := await uow.answer_to(command.key):
            return _again(seen)
        before = await uow.orders.cart_of(command.customer.subject)
        cart = before or await _new_order(command.customer, uow)
        await uow.lock(cart.id)
        bind_order(cart.id)
        if cart.line_with_good(product.sku, command.ring_size) != known:
            raise OrderWasChanged()
        changed = cart.with_line_requoted(line) if known else cart.with_line(line, now=uow.now)
        if before is None:
            await uow.orders.add(changed)
            uow.publish(publishing.order_initiated(changed))
        else:
            await uow.orders.save(before, changed)
        return await _commit(uow, changed)


async def put_model_into_cart(command: PutModelIntoCart, tools: Tools) -> Answer:
    """200 with the cart. A model that it holds already in this metal and size, with these extras, is no second line: now as many of it
    are wanted as this quote is for, so that pressed in two tabs it is one piece.

    Raises FileNotFound, FileNotVerified, QuoteNotFound, QuoteDoesNotFit, QuantityRefused, OrderIsFull; Unavailable: then nothing is
    opened.
    """
    check_quantity(command.quantity)
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return _again(seen)
        cart = await uow.orders.cart_of(command.customer.subject)
    if cart is not None:
        bind_order(cart.id)
    line = await _model_line(command, tools)
    async with tools.begin() as uow:
        # As above: first the customer, then their cart.
        await uow.lock(f"cart of {command.customer.subject}")
        if seen := await uow.answer_to(command.key):
            return _again(seen)
        before = await uow.orders.cart_of(command.customer.subject)
        cart = before or await _new_order(command.customer, uow)
        await uow.lock(cart.id)
        bind_order(cart.id)
        known = cart.line_with_model(
            command.file_id, line.material, line.ring_size, line.extras
        ) or cart.line_with_quote(line.quote_id)
        changed = (
            cart.with_line_requoted(replace(line, id=known.id))
            if known is not None
            else cart.with_line(line, now=uow.now)
        )
        if before is None:
            await uow.orders.add(changed)
            uow.publish(publishing.order_initiated(changed))
        else:
            await uow.orders.save(before, changed)
        if cart.model_attached_at is None and changed.model_attached_at is not None:
            uow.publish(publishing.file_uploaded(changed, line))
        return await _commit(uow, changed)


async def change_quantity(command: ChangeQuantity, tools: Tools) -> Order:
    """The order with so many pieces in this line, at the price of now.

    Raises OrderNotFound, LineNotFound (also for a customer's own model, whose quote is for its quantity), QuantityRefused, NotForSale,
    OrderAlreadySubmitted, OrderHasEnded; Unavailable.
    """
    check_quantity(command.quantity)
    order = await _peek(command.order_id, command.customer, tools)
    order.check_open()
    known = order.line(command.line_id)
    if known.sku is None:
        raise LineNotFound(command.line_id)
    product = await chosen_good(known.sku, quantity=command.quantity, ring_size=known.ring_size, tools=tools)
    line = await _quoted_line(
        product,
        line_id=known.id,
        quantity=command.quantity,
        ring_size=known.ring_size,
        customer=command.customer,
        tools=tools,
    )
    async with tools.begin() as uow:
        await uow.lock(command.order_id)
        order = await _owned(uow, command.order_id, command.customer)
        changed = order.with_line_requoted(line)
        await uow.orders.save(order, changed)
        await uow.commit()
    return changed


async def remove_line(command: RemoveLine, tools: Tools) -> Order:
    """The order without the line. Raises OrderNotFound, LineNotFound, OrderAlreadySubmitted, OrderHasEnded."""
    async with tools.begin() as uow:
        await uow.lock(command.order_id)
        order = await _owned(uow, command.order_id, command.customer, if_match=command.if_match)
        changed = order.without_line(command.line_id)
        await uow.orders.save(order, changed)
        await uow.commit()
    return changed


async def submit_order(command: SubmitOrder, tools: Tools) -> Answer:
    """200 with the submitted order; the same terms again get the same order.

    Raises OrderNotFound, OrderIsEmpty, PriceNotReady, PriceFailed, PriceChanged, OrderAlreadySubmitted, OrderHasEnded;
    Unavailable when pricing does not answer.
    """
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return seen
        order = await _owned(uow, command.order_id, command.customer, if_match=command.if_match)
    quotes: dict[UUID, Quote] = {}
    if order.is_cart and order.lines:
        quotes = await quotes_by_line(order, tools)
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return seen
        await uow.lock(command.order_id)
        order = await _owned(uow, command.order_id, command.customer, if_match=command.if_match)
        if order.is_cart and not quotes.keys() >= {line.id for line in order.lines}:
            # A line was added while pricing was asked: its price was never compared with what the customer agreed to.
            raise OrderWasChanged()
        quotes = {line.id: quotes[line.id] for line in order.lines if line.id in quotes}
        submitted = order.submitted(command.terms, quotes, now=uow.now)
        if submitted is not order:
            await uow.orders.save(order, submitted)
            uow.publish(publishing.order_submitted(submitted))
        answer = await _commit(uow, submitted)
    if submitted is not order:
        SUBMITTED.labels(submitted.channel.value).inc()
    return answer


async def answer_price_question(command: AnswerPriceQuestion, tools: Tools) -> Answer:
    """200 with the order; its status follows when the orchestrator has heard. The same answer again changes nothing.

    Raises OrderNotFound, NothingToConsentTo, ConsentAlreadyGiven, PriceChanged.
    """
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return seen
        await uow.lock(command.order_id)
        order = await _owned(uow, command.order_id, command.customer)
        answered = order.answered(accepted=command.accept, total=command.total, now=uow.now)
        if answered is not order:
            await uow.orders.save(order, answered)
            if command.accept:
                accepted_total = MoneyV1.of(command.total)
                uow.publish(PriceAccepted(order_id=order.id, total=accepted_total, accepted_at=uow.now))
            else:
                uow.publish(PriceDeclined(order_id=order.id, declined_at=uow.now))
        return await _commit(uow, answered)


async def cancel_order(command: CancelOrder, tools: Tools) -> Answer:
    """200 when the order is cancelled, 202 when MES decides first. Safe to repeat.

    Raises OrderNotFound, CancellationRefused with the transitions that are allowed, Unavailable.
    """
    order = await _peek(command.order_id, command.customer, tools)
    outcome = await tools.orchestrator.cancel(order.id, reason=command.reason, acting_for=command.customer)
    async with tools.begin() as uow:
        await uow.lock(command.order_id)
        order = await _owned(uow, command.order_id, command.customer)
        if outcome is CancellationOutcome.CANCELLED:
            cancelled = order.cancelled(now=uow.now)
            if cancelled is not order:
                await uow.orders.save(order, cancelled)
            order = cancelled
        await uow.commit()
    view = order_view(order)
    if outcome is CancellationOutcome.REQUESTED:
        view = view.model_copy(update={"cancellation_requested": True})
    body = {"outcome": outcome.value, "order": view.model_dump(mode="json")}
    return Answer(200 if outcome is CancellationOutcome.CANCELLED else 202, body, {"ETag": etag_of(order)})


async def write_letter(command: WriteLetter, tools: Tools) -> Answer:
    """201 with the letter, passed on to our sellers. The same key again is the same letter, also after a lost answer.

    Raises OrderNotFound, OrderNotSubmitted, Unavailable; with a wish LineNotFound, and CareRefused with what CRM says.
    """
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return seen
        order = await _owned(uow, command.order_id, command.customer)
        if order.submitted_at is None:
            raise OrderNotSubmitted()
        for line_id in command.wish.line_ids if command.wish else ():
            order.line(line_id)
        letter = Letter(
            id=derived_id(order.id, f"letter:{command.key.key}"),
            side="customer",
            author=(command.customer.name or command.customer.email)[:200],
            text=command.text,
            at=uow.now,
        )
    kept = await tools.letters.send(order.id, letter, acting_for=command.customer, wish=command.wish)
    async with tools.begin() as uow:
        if seen := await uow.answer_to(command.key):
            return seen
        answer = Answer(201, LetterView.of(kept).model_dump(mode="json"))
        await uow.commit(answer)
        return answer


async def correspondence_of(order_id: UUID, customer: Principal, tools: Tools) -> Correspondence:
    """What customer and sellers wrote to each other, with returns and complaints. Raises OrderNotFound, Unavailable."""
    order = await _peek(order_id, customer, tools)
    if order.submitted_at is None:
        return Correspondence()
    return await tools.letters.of(order.id, acting_for=customer)


async def quotes_by_line(order: Order, tools: Tools) -> dict[UUID, Quote]:
    """The present quotes of the order's lines, by line. Raises Unavailable, or PriceNotReady's cause is left to the caller."""
    quotes = await tools.pricing.quotes([line.quote_id for line in order.lines])
    return {line.id: quotes[line.quote_id] for line in order.lines if line.quote_id in quotes}


async def _new_order(customer: Principal, uow: ShopUnitOfWork) -> Order:
    return Order(
        # The trace of the click is the order's from its first span on.
        id=id_for_new_order(),
        number=await uow.orders.next_number(now=uow.now),
        channel=channel_for(customer.roles),
        customer_id=customer.subject,
        created_at=uow.now,
    )


def _fitting(sku: str, product: Product | None, ring_size: str | None) -> Product:
    if product is None:
        raise ProductNotFound(sku)
    if not rules.ring_size_fits(product.ring_sizes, ring_size):
        raise RingSizeRefused(product.sku, ring_size, product.ring_sizes)
    return product


async def _model_line(command: AddCustomLine | PutModelIntoCart, tools: Tools) -> Line:
    """A line for the customer's model at their quote. Raises FileNotFound, FileNotVerified, QuoteNotFound, QuoteDoesNotFit."""
    model, quotes = await asyncio.gather(
        tools.files.model(command.file_id, acting_for=command.customer), tools.pricing.quotes([command.quote_id])
    )
    if model is None or model.owner_id != command.customer.subject:
        raise FileNotFound(command.file_id)
    if model.status != VERIFIED:
        raise FileNotVerified(command.file_id, model.status)
    quote = quotes.get(command.quote_id)
    if quote is None or quote.owner_id != command.customer.subject:
        raise QuoteNotFound(command.quote_id)
    line = Line(
        id=new_id(),
        kind=LineKind.CUSTOM,
        title=Title.same(model.filename),
        material=command.material,
        quantity=command.quantity,
        quote_id=quote.id,
        # The quote may have been asked for in this very size; then it need not be said twice.
        ring_size=command.ring_size if command.ring_size is not None else quote.ring_size,
        file_id=command.file_id,
        # The quote alone says what the piece is priced with.
        extras=quote.extras,
    )
    check_quote(line, quote)
    return line


async def _quoted_line(
    product: Product,
    *,
    line_id: UUID,
    quantity: int,
    ring_size: str | None,
    customer: Principal,
    tools: Tools,
    quoted_as: UUID | None = None,
) -> Line:
    """The line with a quote of now. Pricing knows a quote again that is asked for by the same `quoted_as`; without one, one whose
    answer got lost stays unused."""
    check_quantity(quantity)
    quote = await tools.pricing.quote_ready_made(
        sku=product.sku, quantity=quantity, ring_size=ring_size, line_id=quoted_as or new_id(), acting_for=customer
    )
    line = Line(
        id=line_id,
        kind=LineKind.READY_MADE,
        title=product.title,
        material=product.material,
        quantity=quantity,
        quote_id=quote.id,
        ring_size=ring_size,
        sku=product.sku,
    )
    check_quote(line, quote)
    return line


async def _peek(order_id: UUID, customer: Principal, tools: Tools, *, if_match: str | None = None) -> Order:
    """The order as it is now, read in a transaction of its own that ends before other services are asked."""
    async with tools.begin() as uow:
        return await _owned(uow, order_id, customer, if_match=if_match)


async def _owned(uow: ShopUnitOfWork, order_id: UUID, customer: Principal, *, if_match: str | None = None) -> Order:
    bind_order(order_id)
    order = await uow.orders.get(order_id)
    if order is None or order.customer_id != customer.subject:
        raise OrderNotFound(order_id)
    if if_match is not None and if_match not in ("*", etag_of(order)):
        raise OrderWasChanged()
    return order


async def _add_line(line: Line, command: AddCustomLine | AddReadyMadeLine, tools: Tools) -> tuple[Order, Line]:
    async with tools.begin() as uow:
        await uow.lock(command.order_id)
        order = await _owned(uow, command.order_id, command.customer, if_match=command.if_match)
        changed = order.with_line(line, now=uow.now)
        if changed is not order:
            await uow.orders.save(order, changed)
            if order.model_attached_at is None and changed.model_attached_at is not None:
                uow.publish(publishing.file_uploaded(changed, line))
            await uow.commit()
    kept = changed.line_with_quote(line.quote_id)
    return changed, kept if kept is not None else line


def _again(seen: Answer) -> Answer:
    """The answer that was given before: the request is about the order that it made then, and makes no other."""
    if order := (seen.body or {}).get("order"):
        bind_order(order["order_id"])
    return seen


async def _commit(uow: ShopUnitOfWork, order: Order, *, status: int = 200, location: str | None = None) -> Answer:
    headers = {"ETag": etag_of(order)} | ({"Location": location} if location else {})
    answer = Answer(status, {"order": order_view(order).model_dump(mode="json")}, headers)
    await uow.commit(answer)
    return answer
