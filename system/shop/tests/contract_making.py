"""The page of one's own model as its script asks it, and as a browser sends its form; over memory (unit) and over PostgreSQL."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from system.kernel.ids import new_id
from system.plumbing.tokens import Principal
from system.shop.application.ports import ModelFile
from system.shop.domain.catalogue import Title
from system.shop.domain.options import Choice, EngravingLimits, Options
from system.shop.domain.quote import (
    Difference,
    Engraving,
    Extras,
    QuantityStep,
    Quote,
    QuoteProblem,
    QuoteReason,
    QuoteVerdict,
    Reason,
)
from system.shop.tests.bench import Bench, customer, rub
from system.shop.tests.contract_buying import HTMX, RUSSIAN, Buying, browser, hidden

PARTS = {
    name: rub(amount) for name, amount in (("metal", "6000"), ("labour", "1500"), ("margin", "1500"), ("tax", "1000"))
}
UNTIL = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
Headers = dict[str, str]


def firm(bench: Bench, model: ModelFile, material: str = "gold_585", total: str = "10000.00", **changes: Any) -> Quote:
    """A firm price for one piece of the model."""
    values: dict[str, Any] = {"total": rub(total), "weight_g": "2.62", "valid_until": UNTIL, "per_piece": PARTS}
    return bench.quote(model, material=material, **(values | changes))


def wish(quote: Quote, **changes: str) -> dict[str, str]:
    """The form of the page."""
    form = {"quote_id": str(quote.id), "material": quote.material, "quantity": "1", "ring_size": "", "key": "made-1"}
    return form | changes


class MakingAtPages:
    """With a shop, and Anna who is signed in."""

    async def prices(self, shop: Buying, who: Headers, model: ModelFile, *quotes: Quote, **more: str) -> str:
        ids = ",".join(str(quote.id) for quote in quotes)
        material = more.pop("material", quotes[0].material if quotes else "gold_585")
        return await shop.shown(f"/shop/make/{model.id}/prices?material={material}&quotes={ids}", who, **(HTMX | more))

    # -- the page --------------------------------------------------------------------------------------------------------------

    async def test_a_visitor_is_offered_to_make_their_own(self, shop: Buying) -> None:
        page = await shop.shown("/shop/make", {})
        assert (
            'data-state="empty"' in page
            and 'type="file"' in page
            and "STL, 3MF, OBJ, PLY, GLB or glTF, up to 100 MB" in page
        )
        assert re.findall(r'data-metal="(\w+)"', page) == ["gold_585", "gold_750", "silver_925", "platinum_950"]
        assert '<option value="17.5">17.5</option>' in page and "constructor" not in page
        assert "Выбрать файл" in await shop.shown("/shop/make", {}, **RUSSIAN)
        csp = (await shop.http.get("/shop/make")).headers["content-security-policy"]
        assert "connect-src 'self' https://localhost:8444" in csp

    async def test_what_can_be_chosen_is_what_pricing_offers_now(self, shop: Buying) -> None:
        plain = await shop.shown("/shop/make", {})
        assert "data-stone" not in plain and 'name="engraving"' not in plain
        shop.bench.pricing.choices = Options(
            stones=(Choice("ruby_2mm", Title(ru="Рубин 2 мм", en="Ruby 2 mm")),),
            platings=(Choice("gold", Title(ru="Золочение", en="Gold plating")),),
            engraving=EngravingLimits(30, "1.5", "6", "ABC"),
            steps=(QuantityStep(10, "0.05"),),
        )
        page = await shop.shown("/shop/make", {})
        assert 'data-stone="ruby_2mm"' in page and "Ruby 2 mm" in page and '<option value="gold">Gold plating' in page
        assert 'name="engraving" maxlength="30"' in page and 'min="1.5" max="6"' in page
        assert "from 10 pieces 5 % off" in page
        russian = await shop.shown("/shop/make", {}, **RUSSIAN)
        assert "Рубин 2 мм" in russian and "от 10 шт. скидка 5 %" in russian
        shop.bench.pricing.away = True
        assert "data-stone" not in await shop.shown("/shop/make", {})

    async def test_why_the_price_is_not_the_estimate_is_said_in_sentences(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        reasons = (
            Reason("weight-differs", {"before_g": "3.10", "after_g": "2.62"}, "One piece weighs 2.62 g."),
            Reason("moon-phase", {}, "The moon is full."),
        )
        difference = Difference(rub("-150.00"), reasons)
        quote = firm(shop.bench, model, difference=difference, price_book_version=7, step=QuantityStep(10, "0.05"))
        told = await self.prices(shop, anna, model, quote)
        assert 'data-difference="-150.00"' in told and "less than the estimate" in told
        assert "One piece weighs 2.62 g, and not 3.10 g as at the first look." in told and "The moon is full." in told
        assert "price book number 7" in told and "From 10 pieces we take 5 % off." in told
        assert "Одно изделие весит 2,62 г, а не 3,10 г" in await self.prices(shop, anna, model, quote, **RUSSIAN)
        assert "data-difference" not in await self.prices(shop, anna, model, firm(shop.bench, model))

    async def test_a_calculation_can_be_stopped_and_asked_for_again(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        for going_on in (shop.bench.quote(model), shop.bench.quote(model, estimate=None)):
            told = await self.prices(shop, anna, model, going_on)
            assert "data-stop" in told and 'data-stage="surface"' in told
        stopped = shop.bench.quote(model, estimate=None, problem=QuoteProblem("cancelled", "Stopped."))
        told = await self.prices(shop, anna, model, stopped)
        assert 'data-code="cancelled"' in told and "data-again" in told and "data-stop" not in told
        assert "Mend it" not in told

    async def test_the_cart_says_what_the_piece_gets(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        extras = Extras({"diamond_1_3mm": 2}, "gold", Engraving("1.5", "A <b> Я"))
        answer = await shop.http.post(
            f"/shop/make/{model.id}/lines", data=wish(firm(shop.bench, model, extras=extras)), headers=anna
        )
        assert answer.status_code == 303
        cart = await shop.shown("/shop/cart", anna)
        assert "2 × Diamond 1.3 mm" in cart and "Gold plating" in cart
        assert "A &lt;b&gt; Я</q>, 1.5 mm high" in cart and "<b> Я" not in cart

    async def test_the_first_file_makes_a_visitor_a_guest_once(self, shop: Buying, anna: Headers) -> None:
        answer = await shop.http.post("/shop/make/visit")
        assert answer.status_code == 204 and len(answer.headers.get_list("set-cookie")) == 2
        again = await shop.http.post("/shop/make/visit", headers=browser(answer))
        signed_in = await shop.http.post("/shop/make/visit", headers=anna)
        for known in (again, signed_in):
            assert known.status_code == 204 and "set-cookie" not in known.headers
        assert len(shop.identity.guests) == 1

    async def test_nobody_else_makes_a_guest(self, shop: Buying) -> None:
        crossed = await shop.http.post("/shop/make/visit", headers={"Origin": "https://evil.example"})
        staff = shop.signed_in(customer("Olga", roles=frozenset({"operator"})))
        assert (crossed.status_code, (await shop.http.post("/shop/make/visit", headers=staff)).status_code) == (
            403,
            403,
        )
        shop.identity.away = True
        assert (await shop.http.post("/shop/make/visit")).status_code == 503
        assert shop.identity.guests == []

    async def test_a_model_has_its_page_and_somebody_elses_is_not_there(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        page = await shop.shown(f"/shop/make/{model.id}", anna)
        assert 'data-state="verified"' in page and f'data-file="{model.id}"' in page and "pave-ring.stl" in page
        assert f'data-address="/api/files/v1/uploads/{model.id}/model"' in page
        for file_id in (shop.bench.model(who=customer("Boris")).id, new_id()):
            for path in (f"/shop/make/{file_id}", f"/shop/make/{file_id}/prices"):
                assert (await shop.http.get(path, headers=anna)).status_code == 404
        assert 'data-state="empty"' in await shop.shown(f"/shop/make/{model.id}", {}), "a visitor is told nothing of it"

    async def test_an_upload_that_was_left_says_how_it_goes_on(self, shop: Buying, anna: Headers) -> None:
        page = await shop.shown(f"/shop/make/{shop.bench.model(status='PENDING').id}", anna)
        assert 'data-state="resuming"' in page and "it goes on where it was" in page and "data-address" not in page

    async def test_a_refused_file_says_why(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model(status="REFUSED")
        problem = QuoteProblem("mesh-of-dreams", "Export it again.", "The file is cut short")
        shop.bench.files.has(replace(model, problem=problem))
        page = await shop.shown(f"/shop/make/{model.id}", anna)
        assert 'data-state="refused"' in page and 'data-code="mesh-of-dreams"' in page
        assert "The file is cut short" in page and "Export it again." in page

    # -- prices ----------------------------------------------------------------------------------------------------------------

    async def test_prices_come_as_they_become_known(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        assert 'data-price-state="none"' in await self.prices(shop, anna, model)
        quote = shop.bench.quote(model, estimate=None)
        assert 'data-price-state="coming"' in await self.prices(shop, anna, model, quote)
        assert "Order it" not in await self.prices(shop, anna, model, quote), "nothing is ordered without a price"
        shop.bench.pricing.becomes(quote.id, estimate=rub("9500.00"))
        estimated = await self.prices(shop, anna, model, quote)
        assert 'data-price-state="estimated"' in estimated and "≈ RUB 9,500" in estimated and "Order it" in estimated
        shop.bench.pricing.becomes(quote.id, total=rub("10000.00"), weight_g="2.62", valid_until=UNTIL, per_piece=PARTS)
        told = await self.prices(shop, anna, model, quote)
        assert 'data-price-state="firm"' in told and "RUB 10,000" in told and "2.62 g" in told and "≈" not in told
        assert f'datetime="{UNTIL.isoformat()}"' in told and f'name="quote_id" value="{quote.id}"' in told
        parts = re.findall(r"<dt>([\w ]+)</dt><dd>RUB ([\d,]+)</dd>", told)
        assert parts == [("Metal", "6,000"), ("Work of our workshop", "3,000"), ("Tax", "1,000")]
        russian = await self.prices(shop, anna, model, quote, **RUSSIAN)
        assert "Работа мастерской" in russian and "Metal" not in russian

    async def test_every_metal_has_its_price_on_its_card(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        quotes = [firm(shop.bench, model), firm(shop.bench, model, "silver_925", "2500.00")]
        told = await self.prices(shop, anna, model, *quotes)
        cards = dict(re.findall(r'<template data-card="(\w+)">([^<]*)</template>', told))
        assert cards == {
            "gold_585": "RUB 10,000",
            "gold_750": "",
            "silver_925": "RUB 2,500",
            "platinum_950": "",
        }

    async def test_what_cannot_be_made_says_so_and_asks_for_the_unit_if_that_helps(
        self, shop: Buying, anna: Headers
    ) -> None:
        model = shop.bench.model()
        quote = shop.bench.quote(model)
        shop.bench.pricing.fails(quote.id)
        told = await self.prices(shop, anna, model, quote)
        assert 'data-code="mesh-not-closed"' in told and "The surface has holes" in told and "data-unit" not in told
        assert "Order it" not in told and "quote_id" not in told
        shop.bench.pricing.becomes(quote.id, problem=QuoteProblem("size-implausible", "It is 0.8 mm wide."))
        assert re.findall(r'data-unit="(\w+)"', await self.prices(shop, anna, model, quote)) == ["mm", "cm", "in"]

    async def test_what_a_caster_says_of_each_metal_stands_beside_its_price(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        thin = QuoteReason("wall-thin", "Thin.", {"percent": "3.1", "wall_min_mm": "0.8", "thickness_mm": "0.62"})
        verdicts = {
            "gold_585": QuoteVerdict("needs_review", (thin, QuoteReason("a-newer-reason", "Something newer."))),
            "silver_925": QuoteVerdict("castable"),
            "platinum_950": QuoteVerdict("not_castable", (QuoteReason("wall-too-thin", "Too thin."),)),
        }
        quote = firm(shop.bench, model, verdicts=verdicts)
        told = await self.prices(shop, anna, model, quote)
        assert 'data-verdict="needs_review"' in told and "Some walls are thin for this metal" in told
        assert "3.1 % of the surface" in told and "Something newer." in told and "Order it" in told
        cards = dict(re.findall(r'<template data-card="(\w+)">([^<]*)</template>', told))
        assert cards["platinum_950"] == "cannot be made" and cards["silver_925"] == ""
        assert "Местами стенки тонковаты" in await self.prices(shop, anna, model, quote, **RUSSIAN)
        silver = firm(shop.bench, model, "silver_925", verdicts=verdicts)
        plain = await self.prices(shop, anna, model, silver)
        assert 'data-verdict="castable"' in plain and "data-review" not in plain

    async def test_prices_of_others_and_of_other_models_are_not_shown(self, shop: Buying, anna: Headers) -> None:
        model, other = shop.bench.model(), shop.bench.model()
        stolen = firm(shop.bench, model, owner_id=new_id())
        for quote in (stolen, firm(shop.bench, other)):
            assert 'data-price-state="none"' in await self.prices(shop, anna, model, quote)
        asked = f"/shop/make/{model.id}/prices?quotes=nonsense,,{new_id()}"
        assert 'data-price-state="none"' in await shop.shown(asked, anna, **HTMX)

    # -- into the cart ---------------------------------------------------------------------------------------------------------

    async def test_a_model_goes_from_the_page_to_the_order(self, shop: Buying) -> None:
        guest = browser(await shop.http.post("/shop/make/visit"))
        who: Principal = shop.identity.guests[0]
        model = shop.bench.model(who=who)
        quote = firm(shop.bench, model)
        answer = await shop.sends(f"/shop/make/{model.id}/lines", guest, wish(quote, go="checkout", ring_size="17.5"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/shop/checkout")
        form = await shop.shown("/shop/checkout", guest)
        assert "pave-ring.stl" in form and "Gold 585" in form and "size 17.5" in form
        assert f"/api/files/v1/uploads/{model.id}/preview" in form and hidden(form)["amount"] == "10000.00"
        placed = await shop.sends("/shop/checkout", guest, await shop.checkout(guest))
        order = await shop.shown(placed.headers["location"], guest)
        assert 'data-status="SUBMITTED"' in order and "pave-ring.stl" in order and "being calculated" in order
        again = await shop.sends(f"/shop/make/{model.id}/lines", guest, wish(quote, go="checkout", ring_size="17.5"))
        assert again.headers["location"] == placed.headers["location"], "going back leads to what was ordered"
        assert len(await shop.submitted()) == 1

    async def test_presses_of_two_tabs_are_one_piece(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        first, second = firm(shop.bench, model), firm(shop.bench, model)
        path = f"/shop/make/{model.id}/lines"
        forms = (wish(first), wish(first), wish(second, key="other-tab"))
        answers = await asyncio.gather(*(shop.sends(path, anna, form) for form in forms))
        assert {answer.headers["location"] for answer in answers} == {"/shop/cart"}
        assert re.findall(r'data-model="([\w-]+)"', await shop.shown("/shop/cart", anna)) == [str(model.id)]

    async def test_a_refusal_is_said_and_leads_back(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        quote = firm(shop.bench, model)
        path = f"/shop/make/{model.id}/lines"
        unlike = await shop.sends(path, anna, wish(quote, material="silver_925"))
        assert unlike.status_code == 409 and 'data-code="quote-does-not-fit"' in unlike.text
        assert f'href="/shop/make/{model.id}"' in unlike.text
        gone = await shop.sends(f"/shop/make/{new_id()}/lines", anna, wish(quote))
        assert (gone.status_code, (await shop.sends(path, {}, wish(quote))).status_code) == (404, 303)

    async def test_a_cart_follows_what_is_being_calculated(self, shop: Buying, anna: Headers) -> None:
        model = shop.bench.model()
        quote = shop.bench.quote(model)
        await shop.sends(f"/shop/make/{model.id}/lines", anna, wish(quote))
        cart = await shop.shown("/shop/cart", anna)
        assert f'data-quote="{quote.id}" data-price="10000.00"' in cart and "≈ RUB 10,000" in cart
        assert "make/cart.js" in cart and 'href="/shop/checkout"' in cart, "an estimate can be ordered"
        assert "≈ is an estimate" in await shop.shown("/shop/checkout", anna)
        shop.bench.pricing.becomes(quote.id, estimate=None)
        coming = await shop.shown("/shop/cart", anna)
        assert 'data-trouble="price-coming"' in coming and 'href="/shop/checkout"' not in coming
        shop.bench.pricing.becomes(quote.id, total=rub("9900.00"))
        firmly = await shop.shown("/shop/cart", anna)
        assert "≈" not in firmly and "data-quote" not in firmly and "make/cart.js" not in firmly
        shop.bench.pricing.fails(quote.id)
        failed = await shop.shown("/shop/cart", anna)
        assert 'data-trouble="not-makeable"' in failed and "The surface has holes" in failed
