"""The pages about prices as a browser without a script gets them, over books in memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import cache
from html import unescape
from typing import Any

import httpx
import pytest
from fastapi import Request

from system.kernel.ids import new_id
from system.pagekit.pages import Pages
from system.plumbing.auth import Principal
from system.plumbing.web import make_app
from system.pricing.domain.mesh import MeshMeasure
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import Asked, Quote, QuoteKind
from system.pricing.entrypoints import prices
from system.pricing.settings import PricingSettings
from system.pricing.tests.fake_books import FakeBooks

VALID_FOR = timedelta(days=1)


@pytest.fixture
def books(book: PriceBook) -> FakeBooks:
    return FakeBooks(book)


@cache
def the_pages() -> Pages:
    """Read once: the files of all pages are large."""
    return prices.pages_of(PricingSettings())


def browser(books: FakeBooks, *, role: str = "administrator", language: str = "en") -> httpx.AsyncClient:
    shown = the_pages()
    app = make_app(PricingSettings(), routers=[], pages=[shown.router(), prices.router])
    shown.install(app)
    app.state.queries, app.state.make_uow = books, books.work

    @app.middleware("http")
    async def signed_in(request: Request, call_next: Any) -> Any:
        request.state.principal = Principal(new_id(), frozenset({role}), "Ada", "ada@example.com")
        return await call_next(request)

    headers = {"accept": "text/html", "accept-language": language}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://pricing", headers=headers)


@pytest.fixture
async def ada(books: FakeBooks) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(books) as client:
        yield client


def form_of(page: str, form_id: str) -> dict[str, str]:
    """The fields of a form as the page sends them."""
    form = re.search(rf'<form[^>]*id="{form_id}".*?</form>', page, re.DOTALL)
    assert form is not None, f"no form {form_id}"
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form[0]):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and (not re.search(r'type="(radio|checkbox)"', tag) or "checked" in tag):
            fields[name[1]] = unescape(value[1]) if value else ""
    return fields


def open_quote(book: PriceBook, torus: MeshMeasure, material: str = "gold_585") -> Quote:
    asked = Asked(QuoteKind.CUSTOM, material, 1, file_id=new_id(), mesh_sha256="0" * 64)
    now = datetime.now(UTC)
    quote = Quote(new_id(), new_id(), asked, now, book.version, book.spot_of(book.alloy(material)))
    return quote.ready(torus, book, now=now, valid_for=VALID_FOR)


async def looked_at(ada: httpx.AsyncClient, **typed: str) -> str:
    """The preview of new metal prices."""
    fields = form_of((await ada.get("/prices/")).text, "metals")
    answer = await ada.post(
        "/prices/preview", data=fields | {f"v:spot_per_g.{metal}": text for metal, text in typed.items()}
    )
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("page", ["/", "/edit", "/versions", "/versions/1", "/changes?from=1&to=1"])
@pytest.mark.parametrize("language", ["ru", "en"])
async def test_every_page_is_there_for_administrators_alone(books: FakeBooks, page: str, language: str) -> None:
    async with browser(books, language=language) as ada, browser(books, role="seller") as seller:
        shown = await ada.get(f"/prices{page}")
        assert shown.status_code == 200 and "<main" in shown.text and "<script>" not in shown.text
        assert " style=" not in shown.text, "the policy forbids it"
        assert (await seller.get(f"/prices{page}")).status_code == 403


async def test_the_book_in_force_is_readable(ada: httpx.AsyncClient) -> None:
    page = (await ada.get("/prices/")).text
    assert "Book 1" in page and "the first price book" in page
    for place, text in (
        ("spot_per_g.gold", "8,500"),
        ("alloys.gold_585.casting_loss", "5"),
        ("alloys.platinum_950.density_g_cm3", "20.7"),
        ("rates.margin", "30"),
        ("metal_tolerance", "2"),
    ):
        assert re.search(rf'data-place="{place}">{text}\b', page), place
    assert "Platinum 950" in page and "ring-solitaire-950" in page


async def test_the_metals_are_changed_looked_at_and_published(
    ada: httpx.AsyncClient, books: FakeBooks, book: PriceBook, torus: MeshMeasure
) -> None:
    books.quotes = [open_quote(book, torus), open_quote(book, torus, "silver_925")]
    page = await looked_at(ada, gold="9350")
    assert "+10.0 %" in page and 'data-open="2"' in page
    assert re.search(r'data-material="gold_585" data-count="1" data-up="1" data-down="0" data-remade="1"', page)
    assert re.search(r'data-material="silver_925" data-count="1" data-up="0" data-down="0" data-remade="0"', page)
    assert "Publish 1 change<" in page and len(books.books) == 1, "nothing is kept by a look"

    fields = form_of(page, "publish")
    silent = await ada.post("/prices/publications", data=fields | {"reason": " "})
    assert silent.status_code == 422 and 'data-code="reason-missing"' in silent.text
    done = await ada.post("/prices/publications", data=form_of(silent.text, "publish") | {"reason": "the fixing"})
    assert (done.status_code, done.headers["location"]) == (303, "/prices/?done=published")
    assert str(books.books[-1].spot_per_g["gold"]) == "9350"
    action, details = books.deeds[-1]
    assert (action, details["reason"], details["changes"]) == ("price_book.replaced", "the fixing", 1)
    assert "the fixing" in (await ada.get("/prices/versions")).text
    assert "+10.0 %" in (await ada.get("/prices/changes?from=1&to=2")).text


async def test_what_is_wrong_is_said_beside_its_field_and_all_that_was_typed_is_kept(ada: httpx.AsyncClient) -> None:
    fields = form_of((await ada.get("/prices/edit")).text, "book-form")
    typed = {"v:rates.margin": "100", "v:rates.labour_per_hour": "much", "v:alloys.gold_585.premium": "4.5"}
    page = (await ada.post("/prices/preview", data=fields | typed)).text
    again = form_of(page, "book-form")
    assert {name: again[name] for name in typed} == typed
    assert "2 values are not usable" in page
    assert "It has to be below 100 %." in page and "This is not a number." in page
    assert page.count('aria-invalid="true"') == 2


async def test_a_stone_is_added_another_taken_out_and_a_material_renamed(
    ada: httpx.AsyncClient, books: FakeBooks
) -> None:
    fields = form_of((await ada.get("/prices/edit")).text, "book-form")
    fields |= {
        "n:stones.code": "ruby_2mm",
        "n:stones.title.ru": "Рубин 2 мм",
        "n:stones.title.en": "Ruby 2 mm",
        "n:stones.price": "700",
        "x:stones.diamond_1_3mm": "yes",
        "v:alloys.gold_585.title.en": " Gold  585, red ",
    }
    page = (await ada.post("/prices/preview", data=fields)).text
    assert "Ruby 2 mm: Price" in page and "Diamond 1.3 mm: Price" in page and "taken out" in page
    hidden = form_of(page, "publish")
    again = form_of((await ada.post("/prices/edit", data=hidden)).text, "book-form")
    assert {name: again[name] for name in fields if name.startswith(("n:stones", "x:"))} == {
        name: value for name, value in fields.items() if name.startswith(("n:stones", "x:"))
    }
    done = await ada.post("/prices/publications", data=hidden | {"reason": "rubies"})
    assert done.status_code == 303
    made = books.books[-1]
    assert set(made.stones) == {"cubic_zirconia_1_5mm", "alexandrite_3mm", "ruby_2mm"}
    assert made.alloys["gold_585"].title == {"ru": "Золото 585", "en": "Gold 585, red"}


async def test_what_goods_are_made_of_is_not_taken_out_alone(ada: httpx.AsyncClient) -> None:
    fields = form_of((await ada.get("/prices/edit")).text, "book-form") | {"x:alloys.platinum_950": "yes"}
    answer = await ada.post("/prices/preview", data=fields)
    assert answer.status_code == 422 and "ring-solitaire-950: Material" in answer.text
    assert form_of(answer.text, "book-form")["x:alloys.platinum_950"] == "yes"
    both = await ada.post("/prices/preview", data=fields | {"x:catalogue.ring-solitaire-950": "yes"})
    assert both.status_code == 200 and "no price" in both.text


async def test_a_metal_is_taken_out_with_all_that_is_made_of_it_and_that_is_said_before(
    ada: httpx.AsyncClient, books: FakeBooks
) -> None:
    edit = (await ada.get("/prices/edit")).text
    present = books.books[-1]
    goods = [sku for sku, item in present.catalogue.items() if item.material == "platinum_950"]
    assert f'data-goes="{1 + len(goods)}"' in edit and "Platinum" in edit
    fields = form_of(edit, "book-form") | {"x:spot_per_g.platinum": "yes"}
    page = (await ada.post("/prices/preview", data=fields)).text
    assert f'data-gone-goods="{len(goods)}"' in page and goods and all(sku in page for sku in goods)
    assert "would leave the shop" in page and "taken out" in page
    hidden = form_of(page, "publish")
    assert [name for name in hidden if name.startswith("x:")] == ["x:spot_per_g.platinum"]
    again = form_of((await ada.post("/prices/edit", data=hidden)).text, "book-form")
    assert [name for name in again if name.startswith("x:")] == ["x:spot_per_g.platinum"], (
        "what goes along is not marked"
    )
    assert (await ada.post("/prices/publications", data=hidden | {"reason": "no more"})).status_code == 303
    made = books.books[-1]
    assert "platinum" not in made.spot_per_g and "platinum_950" not in made.alloys
    assert not set(goods) & set(made.catalogue) and set(made.catalogue) == set(present.catalogue) - set(goods)


async def test_the_last_metal_stays(ada: httpx.AsyncClient, books: FakeBooks) -> None:
    fields = form_of((await ada.get("/prices/edit")).text, "book-form")
    fields |= {f"x:spot_per_g.{metal}": "yes" for metal in books.books[-1].spot_per_g}
    answer = await ada.post("/prices/preview", data=fields)
    assert answer.status_code == 422 and "does not hold together" in answer.text


async def test_wrong_metals_come_back_in_their_own_small_form(ada: httpx.AsyncClient) -> None:
    fields = form_of((await ada.get("/prices/")).text, "metals") | {
        "v:spot_per_g.gold": "-1",
        "v:spot_per_g.silver": "110",
    }
    answer = await ada.post("/prices/preview", data=fields)
    again = form_of(answer.text, "metals")
    assert answer.status_code == 422 and (again["v:spot_per_g.gold"], again["v:spot_per_g.silver"]) == ("-1", "110")
    assert "It cannot be below zero." in answer.text


async def test_a_comma_is_a_decimal_in_russian(books: FakeBooks) -> None:
    async with browser(books, language="ru") as ada:
        page = await looked_at(ada, gold="9 350,55")
        assert form_of(page, "publish")["v:spot_per_g.gold"] == "9350.55", "understood in either language"
        assert "9\u00a0350,55" in page


async def test_nothing_changed_is_nothing_to_publish(ada: httpx.AsyncClient) -> None:
    fields = form_of((await ada.get("/prices/")).text, "metals")
    answer = await ada.post("/prices/preview", data=fields)
    assert answer.status_code == 422 and 'data-code="nothing-changes"' in answer.text


async def test_a_colleague_was_faster_and_nothing_is_lost_on_either_side(
    ada: httpx.AsyncClient, books: FakeBooks
) -> None:
    mine = form_of(await looked_at(ada, gold="9350"), "publish")
    theirs = form_of(await looked_at(ada, silver="120"), "publish")
    await ada.post("/prices/publications", data=theirs | {"reason": "silver"})
    answer = await ada.post("/prices/publications", data=mine | {"reason": "gold"})
    assert answer.status_code == 409 and 'data-overtaken="2"' in answer.text and len(books.books) == 2
    again = form_of(answer.text, "publish")
    assert (again["version"], again["reason"]) == ("2", "gold")
    done = await ada.post("/prices/publications", data=again)
    assert done.status_code == 303
    assert {metal: str(price) for metal, price in books.books[-1].spot_per_g.items()} == {
        "gold": "9350", "silver": "120", "platinum": "3600.00",
    }  # fmt: skip


async def test_back_to_the_numbers_with_what_was_typed_and_what_a_colleague_set(
    ada: httpx.AsyncClient, books: FakeBooks
) -> None:
    mine = form_of(await looked_at(ada, gold="9350"), "publish")
    theirs = form_of(await looked_at(ada, gold="9000"), "publish")
    await ada.post("/prices/publications", data=theirs | {"reason": "lower"})
    page = (await ada.post("/prices/edit", data=mine)).text
    again = form_of(page, "book-form")
    assert (again["version"], again["v:spot_per_g.gold"]) == ("2", "9350")
    assert "now in force: 9,000" in page


async def test_a_book_is_planned_shown_and_withdrawn(ada: httpx.AsyncClient, books: FakeBooks) -> None:
    fields = form_of(await looked_at(ada, gold="9350"), "publish") | {"reason": "from Monday", "when": "later"}
    for start, code in (
        ("", "start-unreadable"),
        ("2020-01-01T09:00", "start-is-past"),
        ("2999-01-01T09:00", "start-is-too-far"),
    ):
        refused = await ada.post("/prices/publications", data=fields | {"starts_at": start})
        assert refused.status_code == 422 and f'data-code="{code}"' in refused.text
        assert form_of(refused.text, "publish")["starts_at"] == start
    start = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT09:00")
    for _ in range(2):
        done = await ada.post("/prices/publications", data=fields | {"starts_at": start})
        assert done.headers["location"] == "/prices/?done=planned"
    assert len(books.kept) == 1, "a form sent twice plans once"
    (known,) = books.kept.values()
    assert known.plan.starts_at.utcoffset() == timedelta(hours=3), "the workshop's clock"
    page = (await ada.get("/prices/")).text
    assert "from Monday" in page and 'data-outcome="waiting"' in page and len(books.books) == 1
    assert "From then on it wins." in await looked_at(ada, gold="9000")
    path = f"/prices/plans/{known.plan.plan_id}/withdrawal"
    silent = await ada.post(path, data={"reason": ""})
    assert silent.status_code == 422 and 'data-code="reason-missing"' in silent.text
    assert (await ada.post(path, data={"reason": "too early"})).headers["location"] == "/prices/?done=withdrawn"
    assert "from Monday" not in (await ada.get("/prices/")).text


async def test_a_form_without_its_version_or_of_no_book_is_refused(ada: httpx.AsyncClient) -> None:
    assert (await ada.post("/prices/preview", data={"version": "x"})).status_code == 422
    assert (await ada.post("/prices/preview", data={"version": "77"})).status_code == 404
    assert (await ada.get("/prices/versions/77")).status_code == 404
    assert (await ada.get("/prices/preview?lang=ru")).headers["location"] == "/prices/?lang=ru"
