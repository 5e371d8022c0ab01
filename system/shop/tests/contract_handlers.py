"""What every command of the shop, and its read model, promise, over memory (unit) and over PostgreSQL (integration)."""

from __future__ import annotations

from uuid import UUID

import pytest

from system.kernel.errors import Invalid, Unavailable
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderChanged
from system.messages.shop_v1 import (
    FileUploaded,
    OrderInitiated,
    OrderSubmitted,
    PriceAccepted,
    PriceDeclined,
)
from system.plumbing.unit_of_work import IdempotencyKey
from system.shop.application import handlers
from system.shop.application.commands import (
    AnswerPriceQuestion,
    CancelOrder,
    RemoveLine,
    StartOrder,
    SubmitOrder,
)
from system.shop.application.ports import CancellationOutcome
from system.shop.domain import errors
from system.shop.domain.order import Order
from system.shop.domain.status import Status
from system.shop.tests.bench import ESTIMATE, Bench, changed, customer, key, money, rub, terms


class Starting:
    async def test_a_new_order_has_a_number_and_is_told_to_the_orchestrator(self, bench: Bench) -> None:
        answer = await handlers.start_order(StartOrder(bench.anna, key()), bench.tools)
        assert answer.status == 201
        assert answer.body is not None
        view = answer.body["order"]
        assert (view["status"], view["channel"], view["version"]) == ("INITIATED", "shop", 0)
        assert view["number"].startswith("A-")
        assert len(view["number"]) == 10
        assert answer.headers["Location"].endswith(view["order_id"])
        [initiated] = await bench.published()
        assert isinstance(initiated, OrderInitiated)
        assert (initiated.number, initiated.customer_id) == (view["number"], bench.anna.subject)

    async def test_the_same_key_starts_one_order(self, bench: Bench) -> None:
        first = await handlers.start_order(StartOrder(bench.anna, key("k")), bench.tools)
        again = await handlers.start_order(StartOrder(bench.anna, key("k")), bench.tools)
        assert again.body == first.body
        assert len(await bench.published()) == 1

    async def test_the_same_key_with_another_body_is_refused(self, bench: Bench) -> None:
        await handlers.start_order(StartOrder(bench.anna, key("k")), bench.tools)
        with pytest.raises(Invalid):
            await handlers.start_order(StartOrder(bench.anna, key("k", fingerprint="0" * 64)), bench.tools)

    async def test_two_orders_have_two_numbers(self, bench: Bench) -> None:
        one, two = await bench.order(await bench.cart()), await bench.order(await bench.cart())
        assert one.number != two.number

    async def test_a_partner_orders_through_its_channel(self, bench: Bench) -> None:
        order_id = await bench.cart(who=customer("Gold and Co", roles=frozenset({"partner"})))
        assert (await bench.order(order_id)).channel == "partner"


