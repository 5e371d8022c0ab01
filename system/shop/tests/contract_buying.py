"""The road from the first piece to the order's page, as a browser without a script goes it, over memory (unit) and over PostgreSQL
(integration)."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from babel.messages.pofile import read_po
from fastapi import FastAPI

from system.kernel.ids import new_id
from system.messages.shop_v1 import OrderInitiated, OrderSubmitted, PriceAccepted, PriceDeclined
from system.plumbing.tokens import Principal, TokenAuthority
from system.shop.application.ports import CancellationOutcome, CareStep, Letter
from system.shop.domain.errors import CancellationRefused, CareRefused
from system.shop.domain.order import Order
from system.shop.entrypoints import pages
from system.shop.tests.bench import Bench, changed, customer, money, rub, terms
from system.shop.tests.contract_notices import QUESTION
from system.shop.tests.fakes import FakeIdentity

PAGE = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
RUSSIAN = {"Accept-Language": "ru"}
HTMX = {"HX-Request": "true"}
RING = {"sku": "ring-classic-585", "ring_size": "17", "quantity": "1", "key": "form-1"}
PENDANT = {"sku": "pendant-drop-925", "quantity": "2", "key": "form-2"}
FILLED = {
    "name": "Anna Ivanova",
    "email": "anna@example.org",
    "phone": "+7 900 000-00-00",
    "language": "ru",
    "address": "Lenina 1",
    "city": "Perm",
    "postcode": "614000",
    "country": "Russia",
}


@dataclass
class Buying:
    """The shop with the bench's neighbours, and everybody who comes to it. `leaves` lets so many pieces of a good be left."""

    app: FastAPI
    bench: Bench
    identity: FakeIdentity
    authority: TokenAuthority
    http: httpx.AsyncClient
    leaves: Callable[[str, int], None]

    def signed_in(self, who: Principal) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.authority.issue_for_user(who)}"}

    async def shown(self, path: str, who: dict[str, str], **more: str) -> str:
        answer = await self.http.get(path, headers=who | more)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def sends(self, path: str, who: dict[str, str], fields: dict[str, str], **more: str) -> httpx.Response:
        return await self.http.post(path, data=fields, headers=who | more)

    async def checkout(self, who: dict[str, str], **changes: str) -> dict[str, str]:
        """The order's form as it is shown, filled in."""
        return hidden(await self.shown("/shop/checkout", who)) | FILLED | changes

    async def ordered(self, who: dict[str, str]) -> Order:
        """An order of one ring."""
        await self.sends("/shop/cart/lines", who, RING | {"key": str(new_id())})
        answer = await self.sends("/shop/checkout", who, await self.checkout(who))
        assert answer.status_code == 303, answer.text
        return await self.bench.order(UUID(answer.headers["location"].removeprefix("/shop/orders/")))

    async def submitted(self) -> list[OrderSubmitted]:
        return [each for each in await self.bench.published() if isinstance(each, OrderSubmitted)]


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the order's form."""
    form = page.split('<form class="checkout"')[1].split("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def browser(answer: httpx.Response) -> dict[str, str]:
    """What a browser sends from now on: the session cookie that it was given."""
    [session] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("__Host-session=")]
    return {"Cookie": session.partition(";")[0]}


