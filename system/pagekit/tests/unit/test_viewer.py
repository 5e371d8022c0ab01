"""The viewer in a real Chromium, under the pages' own policy, with a storage of another origin: what is drawn and what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from playwright.sync_api import Browser, expect

from fixtures.models3d import shapes
from fixtures.models3d.generate import FOLDER, binary_stl
from system.kernel.errors import NotFound
from system.pagekit.pages import Pages
from system.pagekit.tests.viewer_yard import Open, Picture, is_in_state, picture, windows, yard
from system.plumbing.auth import public

TEMPLATE = """{% extends "base.html" %}
{% from "viewer.html" import model, viewer_head %}
{% block head %}{{ viewer_head() }}{% endblock %}
{% block main %}<h1>A ring</h1>{% for _ in range(above) %}<p>A line.</p>{% endfor %}
{{ model("/yard/models/" ~ name, material, "A ring") }}{% endblock %}
"""
MADE = {"large": lambda: binary_stl(shapes.torus(17.35, 2.0, segments=800, sides=64), title="large")}
WEAK = "Object.defineProperty(navigator, 'deviceMemory', { value: 1 });"
HEAVY = """const ask = window.fetch;
window.fetch = async (...of) => new Response((await ask(...of)).body, { headers: { "content-length": "60000000" } });
"""


def storage(_: str) -> FastAPI:
    """Gives models to scripts of any page."""
    app = FastAPI()

    @app.get("/models/{name}")
    async def model(name: str) -> Response:
        content = MADE[name]() if name in MADE else (FOLDER / f"{name}.stl").read_bytes()
        return Response(content, media_type="application/octet-stream", headers={"Access-Control-Allow-Origin": "*"})

    return app


def routes(router: APIRouter, pages: Pages, storage_origin: str) -> None:
    """Pages with one model each, which lead to the storage."""

    @router.get("/models/{name}", dependencies=[public])
    async def way(name: str) -> Response:
        if name == "gone":
            raise NotFound("model-missing", "It is not there.")
        return RedirectResponse(f"{storage_origin}/models/{name}", 307)

    @router.get("/{name}", dependencies=[public])
    async def page(request: Request, name: str, material: str = "gold_750", above: int = 0) -> Response:
        return pages.render(request, "ring.html", name=name, material=material, above=above)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with yard(tmp_path_factory.mktemp("yard"), TEMPLATE, storage, routes) as own:
        yield own


@pytest.fixture
def opens(chromium: Browser, origin: str) -> Iterator[Open]:
    with windows(chromium, origin) as opened:
        yield opened


def metal_of(shown: Picture) -> Picture:
    """The pixels of the model: the background is grey, and lighter or darker from place to place only slowly."""
    return shown[_differs(shown)]


def _differs(shown: Picture) -> npt.NDArray[np.bool_]:
    edge = np.median(shown[:8].reshape(-1, 3), axis=0)
    distinct: npt.NDArray[np.bool_] = np.abs(shown.astype(int) - edge).max(axis=2) > 60
    return distinct


def test_a_model_is_drawn_in_its_metal_with_its_size(opens: Open) -> None:
    page = opens("torus-ring?material=gold_750")
    model = is_in_state(page, "shown")
    expect(model).to_contain_text("21.5 × 21.5 × 2.1 mm · triangles: 1,024")
    gold = metal_of(picture(page))
    assert len(gold) > 5_000 and len(np.unique(gold, axis=0)) > 200, "metal has many shades"
    assert gold[:, 0].mean() > gold[:, 2].mean() + 30, "and gold is yellow"
    silver = opens("torus-ring?material=silver_925")
    is_in_state(silver, "shown")
    assert np.ptp(metal_of(picture(silver)).mean(axis=0)) < 15, "and silver is not"


@pytest.mark.long
def test_it_turns_and_comes_closer_by_hand_and_goes_back(opens: Open) -> None:
    page = opens("signet-ring")
    model = is_in_state(page, "shown")
    canvas = model.locator("canvas")
    first = picture(page)
    box = canvas.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def drag() -> None:
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 80, middle[1] + 20)
        page.mouse.up()

    acts: tuple[Callable[[], object], ...] = (
        drag,
        lambda: canvas.press("ArrowLeft"),
        lambda: canvas.press("+"),
        lambda: page.mouse.wheel(0, -300),
        lambda: model.get_by_role("button", name="Closer").click(),
    )
    before = first
    for act in acts:
        act()
        after = picture(page)
        assert not np.array_equal(before, after)
        before = after
    model.get_by_role("button", name="As at the beginning").click()
    canvas.evaluate("canvas => canvas.blur()")
    assert np.abs(picture(page).astype(int) - first).max() < 10


@pytest.mark.long
def test_a_wheel_scrolls_the_page_until_the_picture_is_chosen(opens: Open) -> None:
    page = opens("torus-ring")
    canvas = is_in_state(page, "shown").locator("canvas")
    canvas.hover()
    assert canvas.evaluate("c => c.dispatchEvent(new WheelEvent('wheel', {deltaY: 100, cancelable: true}))") is True
    canvas.focus()
    assert canvas.evaluate("c => c.dispatchEvent(new WheelEvent('wheel', {deltaY: 100, cancelable: true}))") is False


@pytest.mark.long
def test_it_turns_by_itself_where_people_like_motion_until_a_hand_takes_it(opens: Open) -> None:
    calm = is_in_state(opens("torus-ring", reduced_motion="reduce"), "shown")
    expect(calm.get_by_role("switch")).not_to_be_checked()
    page = opens("signet-ring", reduced_motion="no-preference")
    lively = is_in_state(page, "shown")
    expect(lively.get_by_role("switch")).to_be_checked()
    first = picture(page)
    assert not np.array_equal(first, picture(page))
    lively.locator("canvas").press("ArrowRight")
    expect(lively.get_by_role("switch")).not_to_be_checked()
    # What stands still is drawn whole again, two pixels a point.
    page.wait_for_function(
        "() => { const c = document.querySelector('canvas'); return c.width >= 2 * c.clientWidth - 2; }"
    )
    assert np.array_equal(picture(page), picture(page))


@pytest.mark.parametrize(
    ("name", "state", "words"),
    [
        ("truncated-ring", "damaged", "damaged or empty"),
        ("empty", "damaged", "damaged or empty"),
        ("not-a-model", "foreign", "Only STL is shown before it is sent"),
    ],
)
def test_what_cannot_be_shown_is_said(opens: Open, name: str, state: str, words: str) -> None:
    model = is_in_state(opens(name), state)
    expect(model).to_contain_text(words)
    expect(model.locator("canvas")).to_be_hidden()
    expect(model.get_by_role("link")).to_have_attribute("href", f"/yard/models/{name}")


def test_a_file_that_is_gone_and_a_storage_that_is_away_are_said(opens: Open) -> None:
    expect(is_in_state(opens("gone", complains=True), "gone")).to_contain_text("is not there")
    page = opens("torus-ring?above=200", complains=True)
    page.route("**/models/torus-ring**", lambda route: route.abort())
    page.locator("alexandrite-model").scroll_into_view_if_needed()
    away = is_in_state(page, "away")
    page.unroute("**/models/torus-ring**")
    away.get_by_role("button", name="Try again").click()
    is_in_state(page, "shown")


def test_a_large_model_is_loaded_when_somebody_asks_for_it(opens: Open) -> None:
    page = opens("large")
    model = is_in_state(page, "large")
    expect(model).to_contain_text("The model has 5 MB")
    model.get_by_role("button", name="Show the model").click()
    expect(is_in_state(page, "shown")).to_contain_text("triangles: 102,400")


def test_a_weak_device_is_warned(opens: Open) -> None:
    page = opens("torus-ring", script=WEAK + HEAVY)
    model = is_in_state(page, "heavy")
    expect(model).to_contain_text("The model has 60 MB, and this device copes with about 25 MB")
    model.get_by_role("button", name="Load it anyway").click()
    is_in_state(page, "shown")


def test_nothing_is_loaded_before_somebody_looks(opens: Open) -> None:
    page = opens("torus-ring?above=200")
    is_in_state(page, "waiting")
    loaded = (
        "() => performance.getEntriesByType('resource').map(one => one.name).filter(name => /models|three/.test(name))"
    )
    assert page.evaluate(loaded) == []
    page.locator("alexandrite-model").scroll_into_view_if_needed()
    is_in_state(page, "shown")
    assert len(page.evaluate(loaded)) == 3, "the model, and the two modules of three"


def test_without_webgl_it_is_said_and_nothing_is_loaded(opens: Open) -> None:
    page = opens("torus-ring", script="HTMLCanvasElement.prototype.getContext = () => null;")
    expect(is_in_state(page, "undrawable")).to_contain_text("WebGL is off or missing")
    assert page.evaluate("performance.getEntriesByType('resource').filter(one => one.name.includes('/models/'))") == []


@pytest.mark.long
def test_a_picture_that_the_device_took_away_can_be_had_again(opens: Open) -> None:
    page = opens("torus-ring", complains=True)
    model = is_in_state(page, "shown")
    model.locator("canvas").evaluate("c => c.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()")
    is_in_state(page, "failed")
    model.get_by_role("button", name="Try again").click()
    is_in_state(page, "shown")
    assert len(metal_of(picture(page))) > 5_000


@pytest.mark.long
def test_a_model_that_leaves_the_page_takes_its_picture_along(opens: Open) -> None:
    page = opens("torus-ring")
    is_in_state(page, "shown")
    lost = """() => new Promise((done) => {
      const model = document.querySelector("alexandrite-model");
      const context = model.querySelector("canvas").getContext("webgl2");
      model.remove();
      setTimeout(() => done(context.isContextLost()), 100);
    })"""
    assert page.evaluate(lost) is True