class Filling:
    async def test_the_first_model_is_told_once(self, bench: Bench) -> None:
        order_id = await bench.cart()
        model = bench.model()
        order = await bench.custom_line(order_id, bench.quote(model))
        await bench.custom_line(order_id, bench.quote(bench.model()))
        told = [message for message in await bench.published() if isinstance(message, FileUploaded)]
        assert [(message.file_id, message.line_id) for message in told] == [(model.id, order.lines[0].id)]
        assert (await bench.order(order_id)).status is Status.FILE_UPLOADED

    async def test_a_removed_and_new_model_is_not_told_again(self, bench: Bench) -> None:
        order_id = await bench.cart()
        order = await bench.custom_line(order_id, bench.quote(bench.model()))
        await handlers.remove_line(RemoveLine(order_id, bench.anna, order.lines[0].id), bench.tools)
        await bench.custom_line(order_id, bench.quote(bench.model()))
        assert sum(isinstance(message, FileUploaded) for message in await bench.published()) == 1

    async def test_a_good_added_again_with_the_same_key_is_one_line(self, bench: Bench) -> None:
        order_id = await bench.cart()
        key = IdempotencyKey("anna POST lines", "lost-answer", "f" * 64)
        await bench.ready_made_line(order_id, key=key)
        order = await bench.ready_made_line(order_id, key=key)
        assert len(order.lines) == 1
        another = await bench.ready_made_line(order_id, key=IdempotencyKey("anna POST lines", "another", "f" * 64))
        assert len(another.lines) == 2

    async def test_the_same_quote_again_adds_nothing(self, bench: Bench) -> None:
        order_id = await bench.cart()
        quote = bench.quote(bench.model())
        first = await bench.custom_line(order_id, quote)
        again = await bench.custom_line(order_id, quote)
        assert again.lines == first.lines
        assert (await bench.order(order_id)).lines == first.lines

    async def test_lines_keep_their_order(self, bench: Bench) -> None:
        order_id = await bench.cart()
        quotes = [bench.quote(bench.model()) for _ in range(4)]
        for quote in quotes:
            await bench.custom_line(order_id, quote)
        assert [line.quote_id for line in (await bench.order(order_id)).lines] == [quote.id for quote in quotes]

    async def test_an_unknown_model_is_refused(self, bench: Bench) -> None:
        order_id, quote = await bench.cart(), bench.quote(bench.model())
        with pytest.raises(errors.FileNotFound):
            await bench.custom_line(order_id, quote, file_id=new_id())

    async def test_somebody_elses_model_does_not_exist(self, bench: Bench) -> None:
        order_id, stolen = await bench.cart(), bench.model(who=customer("Boris"))
        with pytest.raises(errors.FileNotFound):
            await bench.custom_line(order_id, bench.quote(stolen, owner_id=bench.anna.subject))

    async def test_an_unverified_model_is_refused(self, bench: Bench) -> None:
        order_id, model = await bench.cart(), bench.model(status="REFUSED")
        with pytest.raises(errors.FileNotVerified):
            await bench.custom_line(order_id, bench.quote(model))

    async def test_somebody_elses_quote_does_not_exist(self, bench: Bench) -> None:
        order_id, model = await bench.cart(), bench.model()
        with pytest.raises(errors.QuoteNotFound):
            await bench.custom_line(order_id, bench.quote(model, owner_id=new_id()))

    @pytest.mark.parametrize("difference", [{"material": "gold_750"}, {"quantity": 2}, {"ring_size": "18"}])
    async def test_a_quote_for_something_else_is_refused(self, bench: Bench, difference: dict[str, object]) -> None:
        order_id, quote = await bench.cart(), bench.quote(bench.model(), ring_size="17.5")
        with pytest.raises(errors.QuoteDoesNotFit) as refused:
            await bench.custom_line(order_id, quote, **difference)
        assert refused.value.extra["differences"].keys() == difference.keys()

    async def test_a_quote_for_another_model_is_refused(self, bench: Bench) -> None:
        order_id, quote = await bench.cart(), bench.quote(bench.model())
        with pytest.raises(errors.QuoteDoesNotFit):
            await bench.custom_line(order_id, quote, file_id=bench.model().id)

    async def test_a_ready_made_good_gets_its_quote_from_pricing(self, bench: Bench) -> None:
        order_id = await bench.cart()
        order = await bench.ready_made_line(order_id, "ring-classic-585", quantity=2, ring_size="17.5")
        [line] = order.lines
        quote = bench.pricing.known[line.quote_id]
        assert (line.sku, line.material, line.ring_size) == ("ring-classic-585", "gold_585", "17.5")
        assert (quote.total, quote.owner_id) == (rub("63000.00"), bench.anna.subject)
        assert order.status is Status.INITIATED

    async def test_an_unknown_good_is_refused(self, bench: Bench) -> None:
        order_id = await bench.cart()
        with pytest.raises(errors.ProductNotFound):
            await bench.ready_made_line(order_id, "ring-of-power")

    @pytest.mark.parametrize(
        ("sku", "size"), [("ring-classic-585", None), ("ring-classic-585", "40"), ("pendant-drop-925", "17")]
    )
    async def test_a_size_the_good_does_not_come_in_is_refused(self, bench: Bench, sku: str, size: str | None) -> None:
        order_id = await bench.cart()
        with pytest.raises(errors.RingSizeRefused):
            await bench.ready_made_line(order_id, sku, ring_size=size)

    @pytest.mark.parametrize("quantity", [0, 101])
    async def test_too_many_or_no_pieces_are_refused(self, bench: Bench, quantity: int) -> None:
        order_id = await bench.cart()
        with pytest.raises(errors.QuantityRefused):
            await bench.ready_made_line(order_id, quantity=quantity)

    async def test_without_pricing_nothing_is_added(self, bench: Bench) -> None:
        order_id = await bench.cart()
        bench.pricing.away = True
        with pytest.raises(Unavailable):
            await bench.ready_made_line(order_id)
        assert (await bench.order(order_id)).lines == ()

    async def test_somebody_elses_order_does_not_exist(self, bench: Bench) -> None:
        order_id, quote = await bench.cart(who=customer("Boris")), bench.quote(bench.model())
        with pytest.raises(errors.OrderNotFound):
            await bench.custom_line(order_id, quote)
        with pytest.raises(errors.OrderNotFound):
            await bench.ready_made_line(order_id)

    async def test_an_older_etag_is_refused(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await bench.ready_made_line(order_id, if_match='"1.0"')
        with pytest.raises(errors.OrderWasChanged):
            await bench.ready_made_line(order_id, if_match='"1.0"')

    async def test_an_unknown_line_cannot_be_removed(self, bench: Bench) -> None:
        order_id = await bench.cart()
        with pytest.raises(errors.LineNotFound):
            await handlers.remove_line(RemoveLine(order_id, bench.anna, new_id()), bench.tools)


class Submitting:
    async def test_the_whole_content_is_told(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await bench.custom_line(order_id, bench.quote(bench.model(), ring_size="17.5"))
        await bench.ready_made_line(order_id, "ring-classic-585", ring_size="18")
        answer = await bench.submit(order_id, terms(rub("41500.00"), partner_reference="PO-7"))
        assert answer.status == 200
        assert answer.body is not None
        assert answer.body["order"]["status"] == "SUBMITTED"
        submitted = (await bench.published())[-1]
        assert isinstance(submitted, OrderSubmitted)
        assert submitted.agreed_total.money() == rub("41500.00")
        assert [(line.kind, line.agreed_total.amount, line.ring_size) for line in submitted.lines] == [
            ("custom", "10000.00", "17.5"),
            ("ready_made", "31500.00", "18"),
        ]
        assert submitted.lines[0].title == "pave-ring.stl"
        assert submitted.customer.id == bench.anna.subject
        assert submitted.partner_reference == "PO-7"
        assert (await bench.order(order_id)).terms == terms(rub("41500.00"), partner_reference="PO-7")

    async def test_the_same_terms_again_submit_once(self, bench: Bench) -> None:
        order = await bench.submitted()
        answer = await bench.submit(order.id, terms(ESTIMATE))
        assert answer.status == 200
        assert sum(isinstance(message, OrderSubmitted) for message in await bench.published()) == 1

    async def test_the_same_key_gives_the_very_same_answer(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await bench.custom_line(order_id, bench.quote(bench.model()))
        first = await bench.submit(order_id, terms(ESTIMATE), with_key=key("k"))
        bench.pricing.away = True
        assert await bench.submit(order_id, terms(ESTIMATE), with_key=key("k")) == first

    async def test_other_terms_are_refused(self, bench: Bench) -> None:
        order = await bench.submitted()
        with pytest.raises(errors.OrderAlreadySubmitted) as refused:
            await bench.submit(order.id, terms(ESTIMATE, partner_reference="other"))
        assert refused.value.extra["allowed"] == ["cancel"]

    async def test_an_empty_order_is_refused(self, bench: Bench) -> None:
        order_id = await bench.cart()
        with pytest.raises(errors.OrderIsEmpty):
            await bench.submit(order_id, terms(ESTIMATE))

    async def test_a_line_without_any_price_is_refused(self, bench: Bench) -> None:
        order_id = await bench.cart()
        order = await bench.custom_line(order_id, bench.quote(bench.model(), estimate=None))
        with pytest.raises(errors.PriceNotReady) as refused:
            await bench.submit(order_id, terms(ESTIMATE))
        assert refused.value.extra["lines"] == [str(order.lines[0].id)]

    async def test_a_line_that_cannot_be_priced_is_refused(self, bench: Bench) -> None:
        order_id = await bench.cart()
        quote = bench.quote(bench.model())
        await bench.custom_line(order_id, quote)
        bench.pricing.fails(quote.id)
        with pytest.raises(errors.PriceFailed) as refused:
            await bench.submit(order_id, terms(ESTIMATE))
        assert refused.value.extra["problem"]["code"] == "mesh-not-closed"

    async def test_another_total_is_refused_with_the_present_one(self, bench: Bench) -> None:
        order_id = await bench.cart()
        order = await bench.custom_line(order_id, bench.quote(bench.model()))
        with pytest.raises(errors.PriceChanged) as refused:
            await bench.submit(order_id, terms(rub("9999.99")))
        assert refused.value.extra["total"] == money("10000.00")
        assert refused.value.extra["lines"] == [{"line_id": str(order.lines[0].id), "total": money("10000.00")}]
        assert (await bench.order(order_id)).submitted_at is None

    @pytest.mark.parametrize("agreed", ["10000.00", "12000.00"])
    async def test_the_estimate_or_the_firm_price_may_be_agreed_to(self, bench: Bench, agreed: str) -> None:
        order_id = await bench.cart()
        quote = bench.quote(bench.model())
        await bench.custom_line(order_id, quote)
        bench.pricing.becomes(quote.id, total=rub("12000.00"))
        await bench.submit(order_id, terms(rub(agreed)))
        assert (await bench.order(order_id)).lines[0].agreed_total == rub(agreed)

    async def test_without_pricing_nothing_is_submitted(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await bench.custom_line(order_id, bench.quote(bench.model()))
        bench.pricing.away = True
        with pytest.raises(Unavailable):
            await bench.submit(order_id, terms(ESTIMATE))
        assert (await bench.order(order_id)).submitted_at is None

    async def test_a_line_added_while_pricing_was_asked_stops_the_submission(self, bench: Bench) -> None:
        order_id = await bench.cart()
        await bench.custom_line(order_id, bench.quote(bench.model()))
        original = bench.pricing.quotes

        async def slow_quotes(quote_ids: object) -> object:
            bench.pricing.quotes = original  # type: ignore[method-assign]
            found = await original(quote_ids)  # type: ignore[arg-type]
            await bench.ready_made_line(order_id)
            return found

        bench.pricing.quotes = slow_quotes  # type: ignore[assignment,method-assign]
        with pytest.raises(errors.OrderWasChanged):
            await bench.submit(order_id, terms(ESTIMATE))

    async def test_a_submitted_order_takes_no_more_lines(self, bench: Bench) -> None:
        order = await bench.submitted()
        with pytest.raises(errors.OrderAlreadySubmitted):
            await bench.ready_made_line(order.id)
        with pytest.raises(errors.OrderAlreadySubmitted):
            await handlers.remove_line(RemoveLine(order.id, bench.anna, order.lines[0].id), bench.tools)

    async def test_somebody_else_cannot_submit(self, bench: Bench) -> None:
        order_id = await bench.cart()
        with pytest.raises(errors.OrderNotFound):
            await handlers.submit_order(SubmitOrder(order_id, customer("Boris"), terms(ESTIMATE), key()), bench.tools)


class Consenting:
    async def asked(self, bench: Bench, *, version: int = 4) -> Order:
        order = await bench.submitted()
        await self.ask(bench, order, version=version)
        return await bench.order(order.id)

    async def ask(self, bench: Bench, order: Order, *, version: int, total: str = "12000.00") -> None:
        consent = {"reasons": ["above_estimate"], "agreed_total": money("10000.00"), "total": money(total)}
        await bench.tells(changed(order, "AWAITING_CUSTOMER", version=version, consent=consent))

    def word(self, bench: Bench, order: Order, *, accept: bool, total: str = "12000.00") -> AnswerPriceQuestion:
        return AnswerPriceQuestion(order.id, bench.anna, accept, rub(total), key())

    async def test_yes_is_told(self, bench: Bench) -> None:
        order = await self.asked(bench)
        assert order.allowed_actions == ("consent", "cancel")
        await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)
        accepted = (await bench.published())[-1]
        assert isinstance(accepted, PriceAccepted)
        assert accepted.total.money() == rub("12000.00")
        assert (await bench.order(order.id)).allowed_actions == ("cancel",)

    async def test_no_is_told(self, bench: Bench) -> None:
        order = await self.asked(bench)
        await handlers.answer_price_question(self.word(bench, order, accept=False), bench.tools)
        assert isinstance((await bench.published())[-1], PriceDeclined)

    async def test_the_same_word_again_is_told_once(self, bench: Bench) -> None:
        order = await self.asked(bench)
        await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)
        await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)
        await bench.tells(changed(order, "PRICE_CALCULATED", version=5))
        late = await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)
        assert late.status == 200
        assert sum(isinstance(message, PriceAccepted) for message in await bench.published()) == 1

    async def test_the_other_word_is_refused(self, bench: Bench) -> None:
        order = await self.asked(bench)
        await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)
        with pytest.raises(errors.ConsentAlreadyGiven):
            await handlers.answer_price_question(self.word(bench, order, accept=False), bench.tools)

    async def test_another_total_is_refused(self, bench: Bench) -> None:
        order = await self.asked(bench)
        with pytest.raises(errors.PriceChanged) as refused:
            await handlers.answer_price_question(self.word(bench, order, accept=True, total="11000.00"), bench.tools)
        assert refused.value.extra["total"] == money("12000.00")

    async def test_without_a_question_there_is_no_answer(self, bench: Bench) -> None:
        order = await bench.submitted()
        with pytest.raises(errors.NothingToConsentTo):
            await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)

    async def test_a_second_question_takes_a_second_answer(self, bench: Bench) -> None:
        order = await self.asked(bench)
        await handlers.answer_price_question(self.word(bench, order, accept=True), bench.tools)
        await self.ask(bench, order, version=9, total="13000.00")
        await handlers.answer_price_question(self.word(bench, order, accept=False, total="13000.00"), bench.tools)
        assert isinstance((await bench.published())[-1], PriceDeclined)


