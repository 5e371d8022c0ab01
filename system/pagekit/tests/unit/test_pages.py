"""What the kit gives to every page: refusals as pages, files by their hash, the way to the sign-in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Request, Response

from system.kernel.errors import Conflict
from system.pagekit.areas import AREAS, SIGN_IN, areas_of, home_of, is_front, landing_of
from system.pagekit.assets import Assets
from system.pagekit.pages import Pages, content_security_policy
from system.plumbing.auth import Principal, public, require
from system.plumbing.settings import ServiceSettings
from system.plumbing.web import make_app

PROBLEMS = {"already-gone": "%(by)s took it, %(at)s.", "says-too-much": "%(nobody_knows)s"}
AnOperator = Annotated[Principal, require("operator")]
HTML = {"Accept": "text/html", "Accept-Language": "en"}


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    for name in ("templates", "assets", "locales"):
        (tmp_path / name).mkdir()
    (tmp_path / "templates" / "hello.html").write_text(
        '{% extends "base.html" %}{% block main %}{{ name }}{% endblock %}'
    )
    (tmp_path / "assets" / "own.js").write_text("// ours")
    (tmp_path / "locales" / "ru.po").write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n')
    return Pages("/yard", tmp_path, ServiceSettings(service="mes"), problems=PROBLEMS)


@pytest.fixture
def client(pages: Pages) -> httpx.AsyncClient:
    router = APIRouter(prefix="/yard")

    @router.get("/hello", dependencies=[public])
    async def hello(request: Request, name: str) -> Response:
        return pages.render(request, "hello.html", name=name)

    @router.get("/gone", dependencies=[public])
    async def gone(code: str = "already-gone") -> Response:
        raise Conflict(code, "In English only.", by="<Oleg>", at="2026-03-02T09:00:00+00:00")

    @router.get("/bug", dependencies=[public])
    async def bug() -> Response:
        raise RuntimeError("a bug")

    @router.get("/inside")
    @router.post("/inside")
    async def inside(who: AnOperator) -> Response:
        return Response()

    api = APIRouter()

    @api.get("/gone", dependencies=[public])
    async def api_gone() -> Response:
        raise Conflict("already-gone", "In English only.")

    app = make_app(ServiceSettings(service="mes"), routers=[api], pages=[pages.router(), router])
    pages.install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://mes")


async def test_what_people_wrote_is_text_and_never_markup(client: httpx.AsyncClient) -> None:
    shown = await client.get("/yard/hello", params={"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in shown.text and "&lt;script&gt;" in shown.text
    problem = await client.get("/yard/gone", headers=HTML)
    assert "&lt;Oleg&gt; took it, Mar 2, 12:00." in problem.text and problem.status_code == 409


def test_several_things_are_told_one_after_the_other(pages: Pages) -> None:
    body = {"code": "already-gone", "detail": "", "by": ["Oleg", "Olga"], "at": "2026-03-02T09:00:00+00:00"}
    assert pages.says("en", body) == "Oleg, Olga took it, Mar 2, 12:00."


async def test_a_program_gets_the_problem_itself(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/mes/v1/gone", headers=HTML)
    assert answer.headers["content-type"] == "application/problem+json" and answer.json()["code"] == "already-gone"


@pytest.mark.parametrize("code", ["says-too-much", "never-heard-of"])
async def test_a_problem_without_words_of_ours_says_its_own(client: httpx.AsyncClient, code: str) -> None:
    assert "In English only." in (await client.get("/yard/gone", params={"code": code}, headers=HTML)).text


async def test_a_bug_is_a_page_that_says_nothing_of_the_bug(client: httpx.AsyncClient) -> None:
    answer = await client.get("/yard/bug", headers=HTML)
    assert answer.status_code == 500 and "our mistake" in answer.text and "a bug" not in answer.text
    piece = await client.get("/yard/bug", headers=HTML | {"HX-Request": "true"})
    assert "<main" not in piece.text and 'role="alert"' in piece.text


async def test_a_bug_has_its_number_for_support(pages: Pages) -> None:
    problem = {"status": 500, "code": "internal-error", "detail": "", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
    said = pages.fragment("en", "problem_piece.html", problem=problem, said="Sorry.")
    assert "Number for support" in said and str(problem["trace_id"]) in said


async def test_a_stranger_is_led_to_the_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/yard/inside?a=b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/yard/inside%3Fa%3Db")


RETURNING = "__Host-returning=1"


async def test_whoever_may_return_is_led_through_identity_once(client: httpx.AsyncClient) -> None:
    answer = await client.get("/yard/inside?a=b", headers={"Cookie": RETURNING})
    address = "/api/identity/v1/sessions/resume?next=/yard/inside%3Fa%3Db"
    assert (answer.status_code, answer.headers["location"], answer.headers["cache-control"]) == (
        303,
        address,
        "no-store",
    )
    tried = answer.headers["set-cookie"]
    assert tried.startswith("__Host-returning-tried=1; HttpOnly; Max-Age=5; Path=/") and "Secure" in tried
    again = await client.get("/yard/inside?a=b", headers={"Cookie": f"{RETURNING}; __Host-returning-tried=1"})
    assert again.headers["location"].startswith("/sign-in?next=")


async def test_a_form_that_met_the_end_of_the_session_shows_its_page_again(client: httpx.AsyncClient) -> None:
    referer = {"Referer": "http://yard/yard/inside?a=b", "Cookie": RETURNING}
    answer = await client.post("/yard/inside", headers=referer)
    assert answer.headers["location"] == "/api/identity/v1/sessions/resume?next=/yard/inside%3Fa%3Db"
    piece = await client.get("/yard/inside", headers={"Cookie": RETURNING, "HX-Request": "true"})
    assert piece.status_code == 204 and piece.headers["hx-redirect"].startswith("/api/identity/v1/sessions/resume?")


async def test_who_comes_from_another_site_signs_in(client: httpx.AsyncClient) -> None:
    answer = await client.get("/yard/inside", headers={"Cookie": RETURNING, "Sec-Fetch-Site": "cross-site"})
    assert answer.headers["location"] == "/sign-in?next=/yard/inside"


async def test_a_file_is_kept_for_ever_under_its_hash_and_shortly_under_another(
    client: httpx.AsyncClient, pages: Pages
) -> None:
    ours = await client.get(pages.assets.address("own.js"))
    assert ours.text == "// ours" and "immutable" in ours.headers["cache-control"]
    older = await client.get("/yard/assets/000000000000/own.js")
    assert older.text == "// ours" and "immutable" not in older.headers["cache-control"]
    assert (await client.get("/yard/assets/000000000000/nothing.js")).status_code == 404
    assert (await client.get("/yard/assets/x/..%2f..%2fpages.py")).status_code == 404


async def test_a_picture_beside_the_templates_is_served_as_one_and_kept_for_ever(tmp_path: Path) -> None:
    (tmp_path / "assets" / "goods").mkdir(parents=True)
    (tmp_path / "assets" / "goods" / "ring.webp").write_bytes(b"RIFF")
    assets = Assets("/yard", [tmp_path / "assets"])
    _, _, digest, name = assets.address("goods/ring.webp")[1:].split("/", 3)
    answer = assets.answer(digest, name)
    assert (answer.body, answer.media_type) == (b"RIFF", "image/webp")
    assert "immutable" in answer.headers["cache-control"]


async def test_modules_of_one_directory_find_each_other_and_change_their_address_together(
    client: httpx.AsyncClient, pages: Pages, tmp_path: Path
) -> None:
    viewer, worker = pages.assets.address("viewer/viewer.js"), pages.assets.address("viewer/worker.js")
    assert viewer.rpartition("/")[0] == worker.rpartition("/")[0]
    for name in ("viewer.js", "worker.js", "scene.js", "stl.js", "normals.js", "three.module.js", "three.core.js"):
        module = await client.get(f"{viewer.rpartition('/')[0]}/{name}")
        assert (
            module.headers["content-type"].startswith("text/javascript")
            and "immutable" in module.headers["cache-control"]
        )
        for imported in re.findall(r"""(?:from|import) *\(?["'](\.[^"']+)""", module.text):
            assert (await client.get(str(module.url.join(imported)))).status_code == 200, f"{name} imports {imported}"
    (tmp_path / "assets" / "pair").mkdir()
    (tmp_path / "assets" / "pair" / "one.js").write_text("import './two.js'")
    other = tmp_path / "assets" / "pair" / "two.js"
    other.write_text("1")
    before = Assets("/yard", [tmp_path / "assets"])
    other.write_text("2")
    after = Assets("/yard", [tmp_path / "assets"])
    assert before.address("pair/one.js") != after.address("pair/one.js"), "a page never gets one old and one new module"
    assert before.address("own.js") == after.address("own.js")


async def test_a_script_that_asks_for_data_gets_the_problem_itself(client: httpx.AsyncClient) -> None:
    answer = await client.get("/yard/gone", headers={"Accept": "model/stl, application/problem+json"})
    assert answer.status_code == 409 and answer.json()["code"] == "already-gone"
    assert (await client.get("/yard/inside", headers={"Accept": "text/event-stream"})).status_code == 401


async def test_the_language_of_the_address_is_remembered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/yard/hello?name=x&lang=en", headers={"Accept-Language": "ru"})
    assert 'lang="en"' in answer.text and answer.cookies["lang"] == "en"
    assert "lang=ru" in answer.text, "and there is a way back, with the other parameters kept"
    assert "name=x" in answer.text


async def test_a_page_with_a_missing_word_is_a_fault_and_not_a_gap(pages: Pages) -> None:
    with pytest.raises(Exception, match="is undefined"):
        pages.fragment("en", "hello.html")


def test_only_our_own_files_run() -> None:
    policy = content_security_policy("https://storage.example")
    assert "unsafe" not in policy and "img-src 'self' data: blob: https://storage.example" in policy


def test_everybody_lands_where_they_may_be() -> None:
    assert landing_of({"operator"}) == "/mes/"
    assert landing_of({"customer"}) == "/shop/orders" and landing_of({"customer", "seller"}) == "/crm/"
    assert landing_of(set()) == landing_of({"partner"}) == SIGN_IN
    own = [
        "/crm/",
        "/crm/cases",
        "/crm/reminders",
        "/crm/search",
        "/crm/customers",
        "/mes/",
        "/mes/shift",
        "/mes/losses",
    ]
    assert [area.address for area in areas_of({"seller"})] == own
    assert len({area.address for area in AREAS}) == len(AREAS)


def test_visitors_and_customers_have_the_shop_and_staff_keep_their_own_header() -> None:
    assert [area.address for area in areas_of(set())] == ["/shop/", "/shop/make", "/shop/cart"]
    own = ["/shop/", "/shop/make", "/shop/cart", "/shop/orders"]
    assert [area.address for area in areas_of({"customer"})] == own
    assert not [area for area in areas_of({"administrator"}) if area.address.startswith("/shop")]
    both = [area.address for area in areas_of({"customer", "operator"})]
    assert both[0] == "/mes/" and both[-1] == "/shop/orders"
    assert home_of(set()) == home_of({"customer"}) == home_of({"partner"}) == "/"
    assert home_of({"operator"}) == home_of({"customer", "operator"}) == "/mes/"


def test_the_brand_is_the_place_of_the_front_page_and_of_no_other() -> None:
    assert is_front("/", set()) and is_front("/", {"customer"})
    assert not is_front("/shop/", set()) and not is_front("/", {"seller"})


async def test_a_visitor_is_offered_to_sign_in_and_to_come_back(client: httpx.AsyncClient) -> None:
    shown = (await client.get("/yard/hello?name=x", headers=HTML)).text
    assert 'href="/sign-in?next=/yard/hello"' in shown and '<a class="brand" href="/">' in shown
    assert 'href="/shop/cart"' in shown and 'href="/shop/orders"' not in shown


@pytest.mark.parametrize(
    ("header", "whole"),
    [({}, True), ({"HX-Request": "true"}, False), ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, True)],
)
async def test_going_back_gives_the_whole_page(client: httpx.AsyncClient, header: dict[str, str], whole: bool) -> None:
    answer = await client.get("/yard/gone", headers=HTML | header)
    assert ("<main" in answer.text) is whole


def test_a_picture_is_served_as_one_and_known_to_be_there(pages: Pages, tmp_path: Path) -> None:
    assert not pages.assets.has("goods/ring-640.webp")
    (tmp_path / "assets" / "goods").mkdir()
    (tmp_path / "assets" / "goods" / "ring-640.webp").write_bytes(b"RIFF....WEBP")
    assets = Assets("/yard", [tmp_path / "assets"])
    assert assets.has("goods/ring-640.webp") and not assets.has("goods/ring-320.webp")
    _, _, _, digest, *name = assets.address("goods/ring-640.webp").split("/")
    answer = assets.answer(digest, "/".join(name))
    assert answer.media_type == "image/webp" and "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("'f1', 'custom'", 'src="/api/files/v1/uploads/f1/preview?otherwise=placeholder"'),
        ("'f1', 'custom'", 'alt="" width="48" height="48" loading="lazy"'),
        ("'f1', 'custom', 160", "preview?size=320&amp;otherwise=placeholder"),
        ("none, 'ready_made'", '#ready_made"'),
        ("none, 'custom'", '#custom"'),
        ("none, 'what nobody has drawn yet'", '#custom"'),
    ],
)
def test_a_piece_has_a_picture_or_a_sign(pages: Pages, tmp_path: Path, call: str, shown: str) -> None:
    template = '{% from "thumbnail.html" import thumbnail %}{{ thumbnail(' + call + ") }}"
    (tmp_path / "templates" / "piece.html").write_text(template)
    assert shown in pages.fragment("en", "piece.html")


def test_every_kind_has_its_sign() -> None:
    signs = (Path(__file__).parents[2] / "assets" / "kinds.svg").read_text()
    assert re.findall(r'<symbol id="(\w+)"', signs) == ["custom", "ready_made"]


def test_what_is_wrong_with_a_model_is_said_in_the_readers_language(pages: Pages) -> None:
    facts = {"open_edge_count": "<19>"}
    english, russian = (pages.problem_words(language, "mesh-not-closed", facts) for language in ("en", "ru"))
    assert english is not None and russian is not None
    assert (english.title, russian.title) == ("The surface has holes", "В поверхности есть дыры")
    assert "<19> edges are open" in english.what_to_do and "<19>" in russian.what_to_do
    plain = pages.problem_words("en", "mesh-not-closed", {"something": "else"})
    assert plain is not None and "closed surface" in plain.what_to_do and "%(" not in plain.what_to_do
    assert pages.problem_words("en", None) is None
    assert pages.problem_words("en", "no-such-code") is None
