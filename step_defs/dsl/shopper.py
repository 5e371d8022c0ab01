"""A customer: uploads models, asks for prices, orders, tracks, cancels."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from step_defs.drivers.waiting import eventually
from step_defs.dsl.model_desk import Resumed
from step_defs.dsl.models import is_file
from step_defs.dsl.order import Order, amount
from step_defs.dsl.own_desk import OwnDesk, own_desk_of
from step_defs.dsl.person import Person
from step_defs.dsl.pieces import Piece
from step_defs.dsl.shop_desk import HttpShopDesk, ShopDesk, shop_desk_of

if TYPE_CHECKING:
    from step_defs.dsl.world import World

QUOTED_WITHIN_S = 30.0
DECIDED = ("READY", "FAILED")
"""A quote that changes no more by itself: it has a firm price, or the reason why not."""


class Shopper(Person):
    """A customer of the shop. `order` is the one they are working on."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.files: dict[str, str] = {}
        self.quotes: list[dict[str, Any]] = []
        self.heard: list[dict[str, Any]] = []
        self.heard_within_s = 0.0
        """From asking for the price to the last word about it."""
        self.answered_in_ms: list[float] = []
        """How long each price took that was there in the answer already."""
        self.refused_file: dict[str, Any] | None = None
        self.wish: dict[str, Any] = {}
        """What they asked a price for last."""
        self.broken_off: tuple[str, str] | None = None
        """The model that they could not send to its end, and its file."""
        self.resumed: Resumed | None = None
        self.letters_in = "en"
        """The language that they want our letters in."""
        self.phone = phone_of(self.email)
        self.address = "Tverskaya 1"
        self.calls_files: str | None = None
        """What all their models are called at home, if they have a name of their own for them."""
        self.own_data: dict[str, Any] = {}
        self.accounted: dict[str, Any] = {}
        self._order: Order | None = None
        self._desk: ShopDesk | None = None
        self.is_unseen = False
        """Whether what they do now only prepares the scenario: then they do it by the API."""

    @property
    def desk(self) -> ShopDesk:
        """Their place at the shop, opened when it is first needed."""
        if self._desk is None and self.is_unseen:
            return HttpShopDesk(self.door)
        self._desk = self._desk or shop_desk_of(self)
        return self._desk

    @cached_property
    def own_place(self) -> OwnDesk:
        """Where they see what is theirs, opened when it is first needed."""
        return own_desk_of(self)

    def leaves(self) -> None:
        """Ends the connection."""
        if self._desk is not None:
            self._desk.close()
        if "own_place" in self.__dict__:
            self.own_place.close()
        super().leaves()

    @contextmanager
    def unseen(self) -> Iterator[None]:
        """What is done meanwhile is no part of the scenario."""
        self.is_unseen = True
        try:
            yield
        finally:
            self.is_unseen = False

    def looks_at(self, order_id: str) -> dict[str, Any]:
        """An order of theirs, where they are anyway: on its page, if they came to the pages, else by the API."""
        return (self._desk or HttpShopDesk(self.door)).shown(order_id)

    def has(self, order: Order) -> bool:
        """Whether this is the order they are working on."""
        return self._order is order

    # -- account -------------------------------------------------------------------------------------------------

    def get_account(self) -> None:
        """A customer registers themself."""
        self.registers()

    def registers(self) -> None:
        """Opens an account. Raises Refusal when the e-mail is taken."""
        body = {"email": self.email, "password": self.password, "name": self.name, "language": "en"}
        self.world.stranger.post("/api/identity/v1/registrations", body)

    # -- models and prices ---------------------------------------------------------------------------------------

    def uploads(self, model: str, content: bytes | None = None) -> dict[str, Any]:
        """Uploads a model (a fixture's name, or a file's); returns what the system says about the file."""
        content = self.world.models.bytes_of(model) if content is None else content
        filename = filename_of(self.calls_files or model)
        verdict = self.desk.uploads(filename, content)
        self.files[model] = verdict["file_id"]
        self.refused_file = verdict if verdict["status"] == "REFUSED" else None
        return verdict

    def tries_price(self, model: str, material: str) -> None:
        """Asks what a model costs, unless its file was refused on arrival already."""
        if model not in self.files:
            self.uploads(model)
        if self.refused_file is None:
            self.asks_price(model, material)

    def asks_price(
        self,
        model: str,
        material: str,
        *,
        quantity: int = 1,
        ring_size: str | None = None,
        unit: str | None = None,
        wait: bool = True,
    ) -> dict[str, Any]:
        """Asks what a model costs in a material; waits for the firm price or the refusal unless told not to."""
        if model not in self.files:
            self.uploads(model)
        self.wish = {"file_id": self.files[model], "material": self.world.material(material), "quantity": quantity}
        if ring_size:
            self.wish["ring_size"] = ring_size
        if unit:
            self.wish["unit"] = unit
        self.world.priced = (model, material)
        quote = self.desk.asks_price(self.wish)
        self.quotes.append(quote)
        # The same piece asked for again has its price in the answer already.
        return self.waits_for_quote() if wait and quote["status"] not in DECIDED else quote

    def quote(self) -> dict[str, Any]:
        """The last quote as it is now."""
        assert self.quotes, f"{self.name} has asked for no price"
        self.quotes[-1] = self.door.get(f"/api/pricing/v1/quotes/{self.quotes[-1]['quote_id']}").body
        return self.quotes[-1]

    def waits_for_quote(self, *statuses: str, within_s: float = QUOTED_WITHIN_S) -> dict[str, Any]:
        """Waits until the last quote is READY or FAILED, or has one of these statuses."""
        wanted = statuses or DECIDED
        return eventually(
            self.quote, lambda quote: quote["status"] in wanted, within_s=within_s, what=f"the quote is {wanted}"
        )

    def follows_price(self, model: str, material: str) -> None:
        """Asks what a model that nobody uploaded before costs, and listens to the quote's stream until it ends."""
        self.uploads(model, self.world.models.never_seen(model))
        begun = time.monotonic()
        quote = self.asks_price(model, material, wait=False)
        told = self.door.get(f"/api/pricing/v1/quotes/{quote['quote_id']}/events").body
        self.heard_within_s = time.monotonic() - begun
        self.heard = [
            json.loads(line.removeprefix("data: ")) for line in told.splitlines() if line.startswith("data: {")
        ]

    def own_prices(self) -> list[dict[str, Any]]:
        """The customer's own quotes, as they are listed, read in pages of two."""
        listed: list[dict[str, Any]] = []
        after = None
        while True:
            page = self.door.get("/api/pricing/v1/quotes", limit=2, after=after)
            listed += page["items"]
            after = page["next"]
            if after is None:
                return listed

    def firm_price(self) -> Decimal:
        """The firm price of the last quote. Raises AssertionError with the reason when it has none."""
        quote = self.waits_for_quote()
        assert quote["status"] == "READY", f"there is no firm price: {quote.get('problem')}"
        return amount(quote["total"])

    def breaks_off(self, model: str) -> None:
        """Sends a model, and the connection is lost on the way."""
        file_id = self.desk.breaks_off(filename_of(model), self.world.models.in_parts(model))
        self.broken_off = (model, file_id)

    def chooses_again(self) -> None:
        """Comes back and chooses the file whose upload broke off."""
        assert self.broken_off is not None, f"nothing of {self.name} broke off"
        model, file_id = self.broken_off
        self.resumed = self.desk.goes_on(file_id, filename_of(model), self.world.models.in_parts(model))
        self.files[model] = file_id

    def orders_often(self) -> None:
        """Presses "order it" for what they asked the price of: twice, after going back, and from another tab."""
        view = self.desk.orders_often(self.quote(), self.wish)
        self._order = self.world.order = Order(self.door, view, self.looks_at)

    # -- ordering ------------------------------------------------------------------------------------------------

    @property
    def order(self) -> Order:
        """The order they work on; started when there is none yet."""
        if self._order is None:
            self.starts_order()
        assert self._order is not None
        return self._order

    def starts_order(self) -> Order:
        """Opens an empty order."""
        reply = self.door.post("/api/shop/v1/orders")
        self._order = Order(self.door, reply["order"], self.looks_at)
        self.world.order = self._order
        return self._order

    def adds_model(
        self, model: str, material: str, *, quantity: int = 1, ring_size: str | None = None, unit: str | None = None
    ) -> None:
        """Puts a piece to be made from a model into the order, with the price asked for it."""
        quote = self.asks_price(model, material, quantity=quantity, ring_size=ring_size, unit=unit)
        self.order.answered = self.desk.puts_model(self.order.order_id, quote, self.wish)

    def adds_quoted(self, quote: dict[str, Any], *, file_id: str) -> None:
        """Puts a piece into the order at a quote made earlier, perhaps by somebody else."""
        line = {
            "kind": "custom",
            "file_id": file_id,
            "quote_id": quote["quote_id"],
            "material": quote["material"],
            "quantity": quote["quantity"],
        }
        self.order.takes_line(line)

    def adds_piece(self, piece: Piece) -> None:
        """Puts what a row of a table says into the order."""
        if piece.sku:
            self.adds_good(piece.sku, quantity=piece.quantity, ring_size=piece.ring_size)
            return
        self.adds_model(
            piece.model, piece.material, quantity=piece.quantity, ring_size=piece.ring_size, unit=piece.unit
        )

    def adds_good(self, sku: str, *, quantity: int = 1, ring_size: str | None = None) -> None:
        """Puts a ready-made good into the order, and remembers how many there were. Without a size: the first there is."""
        self.world.stock_before.setdefault(sku, self.stock_of(sku))
        self.order.answered = self.desk.puts_good(self.order.order_id, sku, quantity=quantity, ring_size=ring_size)

    def sees_price(self, *, estimate: bool = False) -> dict[str, str]:
        """The sum that pricing shows for the order's lines: firm prices where there are any, or the estimates.

        What stands on the screen already is not asked for again.
        """

        def prices_in(view: dict[str, Any]) -> list[dict[str, str]]:
            return [price_of_line(line, estimate=estimate) for line in view["lines"]]

        shown = prices_in(self.order.answered)
        if not shown or not all(shown):
            shown = eventually(
                lambda: prices_in(self.order.asked()), all, within_s=QUOTED_WITHIN_S, what="every line shows a price"
            )
        if not shown:
            return {"amount": "0.00", "currency": "RUB"}
        total = sum((Decimal(price["amount"]) for price in shown), Decimal(0))
        return {"amount": f"{total:.2f}", "currency": shown[0]["currency"]}

    def submits(self, *, agreed: dict[str, str] | None = None, key: str | None = None, is_heard: bool = True) -> None:
        """Presses "order", agreeing to the price shown, or to another one; the answer is heard, or lost on the way. Raises Refusal."""
        # No page lets anybody agree to what it does not show.
        desk = self.desk if agreed is None else HttpShopDesk(self.door)
        agreed = agreed or self.sees_price()
        body = {
            "customer": {"name": self.name, "email": self.email, "phone": self.phone, "language": self.letters_in},
            "delivery": {
                "recipient": self.name,
                "address": self.address,
                "city": "Moscow",
                "postcode": "125009",
                "country": "RU",
            },
            "agreed_total": agreed,
        } | self.own_terms()
        key = key or str(uuid.uuid4())
        self.order.submission = (body, key)
        self.order.agreed = agreed
        submit = desk.submits if is_heard else desk.submits_unheard
        submit(self.order.order_id, body, key=key)

    def submits_at_estimate(self) -> None:
        """Presses "order" at the price that was shown before the models were checked. Raises Refusal."""
        self.submits(agreed=self.sees_price(estimate=True))

    def own_terms(self) -> dict[str, Any]:
        """What this kind of buyer adds to an order."""
        return {}

    def reads_question(self) -> str:
        """What a seller asks about the order; waits until somebody does."""
        letters = eventually(
            lambda: self.desk.letters(self.order.order_id),
            lambda shown: bool(shown) and shown[-1]["side"] == "seller",
            what=f"a seller asks {self.name}",
        )
        return str(letters[-1]["text"])

    def writes(self, text: str) -> None:
        """Writes to our sellers about the order, or answers them. Raises Refusal."""
        self.desk.writes(self.order.order_id, text)

    def opens_case(self, kind: str, reason: str, text: str) -> None:
        """Returns the order, or complains of it, once our sellers know how far it is. Raises Refusal."""
        self.world.seller_who_looks.sees(self.order, self.order.status)
        self.desk.opens_case(self.order.order_id, kind, reason, text)

    def reads_answer(self, text: str) -> dict[str, Any]:
        """Waits until a seller's word on the newest return or complaint is read; that case then."""
        cases = eventually(
            lambda: self.desk.cases(self.order.order_id),
            lambda shown: bool(shown) and shown[-1]["answers"][-1:] == [text],
            what=f"{self.name} reads what our sellers say of {self.order.number}",
        )
        return cases[-1]

    def submits_again(self) -> None:
        """The same press of the same button, once more."""
        assert self.order.submission is not None, "the order was not submitted yet"
        body, key = self.order.submission
        self.desk.submits_again(self.order.order_id, body, key=key)

    def orders_model(self, model: str, material: str, *, quantity: int = 1) -> Order:
        """Uploads, asks the price, orders: one piece made from a model."""
        order = self.starts_order()
        self.adds_model(model, material, quantity=quantity)
        self.submits()
        return order

    def orders_good(self, sku: str, *, quantity: int = 1) -> Order:
        """Orders one ready-made good."""
        order = self.starts_order()
        self.adds_good(sku, quantity=quantity)
        self.submits()
        return order

    def orders_at_estimate(self, model: str, material: str) -> Order:
        """Orders at the estimate that was shown before the firm price was known."""
        order = self.starts_order()
        self.adds_model(model, material)
        self.submits_at_estimate()
        return order

    # -- what is theirs ------------------------------------------------------------------------------------------

    def sees_models(self, number: int) -> None:
        """So many models of theirs are listed. Raises AssertionError for another number."""
        shown = self.own_place.models()
        assert len(shown) == number, f"{self.name} sees {[model['name'] for model in shown]}"

    def sees_own_price(self, model: str, material: str) -> None:
        """The last quote is listed with its firm price. Raises AssertionError when it is not."""
        price, quote_id = self.firm_price(), self.quotes[-1]["quote_id"]
        [shown] = [each for each in self.own_place.prices() if each["quote_id"] == quote_id]
        assert (shown["material"], Decimal(shown["total"])) == (self.world.material(material), price), (
            f"{model}: {shown}"
        )

    def deletes_model(self, model: str) -> None:
        """Deletes a model. Raises Refusal when an order needs it."""
        self.own_place.deletes_model(self.files[model])

    # -- afterwards ----------------------------------------------------------------------------------------------

    def answers_price(self, *, accept: bool) -> None:
        """Agrees, or does not, to the price that waits for them."""
        total = self.order.becomes("AWAITING_CUSTOMER")["total"]
        self.desk.answers_price(self.order.order_id, accept=accept, total=total)

    def cancels(self) -> int:
        """Asks to cancel: 200 it is cancelled, 202 it is asked for. Raises Refusal when it is too late."""
        return self.desk.cancels(self.order.order_id)

    def stock_of(self, sku: str) -> int:
        """How many pieces of a good the catalogue offers."""
        return int(self.door.get(f"/api/shop/v1/products/{sku}")["in_stock"])

    def orders_listed(self) -> list[dict[str, Any]]:
        """The customer's own list of orders."""
        return self.desk.orders()


def price_of_line(line: dict[str, Any], *, estimate: bool) -> dict[str, str]:
    """What the shop shows for one line of a cart; empty while it shows nothing."""
    price: dict[str, str] | None = line["estimate"] if estimate else line["total"] or line["estimate"]
    return price or {}


class Partner(Shopper):
    """A company that orders for its own customers, under references of its own."""

    roles = ("partner",)

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self.reference = f"{name.upper()}-{uuid.uuid4().hex[:10]}"

    def get_account(self) -> None:
        """We open a partner's account."""
        Person.get_account(self)

    def own_terms(self) -> dict[str, Any]:
        """The reference the partner knows the order by."""
        return {"partner_reference": self.reference}


def filename_of(model: str) -> str:
    """What a model's file is called at home."""
    return model if is_file(model) else f"{model}.stl"


def phone_of(email: str) -> str:
    """A telephone number that no other person of the scenarios has."""
    digits = f"{int.from_bytes(hashlib.sha256(email.encode()).digest()[:6]) % 10**9:09d}"
    return f"+7 9{digits[:2]} {digits[2:5]}-{digits[5:7]}-{digits[7:]}"