class BuyingAtPages:
    """With a shop, and Anna who is signed in."""

    # -- the cart --------------------------------------------------------------------------------------------------------------

    async def test_a_visitor_goes_from_the_first_piece_to_the_order(self, shop: Buying) -> None:
        assert "nothing in your cart" in await shop.shown("/shop/cart", {})
        answer = await shop.sends("/shop/cart/lines", {}, RING)
        assert (answer.status_code, answer.headers["location"]) == (303, "/shop/cart")
        assert len(answer.headers.get_list("set-cookie")) == 2, "both cookies come as identity made them"
        guest = browser(answer)
        cart = await shop.shown("/shop/cart", guest)
        assert 'data-sku="ring-classic-585"' in cart and 'data-total="31500.00"' in cart and "Gold 585" in cart
        assert re.search(r'data-badge="/shop/cart"[^>]*>1</b>', cart)
        form = await shop.checkout(guest)
        assert form["amount"] == "31500.00" and "In your hands in 21 days" in await shop.shown("/shop/checkout", guest)
        placed = await shop.sends("/shop/checkout", guest, form)
        assert placed.status_code == 303
        order = await shop.shown(placed.headers["location"], guest)
        assert 'data-status="SUBMITTED"' in order and "Lenina 1" in order and "/sign-up?next=/shop/orders/" in order
        assert "nothing in your cart" in await shop.shown("/shop/cart", guest)
        [told] = await shop.submitted()
        assert told.customer.id == shop.identity.guests[0].subject and told.customer.email == "anna@example.org"
        assert told.delivery.recipient == "Anna Ivanova"

    @pytest.mark.parametrize("path", ["/shop/", "/shop/cart", "/shop/checkout", "/shop/goods/ring-classic-585"])
    async def test_whoever_comes_back_without_a_script_goes_on_first_and_once(self, shop: Buying, path: str) -> None:
        marker = "__Host-returning=1"
        answer = await shop.http.get(path, headers={"Cookie": marker})
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"/api/identity/v1/sessions/resume?next={path}",
        )
        tried = await shop.http.get(path, headers={"Cookie": f"{marker}; __Host-returning-tried=1"})
        assert tried.headers.get("location", "") in ("", "/shop/cart") and "resume" not in tried.headers.get(
            "location", ""
        )
        anna = await shop.http.get(path, headers=shop.signed_in(shop.bench.anna) | {"Cookie": marker})
        assert "resume" not in anna.headers.get("location", ""), "who has a session needs none"

    async def test_a_press_from_elsewhere_makes_nobody_a_guest(self, shop: Buying) -> None:
        answer = await shop.sends("/shop/cart/lines", {"Origin": "https://evil.example"}, RING)
        assert answer.status_code == 403 and shop.identity.guests == []

    @pytest.mark.parametrize(
        ("changes", "status", "said"),
        [
            ({"sku": "ring-of-power"}, 404, "no such piece any more"),
            ({"ring_size": "99"}, 422, "Choose one of the ring sizes: 15"),
            ({"ring_size": ""}, 422, "Choose one of the ring sizes: 15"),
            ({"quantity": "101"}, 422, "between 1 and 100"),
        ],
    )
    async def test_what_cannot_be_bought_makes_nobody_a_guest(
        self, shop: Buying, changes: dict[str, str], status: int, said: str
    ) -> None:
        answer = await shop.sends("/shop/cart/lines", {}, RING | changes)
        assert (
            answer.status_code == status
            and said in answer.text
            and f"/shop/goods/{changes.get('sku', RING['sku'])}" in answer.text
        )
        assert shop.identity.guests == [] and "set-cookie" not in answer.headers

    async def test_refusals_are_said_in_russian_too(self, shop: Buying, anna: dict[str, str]) -> None:
        shop.identity.away = True
        assert "не можем завести для вас корзину" in (await shop.sends("/shop/cart/lines", {}, RING, **RUSSIAN)).text
        shop.bench.pricing.away = True
        answer = await shop.sends("/shop/cart/lines", anna, RING, **RUSSIAN)
        assert answer.status_code == 503 and "не можем узнать цены" in answer.text

    async def test_a_double_press_puts_in_one_piece_and_opens_one_cart(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        answers = await asyncio.gather(*(shop.sends("/shop/cart/lines", anna, RING) for _ in range(4)))
        assert {answer.status_code for answer in answers} == {303}
        await shop.sends("/shop/cart/lines", anna, PENDANT)
        cart = await shop.shown("/shop/cart", anna)
        assert re.findall(r'data-sku="([\w-]+)" data-quantity="(\d+)"', cart) == [
            ("ring-classic-585", "1"),
            ("pendant-drop-925", "2"),
        ]
        assert sum(isinstance(each, OrderInitiated) for each in await shop.bench.published()) == 1

    async def test_pieces_are_changed_and_taken_out(self, shop: Buying, anna: dict[str, str]) -> None:
        await shop.sends("/shop/cart/lines", anna, RING)
        line = re.findall(r'data-line="([\w-]+)"', await shop.shown("/shop/cart", anna))[0]
        place = f"/shop/cart/lines/{line}"
        assert (await shop.sends(f"{place}/quantity", anna, {"quantity": "3"})).status_code == 303
        assert 'data-quantity="3"' in await shop.shown("/shop/cart", anna)
        refused = await shop.sends(f"{place}/quantity", anna, {"quantity": "101"})
        assert (
            refused.status_code == 422
            and 'data-code="quantity-refused"' in refused.text
            and 'data-quantity="3"' in refused.text
        )
        boris = shop.signed_in(customer("Boris"))
        assert (await shop.sends(f"{place}/quantity", boris, {"quantity": "1"})).status_code == 404
        await shop.sends(f"{place}/removal", boris, {})
        assert 'data-quantity="3"' in await shop.shown("/shop/cart", anna), "somebody else took nothing out"
        for _ in range(2):
            assert (await shop.sends(f"{place}/removal", anna, {})).status_code == 303
        assert "nothing in your cart" in await shop.shown("/shop/cart", anna)

    async def test_what_changed_meanwhile_is_said_and_stops_the_order(self, shop: Buying, anna: dict[str, str]) -> None:
        await shop.sends("/shop/cart/lines", anna, RING | {"sku": "ring-solitaire-950", "quantity": "2"})
        form = await shop.checkout(anna)
        shop.bench.pricing.prices["ring-solitaire-950"] = rub("99000.00")
        moved = await shop.shown("/shop/cart", anna)
        assert 'data-trouble="price-moved"' in moved and "/shop/checkout" in moved
        shop.leaves("ring-solitaire-950", 1)
        short = await shop.shown("/shop/cart", anna)
        assert 'data-trouble="too-few"' in short and "Only 1 is left" in short and 'href="/shop/checkout"' not in short
        refused = await shop.sends("/shop/checkout", anna, form)
        assert refused.status_code == 409 and 'data-code="goods-missing"' in refused.text
        assert (await shop.http.get("/shop/checkout", headers=anna)).headers["location"] == "/shop/cart"
        assert await shop.submitted() == []

    # -- the order's form ------------------------------------------------------------------------------------------------------

    async def test_what_does_not_fit_is_said_beside_its_field_and_the_rest_stays(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        await shop.sends("/shop/cart/lines", anna, RING)
        form = await shop.checkout(anna, email="anna", city=" ", address='Lenina "1"')
        answer = await shop.sends("/shop/checkout", anna, form)
        assert answer.status_code == 422
        assert dict(re.findall(r'data-field="(\w+)" data-code="([\w-]+)"', answer.text)) == {
            "email": "email-unreadable",
            "city": "field-missing",
        }
        assert 'value="Lenina &#34;1&#34;"' in answer.text and hidden(answer.text)["key"] == form["key"]
        russian = await shop.sends("/shop/checkout", anna, form, **RUSSIAN)
        assert "Заполните это поле" in russian.text and "Fill this in" not in russian.text
        assert await shop.submitted() == []

    async def test_one_form_is_one_order_however_often_it_is_sent(self, shop: Buying, anna: dict[str, str]) -> None:
        await shop.sends("/shop/cart/lines", anna, RING)
        first, other_tab = await shop.checkout(anna), await shop.checkout(anna, city="Kazan")
        answers = await asyncio.gather(
            *(shop.sends("/shop/checkout", anna, form) for form in (first, first, other_tab))
        )
        [place] = {answer.headers["location"] for answer in answers}
        await shop.sends("/shop/cart/lines", anna, PENDANT)
        again = await shop.sends("/shop/checkout", anna, first)
        assert again.headers["location"] == place, "going back orders nothing of the next cart"
        assert len(await shop.submitted()) == 1 and 'data-sku="pendant-drop-925"' in await shop.shown(
            "/shop/cart", anna
        )

    async def test_a_price_that_changed_is_shown_and_asked_about_again(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        await shop.sends("/shop/cart/lines", anna, RING)
        form = await shop.checkout(anna)
        line = re.findall(r'data-line="([\w-]+)"', await shop.shown("/shop/cart", anna))[0]
        await shop.sends(f"/shop/cart/lines/{line}/quantity", anna, {"quantity": "2"})
        answer = await shop.sends("/shop/checkout", anna, form)
        assert answer.status_code == 409 and 'data-code="price-changed"' in answer.text
        assert hidden(answer.text)["amount"] == "63000.00" and 'value="Perm"' in answer.text
        assert (await shop.sends("/shop/checkout", anna, hidden(answer.text) | FILLED)).status_code == 303

    async def test_the_form_knows_the_last_order(self, shop: Buying, anna: dict[str, str]) -> None:
        await shop.ordered(anna)
        await shop.sends("/shop/cart/lines", anna, PENDANT)
        form = await shop.shown("/shop/checkout", anna)
        assert 'value="Lenina 1"' in form and 'value="614000"' in form and 'value="anna@example.org"' in form

    async def test_without_a_cart_there_is_nothing_to_order(self, shop: Buying, anna: dict[str, str]) -> None:
        people: list[dict[str, str]] = [{}, anna]
        for who in people:
            assert (await shop.http.get("/shop/checkout", headers=who)).headers["location"] == "/shop/cart"
        body = {"order": str(new_id()), "amount": "1.00", "currency": "RUB"} | FILLED
        assert (await shop.sends("/shop/checkout", anna, body)).status_code == 404

    async def test_every_page_speaks_one_language(self, shop: Buying, anna: dict[str, str]) -> None:
        order = await shop.ordered(anna)
        asked = {"reasons": ["expired"], "agreed_total": money("31500.00"), "total": money("33000.00")}
        await shop.bench.tells(changed(order, "AWAITING_CUSTOMER", version=5, consent=asked))
        link = re.findall(r'href="(/shop/track/[\w-]+)"', await shop.shown(f"/shop/orders/{order.id}", anna))[0]
        await shop.sends("/shop/cart/lines", anna, RING)
        with (Path(pages.__file__).parent / "locales" / "ru.po").open("rb") as file:
            messages = [message.id for message in read_po(file, locale="ru") if message.id]
        sentences = [str(each) for message in messages for each in ([message] if isinstance(message, str) else message)]
        for path in ("/shop/cart", "/shop/checkout", "/shop/orders", f"/shop/orders/{order.id}", link):
            russian = html.unescape(await shop.shown(path, anna, **RUSSIAN))
            english = (await shop.shown(path, anna)).replace("Кольцо", "").replace("Россия", "")
            assert not [each for each in sentences if " " in each and "%(" not in each and each in russian], path
            assert not re.search("[а-яё]{3}", re.sub(r'aria-label="RU[^"]*"', "", english), re.IGNORECASE), path
            assert "%(" not in english + russian and " style=" not in english and " onclick=" not in english, path

    # -- orders ----------------------------------------------------------------------------------------------------------------

    async def test_orders_page_on_and_hold_no_cart(self, shop: Buying, anna: dict[str, str]) -> None:
        assert "not ordered anything yet" in await shop.shown("/shop/orders", anna)
        for _ in range(21):
            order_id = await shop.bench.cart()
            await shop.bench.ready_made_line(order_id)
            await shop.bench.submit(order_id, terms(rub("4200.00")))
        await shop.bench.cart()
        first = await shop.shown("/shop/orders", anna)
        assert first.count('class="order-row"') == 20
        more = html.unescape(re.findall(r'hx-get="([^"]+)"', first)[0])
        rest = await shop.shown(more, anna, **HTMX)
        assert rest.count('class="order-row"') == 1 and "<main" not in rest and 'class="more"' not in rest
        assert (await shop.http.get("/shop/orders?cursor=zzz", headers=anna)).status_code == 422
        assert (await shop.http.get("/shop/orders")).headers["location"] == "/sign-in?next=/shop/orders"

    async def test_somebody_elses_order_does_not_exist(self, shop: Buying, anna: dict[str, str]) -> None:
        order = await shop.ordered(anna)
        boris, place = shop.signed_in(customer("Boris")), f"/shop/orders/{order.id}"
        for path in (place, f"{place}/events"):
            assert (await shop.http.get(path, headers=boris)).status_code == 404
        answer = {"answer": "accept", "amount": "1.00", "currency": "RUB"}
        for path, fields in (("letters", {"text": "Hello"}), ("consent", answer), ("cancellation", {"reason": ""})):
            assert (await shop.sends(f"{place}/{path}", boris, fields)).status_code == 404, path
        assert shop.bench.letters.kept == {} and shop.bench.orchestrator.asked == []

    @pytest.mark.parametrize(
        ("status", "english", "russian"),
        [
            ("PRICE_CALCULATED", "A seller looks through", "Продавец просматривает"),
            ("MANUFACTURING_STARTED", "A jeweller is at work", "Ювелир работает"),
            ("SHIPPED", "on its way to you", "Едет к вам"),
            ("PRICE_FAILED", "could not find a price", "не смогли назвать цену"),
            ("REJECTED", "could not accept this order", "не смог принять этот заказ"),
            ("CANCELLED", "This order is cancelled", "Заказ отменён"),
        ],
    )
    async def test_an_order_says_what_happens_now(
        self, shop: Buying, anna: dict[str, str], status: str, english: str, russian: str
    ) -> None:
        order = await shop.ordered(anna)
        await shop.bench.tells(changed(order, status, version=5, reason="No such stone."))
        place = f"/shop/orders/{order.id}"
        page, other = await shop.shown(place, anna), await shop.shown(place, anna, **RUSSIAN)
        assert english in page and russian in other and english not in other
        assert ("No such stone." in page) is (status in ("PRICE_FAILED", "REJECTED", "CANCELLED"))
        assert page.count('aria-current="step"') == (0 if status in ("PRICE_FAILED", "REJECTED", "CANCELLED") else 1)

    async def test_a_model_that_cannot_be_priced_says_why_in_the_readers_language(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        order = await shop.ordered(anna)
        english = "19 edges bound no solid."
        failed = changed(order, "PRICE_FAILED", version=5, reason=english, reason_code="mesh-not-closed")
        await shop.bench.tells(failed)
        place = f"/shop/orders/{order.id}"
        page, other = await shop.shown(place, anna), await shop.shown(place, anna, **RUSSIAN)
        assert "The surface has holes. Only a closed surface" in page
        assert "В поверхности есть дыры. Отлить можно только" in other
        for shown in (page, other):
            assert f"</small> {english}" not in shown

    async def test_the_page_says_what_we_wrote_by_e_mail(self, shop: Buying, anna: dict[str, str]) -> None:
        order = await shop.ordered(anna)
        assert "data-notice" not in await shop.shown(f"/shop/orders/{order.id}", anna)
        for version, status in ((3, "SUBMITTED"), (4, "AWAITING_CUSTOMER"), (5, "CANCELLED")):
            more = {"consent": QUESTION} if status == "AWAITING_CUSTOMER" else {}
            await shop.bench.tells(changed(order, status, version=version, **more))
        page = await shop.shown(f"/shop/orders/{order.id}", anna)
        # The question is over before its letter was sent, so that it is not told.
        told = re.findall(r'data-notice="([\w-]+)" data-state="(\w+)"', page)
        assert sorted(told) == [("order-cancelled", "waiting"), ("order-received", "waiting")]

    async def test_a_new_price_is_answered_once(self, shop: Buying, anna: dict[str, str]) -> None:
        order = await shop.ordered(anna)
        asked = {"reasons": ["metal_moved"], "agreed_total": money("31500.00"), "total": money("33000.00")}
        await shop.bench.tells(changed(order, "AWAITING_CUSTOMER", version=5, consent=asked))
        place = f"/shop/orders/{order.id}"
        page = await shop.shown(place, anna)
        assert "RUB 31,500" in page and "RUB 33,000" in page and "price of the metal has moved" in page
        yes = {"answer": "accept", "amount": "33000.00", "currency": "RUB", "key": "once"}
        wrong = await shop.sends(f"{place}/consent", anna, yes | {"amount": "31500.00"})
        assert wrong.status_code == 409 and 'data-said="price-changed"' in wrong.text
        for _ in range(2):
            assert (await shop.sends(f"{place}/consent", anna, yes)).status_code == 303
        assert 'data-answer="accepted"' in await shop.shown(place, anna)
        said = await shop.sends(f"{place}/consent", anna, yes | {"answer": "decline"}, **HTMX)
        assert said.status_code == 200 and 'data-said="consent-already-given"' in said.text and "<main" not in said.text
        told = [each for each in await shop.bench.published() if isinstance(each, (PriceAccepted, PriceDeclined))]
        assert len(told) == 1 and isinstance(told[0], PriceAccepted)

    async def test_an_order_is_cancelled_asked_for_or_refused(self, shop: Buying, anna: dict[str, str]) -> None:
        order = await shop.ordered(anna)
        place = f"/shop/orders/{order.id}"
        shop.bench.orchestrator.says[order.id] = CancellationRefused(detail="Late.", status="SHIPPED", allowed=[])
        refused = await shop.sends(f"{place}/cancellation", anna, {"reason": ""})
        assert refused.status_code == 409 and "too late to cancel" in refused.text
        shop.bench.orchestrator.says[order.id] = CancellationOutcome.CANCELLED
        assert (await shop.sends(f"{place}/cancellation", anna, {"reason": " changed my mind "})).status_code == 303
        page = await shop.shown(place, anna)
        assert 'data-status="CANCELLED"' in page and 'data-action="cancellation"' not in page
        assert shop.bench.orchestrator.asked[-1] == (order.id, "changed my mind")

    async def test_letters_go_both_ways_once_and_stay_when_they_cannot_go(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        order = await shop.ordered(anna)
        place = f"/shop/orders/{order.id}"
        letter = {"text": "Could it be\nwider?", "key": "letter-1"}
        for _ in range(2):
            assert (await shop.sends(f"{place}/letters", anna, letter)).status_code == 303
        [kept] = shop.bench.letters.kept[order.id]
        shop.bench.letters.kept[order.id].append(Letter(new_id(), "seller", "Maria", "It could.", kept.at))
        page = await shop.shown(place, anna)
        assert page.count('data-letter="customer"') == 1 and "It could." in page and "we wait for your answer" in page
        empty = await shop.sends(f"{place}/letters", anna, {"text": "  "})
        assert empty.status_code == 422 and "at most 2000 characters" in empty.text
        shop.bench.letters.away = True
        lost = await shop.sends(f"{place}/letters", anna, {"text": "Still there?", "key": "letter-2"})
        assert lost.status_code == 503 and ">Still there?</textarea>" in lost.text
        assert "Letters cannot be read just now" in await shop.shown(place, anna)

    async def test_something_is_wrong_and_our_sellers_say_what_comes_of_it(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        order = await shop.ordered(anna)
        place, kept = f"/shop/orders/{order.id}", shop.bench.letters
        assert 'value="complaint"' in (before := await shop.shown(place, anna)) and 'value="return"' not in before
        kept.offers = ("return", "complaint")
        wish = {"kind": "return", "reason": "does_not_fit", "text": "Size 17,\nplease.", "key": "case-1"}
        refused = await shop.sends(f"{place}/cases", anna, wish | {"reason": ""})
        assert refused.status_code == 422 and "what you would like, and why" in refused.text
        assert "please.</textarea>" in refused.text and 'value="return" required checked' in refused.text
        kept.refusal = CareRefused("return-too-late", detail="Over.", until="2026-03-16T09:00:00+00:00", days=14)
        late = await shop.sends(f"{place}/cases", anna, wish)
        assert late.status_code == 409 and "could be returned until Mar 16" in late.text
        kept.refusal = None
        for _ in range(2):
            assert (await shop.sends(f"{place}/cases", anna, wish)).status_code == 303
        [case] = kept.cases[order.id]
        assert (case.wish.kind, case.wish.reason, len(kept.kept[order.id])) == ("return", "does_not_fit", 1)
        said = CareStep("accepted", "seller", "Maria", case.steps[0].at, "Gladly.")
        kept.cases[order.id] = [replace(case, state="accepted", return_to="Ordynka 40", steps=(*case.steps, said))]
        page, russian = await shop.shown(place, anna), await shop.shown(place, anna, **RUSSIAN)
        assert 'data-state="accepted"' in page and "Gladly." in page and "Send it to:" in page and "Ordynka 40" in page
        assert "Возврат" in russian and "не подошло" in russian.lower()
        boris = shop.signed_in(customer("Boris"))
        assert (await shop.sends(f"{place}/cases", boris, wish)).status_code == 404

    async def test_what_is_typed_stays_when_nobody_answers(self, shop: Buying, anna: dict[str, str]) -> None:
        order = await shop.ordered(anna)
        shop.bench.letters.away = True
        wish = {"kind": "complaint", "reason": "damaged", "text": "It rattles.", "key": "case-1"}
        lost = await shop.sends(f"/shop/orders/{order.id}/cases", anna, wish)
        assert lost.status_code == 503 and "It rattles.</textarea>" in lost.text

    async def test_whoever_has_the_link_sees_the_road_and_nobodys_name(
        self, shop: Buying, anna: dict[str, str]
    ) -> None:
        order = await shop.ordered(anna)
        link = re.findall(r'href="(/shop/track/[\w-]+)"', await shop.shown(f"/shop/orders/{order.id}", anna))[0]
        answer = await shop.http.get(link)
        assert answer.status_code == 200 and answer.headers["x-robots-tag"] == "noindex"
        assert order.number in answer.text and 'data-step="SUBMITTED" data-place="now"' in answer.text
        assert not [each for each in ("Anna", "anna@", "Lenina", "Perm", "614000") if each in answer.text]
        unknown = await shop.http.get(f"{link[:-3]}AAA")
        assert unknown.status_code == 404 and "leads to no order" in unknown.text