class Cancelling:
    def wish(self, bench: Bench, order_id: UUID) -> CancelOrder:
        return CancelOrder(order_id, bench.anna, "changed my mind")

    async def test_a_cancelled_order_is_shown_at_once_and_stays_closed(self, bench: Bench) -> None:
        order_id = await bench.cart()
        answer = await handlers.cancel_order(self.wish(bench, order_id), bench.tools)
        assert answer.status == 200
        assert answer.body is not None
        assert (answer.body["outcome"], answer.body["order"]["status"]) == ("cancelled", "CANCELLED")
        assert bench.orchestrator.asked == [(order_id, "changed my mind")]
        with pytest.raises(errors.OrderHasEnded):
            await bench.ready_made_line(order_id)
        with pytest.raises(errors.OrderHasEnded):
            await bench.submit(order_id, terms(ESTIMATE))

    async def test_cancelling_again_gives_the_same(self, bench: Bench) -> None:
        order_id = await bench.cart()
        first = await handlers.cancel_order(self.wish(bench, order_id), bench.tools)
        assert await handlers.cancel_order(self.wish(bench, order_id), bench.tools) == first

    async def test_production_may_have_to_decide(self, bench: Bench) -> None:
        order = await bench.submitted()
        bench.orchestrator.says[order.id] = CancellationOutcome.REQUESTED
        answer = await handlers.cancel_order(self.wish(bench, order.id), bench.tools)
        assert answer.status == 202
        assert answer.body is not None
        assert answer.body["order"]["cancellation_requested"] is True
        assert (await bench.order(order.id)).status is Status.SUBMITTED

    async def test_a_refusal_names_what_is_allowed(self, bench: Bench) -> None:
        order = await bench.submitted()
        refusal = errors.CancellationRefused(
            detail="It is being made.", status="MANUFACTURING_STARTED", allowed=["MANUFACTURING_COMPLETED"]
        )
        bench.orchestrator.says[order.id] = refusal
        with pytest.raises(errors.CancellationRefused) as refused:
            await handlers.cancel_order(self.wish(bench, order.id), bench.tools)
        assert refused.value.extra["allowed"] == ["MANUFACTURING_COMPLETED"]
        assert (await bench.order(order.id)).cancelled_at is None

    async def test_without_the_orchestrator_nothing_changes(self, bench: Bench) -> None:
        order_id = await bench.cart()
        bench.orchestrator.away = True
        with pytest.raises(Unavailable):
            await handlers.cancel_order(self.wish(bench, order_id), bench.tools)
        assert (await bench.order(order_id)).status is Status.INITIATED

    async def test_somebody_elses_order_is_not_even_asked_about(self, bench: Bench) -> None:
        order_id = await bench.cart(who=customer("Boris"))
        with pytest.raises(errors.OrderNotFound):
            await handlers.cancel_order(self.wish(bench, order_id), bench.tools)
        assert bench.orchestrator.asked == []


class Hearing:
    async def test_the_newest_word_is_kept_whatever_comes_late(self, bench: Bench) -> None:
        order = await bench.submitted()
        await bench.tells(
            changed(order, "PRICE_CALCULATED", version=4),
            changed(order, "SUBMITTED", version=3),
            changed(order, "CANCELLED", version=4),
        )
        progress = (await bench.order(order.id)).progress
        assert progress is not None
        assert (progress.version, progress.status) == (4, Status.PRICE_CALCULATED)

    async def test_the_whole_state_survives_keeping(self, bench: Bench) -> None:
        order = await bench.submitted()
        message = changed(
            order,
            "SHIPPED",
            version=9,
            reason="because",
            cancellation_requested=True,
            total=money("12000.00"),
            lines=[{"line_id": order.lines[0].id, "quote_id": order.lines[0].quote_id, "total": money("12000.00")}],
            consent={"reasons": ["expired"], "agreed_total": money("1.00"), "total": money("2.00")},
            shipments=[{"work_order_id": new_id(), "carrier": "CDEK", "tracking_number": "42"}],
        )
        await bench.tells(message)
        progress = (await bench.order(order.id)).progress
        assert progress is not None
        assert progress == _expected(message, order)

    async def test_an_order_that_was_never_started_here_is_refused(self, bench: Bench) -> None:
        order = await bench.submitted()
        stranger = changed(order, "SUBMITTED", version=1).model_copy(update={"order_id": new_id()})
        with pytest.raises(errors.OrderUnknownHere):
            await bench.tells(stranger)


def _expected(message: OrderChanged, order: Order) -> object:
    from system.shop.domain.progress import Moment, Parcel, PriceQuestion, Progress

    return Progress(
        version=9,
        status=Status.SHIPPED,
        status_since=message.status_since,
        promise_at=message.promise_at,
        reason="because",
        cancellation_requested=True,
        total=rub("12000.00"),
        line_totals={order.lines[0].id: rub("12000.00")},
        question=PriceQuestion(("expired",), rub("1.00"), rub("2.00")),
        parcels=(Parcel("CDEK", "42"),),
        history=(Moment(Status.SHIPPED, message.status_since),),
    )
