"""The viewer with levels of detail, files of one's own, marks and dimensions, in a real Chromium under the pages' own policy."""

from __future__ import annotations

import base64
import json
import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from playwright.sync_api import Browser, Page, expect

from fixtures.models3d import shapes
from fixtures.models3d.generate import FOLDER, binary_stl
from system.kernel.errors import NotFound
from system.meshes.stl import read_stl
from system.pagekit.models import LevelMissing, LevelNotReady
from system.pagekit.pages import Pages
from system.pagekit.tests.viewer_yard import Open, Picture, is_in_state, picture, windows, yard
from system.plumbing.auth import public

TEMPLATE = """{% extends "base.html" %}
{% from "viewer.html" import model, viewer_head %}
{% block head %}{{ viewer_head() }}{% endblock %}
{% block main %}<h1>A ring</h1>
{% set walls = "/yard/walls/" ~ name if name == "band-ring" else none %}
{{ model("/yard/models/" ~ name if name != "none" else "", "gold_750", "A ring", walls=walls) }}{% endblock %}
"""
TRIANGLES = {"coarse": (60, 20), "fine": (200, 50)}


def glb(solid: shapes.Solid) -> bytes:
    """A level as files writes it, spelt out: three corners for each triangle, of 16 bits."""
    corners = solid.reshape(-1, 3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    steps = np.zeros((len(corners), 4), dtype="<u2")
    steps[:, :3] = np.rint((corners - low) / (high - low) * 65535)
    indices = np.arange(len(corners), dtype="<u4")
    told = {
        "asset": {"version": "2.0"},
        "nodes": [{"mesh": 0, "translation": low.tolist(), "scale": (high - low).tolist()}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {"bufferView": 0, "componentType": 5123, "normalized": True, "count": len(corners), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5125, "count": len(corners), "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteLength": steps.nbytes, "byteStride": 8},
            {"buffer": 0, "byteOffset": steps.nbytes, "byteLength": indices.nbytes},
        ],
    }
    head = json.dumps(told).encode()
    head += b" " * (-len(head) % 4)
    body = steps.tobytes() + indices.tobytes()
    chunks = struct.pack("<I", len(head)) + b"JSON" + head + struct.pack("<I", len(body)) + b"BIN\0" + body
    return b"glTF" + struct.pack("<II", 2, 12 + len(chunks)) + chunks


def ring(segments: int, sides: int) -> shapes.Solid:
    return shapes.torus(17.35, 2.0, segments=segments, sides=sides)


@dataclass
class Asked:
    """What browsers asked for, by name and level; and how often a level is not ready yet."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    not_ready: int = 0


ASKED = Asked()


def storage(_: str) -> FastAPI:
    """Gives levels and models to scripts of any page."""
    app = FastAPI()

    @app.get("/models/{name}/{level}")
    async def model(name: str, level: str) -> Response:
        if level in TRIANGLES:
            content = glb(ring(*TRIANGLES[level]))
        elif name.startswith("huge"):
            content = binary_stl(ring(800, 64), title="huge")
        else:
            content = (FOLDER / f"{name}.stl").read_bytes()
        return Response(content, media_type="application/octet-stream", headers={"Access-Control-Allow-Origin": "*"})

    return app


def routes(router: APIRouter, pages: Pages, storage_origin: str) -> None:
    """Pages with one model each, which lead to the storage."""

    @router.get("/models/{name}", dependencies=[public])
    async def way(name: str, level: str | None = None) -> Response:
        ASKED.counts[name, level or "whole"] += 1
        if level and name == "huge-unmade":
            raise LevelMissing()
        if level and name == "huge-later" and ASKED.not_ready:
            ASKED.not_ready -= 1
            raise LevelNotReady(retry_after_s=1)
        if level and name == "huge-much-later":
            raise LevelNotReady(retry_after_s=60)
        if level == "fine" and name == "huge-coarse":
            raise NotFound("model-missing", "It is not there.")
        kind = level if level and name.startswith("huge") else "whole"
        return RedirectResponse(f"{storage_origin}/models/{name}/{kind}", 307)

    @router.get("/walls/{name}", dependencies=[public])
    async def walls(name: str) -> dict[str, Any]:
        with (FOLDER / f"{name}.stl").open("rb") as file:
            places = read_stl(file)[::4, 0].tolist()
        return {
            "points": [[*place, 0.4] for place in places],
            "wall_min": "0.8",
            "wall_reject": "0.5",
            "tolerance": "0.05",
        }

    @router.get("/{name}", dependencies=[public])
    async def page(request: Request, name: str) -> Response:
        return pages.render(request, "ring.html", name=name)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with yard(tmp_path_factory.mktemp("yard"), TEMPLATE, storage, routes) as own:
        yield own


@pytest.fixture
def opens(chromium: Browser, origin: str) -> Iterator[Open]:
    ASKED.counts.clear()
    ASKED.not_ready = 0
    with windows(chromium, origin) as opened:
        yield opened


def is_marked(shown: Picture) -> int:
    """How many pixels have the colour of marks, which no metal has."""
    red, green, blue = (shown[..., channel].astype(int) for channel in range(3))
    return int(((red > 150) & (green < 90) & (blue > 60) & (blue < 190)).sum())


# -- levels --------------------------------------------------------------------------------------------------------------


def test_a_light_form_is_shown_first_and_then_a_finer_one_and_the_model_itself_is_not_loaded(opens: Open) -> None:
    page = opens("huge")
    model = is_in_state(page, "shown", "fine")
    expect(model).to_contain_text("mm · shown lighter, triangles: 20,000")
    assert ASKED.counts == {("huge", "coarse"): 1, ("huge", "fine"): 1}
    expect(model.get_by_role("link", name="Download the file")).to_have_attribute("href", "/yard/models/huge")


@pytest.mark.long
def test_a_finer_form_that_does_not_come_leaves_the_light_one(opens: Open) -> None:
    page = opens("huge-coarse", complains=True)
    model = is_in_state(page, "shown", "coarse")
    page.wait_for_function(
        "() => performance.getEntriesByType('resource').some(one => one.name.includes('level=fine'))"
    )
    expect(model).to_contain_text("triangles: 2,400")
    expect(model).to_have_attribute("data-state", "shown")


@pytest.mark.long
def test_levels_that_are_being_made_are_waited_for(opens: Open) -> None:
    ASKED.not_ready = 2
    page = opens("huge-later", complains=True)
    model = is_in_state(page, "preparing")
    expect(model).to_contain_text("A lighter form of this model is being made")
    is_in_state(page, "shown", "fine")
    assert ASKED.counts["huge-later", "coarse"] == 3 and ASKED.counts["huge-later", "whole"] == 0


@pytest.mark.long
def test_who_does_not_want_to_wait_loads_the_model_itself(opens: Open) -> None:
    ASKED.not_ready = 1_000
    page = opens("huge-later", complains=True)
    is_in_state(page, "preparing").get_by_role("button", name="Show the model").click()
    model = is_in_state(page, "shown", "whole")
    expect(model).to_contain_text("· triangles: 102,400")


@pytest.mark.long
def test_where_there_never_will_be_levels_the_model_itself_is_offered(opens: Open) -> None:
    page = opens("huge-unmade", complains=True)
    model = is_in_state(page, "large")
    expect(model).to_contain_text("The model has 5 MB")
    model.get_by_role("button", name="Show the model").click()
    is_in_state(page, "shown", "whole")


def test_a_small_model_is_asked_for_once(opens: Open) -> None:
    page = opens("torus-ring")
    is_in_state(page, "shown", "whole")
    assert ASKED.counts == {("torus-ring", "coarse"): 1}


WAITING = """const [set, clear] = [window.setTimeout, window.clearTimeout];
window.waiting = new Set();
window.setTimeout = (act, ms, ...more) => {
  const id = set(act, ms, ...more);
  if (ms === 60_000) window.waiting.add(id);
  return id;
};
window.clearTimeout = (id) => { window.waiting.delete(id); clear(id); };
"""


@pytest.mark.long
def test_a_model_that_left_the_page_asks_for_nothing_more(opens: Open) -> None:
    page = opens("huge-much-later", complains=True, script=WAITING)
    is_in_state(page, "preparing")
    assert page.evaluate("window.waiting.size") == 1
    page.evaluate("document.querySelector('alexandrite-model').remove()")
    assert page.evaluate("window.waiting.size") == 0


# -- files of one's own --------------------------------------------------------------------------------------------------

SHOW = """async ([content, name]) => {
  const model = document.querySelector("alexandrite-model");
  const told = new Promise((done) => {
    for (const kind of ["model-shown", "model-failed"]) {
      model.addEventListener(kind, ({ detail }) => done({ kind, ...detail }), { once: true });
    }
  });
  const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
  model.showFile(new Blob([bytes]), { name });
  return told;
}"""


def shown_file(page: Page, content: bytes, name: str = "my ring.stl") -> dict[str, Any]:
    """What the element tells of a file that a page gives it."""
    told: dict[str, Any] = page.evaluate(SHOW, [base64.b64encode(content).decode(), name])
    return told


def test_a_file_of_ones_own_is_shown_and_nothing_is_sent(opens: Open) -> None:
    page = opens("none")
    told = shown_file(page, binary_stl(ring(60, 20), title="x"))
    assert (told["kind"], told["triangles"]) == ("model-shown", 2_400)
    assert told["size"] == pytest.approx([21.35, 21.35, 2.0], abs=0.1)
    model = is_in_state(page, "shown", "whole")
    expect(model.get_by_role("img", name="my ring.stl in 3D")).to_be_visible()
    expect(model.get_by_role("link", name="Download the file")).to_have_count(0)
    assert ASKED.counts.total() == 0
    again = shown_file(page, binary_stl(ring(30, 10), title="x"), "another.stl")
    assert again["triangles"] == 600
    expect(model.get_by_role("img", name="another.stl in 3D")).to_be_visible()


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "state"),
    [
        (b"PK\x03\x04 something else", "foreign"),
        (b"glTF" + bytes(100), "damaged"),
        (binary_stl(ring(30, 10), title="x")[:-20], "damaged"),
    ],
    ids=["packed", "another form", "cut off"],
)
def test_a_file_of_ones_own_that_cannot_be_shown_says_why(opens: Open, content: bytes, state: str) -> None:
    page = opens("none")
    assert shown_file(page, content) == {"kind": "model-failed", "state": state}
    is_in_state(page, state)
    assert shown_file(page, binary_stl(ring(30, 10), title="x"))["kind"] == "model-shown"


@pytest.mark.long
def test_a_large_file_of_ones_own_is_shown_unasked_with_all_its_triangles(opens: Open) -> None:
    page = opens("none")
    told = shown_file(page, binary_stl(ring(1_000, 100), title="x"))
    assert told["triangles"] == 200_000
    model = is_in_state(page, "shown", "whole")
    before = picture(page)
    model.locator("canvas").press("ArrowLeft")
    assert not np.array_equal(before, picture(page))


# -- material, marks, dimensions -----------------------------------------------------------------------------------------


@pytest.mark.long
def test_another_material_recolours_what_is_shown_without_loading(opens: Open) -> None:
    page = opens("torus-ring")
    is_in_state(page, "shown")
    gold = picture(page)
    page.evaluate("document.querySelector('alexandrite-model').dataset.material = 'silver_925'")
    silver = picture(page)
    differs = np.abs(gold.astype(int) - silver).max(axis=2) > 40
    assert differs.sum() > 3_000
    assert np.ptp(silver[differs].mean(axis=0)) < 15 < np.ptp(gold[differs].mean(axis=0))
    assert ASKED.counts.total() == 1


@pytest.mark.long
def test_places_are_marked_on_top_and_the_first_one_is_turned_to_the_reader(opens: Open) -> None:
    page = opens("torus-ring")
    is_in_state(page, "shown")
    before = picture(page)
    assert is_marked(before) == 0
    page.evaluate("document.querySelector('alexandrite-model').mark([[-10, 0, 0], [10, 0, 0]])")
    marked = picture(page)
    assert is_marked(marked) > 20, "also the one behind the metal"
    assert not np.array_equal(before, marked)
    page.evaluate("document.querySelector('alexandrite-model').mark([])")
    assert is_marked(picture(page)) == 0


WALLS = """(missing) => document.querySelector("alexandrite-model").offerWalls(async () => {
  if (missing) throw new Error("away");
  const at = (turn, thick) => [9.7 * Math.cos(turn), 9.7 * Math.sin(turn), 1, thick];
  const around = (thick, turn) => Array.from({ length: 60 }, (_, n) => at(turn + n / 60, thick));
  return { points: [...around(0.4, 0), ...around(0.7, 2), ...around(1.9, 4)], wall_min: "0.8", wall_reject: "0.5", tolerance: "0.05" };
})"""
WALL_COLOURS = {"reject": (0xD1, 0x00, 0x6C), "thin": (0xFF, 0xA2, 0x00), "fine": (0x2F, 0x80, 0xD8)}


def walls_seen(shown: Picture) -> dict[str, bool]:
    return {
        kind: bool((np.abs(shown.astype(int) - colour).max(axis=2) < 12).sum() > 10)
        for kind, colour in WALL_COLOURS.items()
    }


def test_walls_are_shown_by_their_thickness_to_whoever_wants_to_see_them(opens: Open) -> None:
    page = opens("torus-ring?material=silver_925")
    model = is_in_state(page, "shown")
    switch = model.locator("[data-walls]")
    expect(switch).to_be_hidden()
    page.evaluate(WALLS)
    assert not any(walls_seen(picture(page)).values()), "nobody asked"
    switch.check()
    expect(model.locator("[data-legend]")).to_contain_text("thinner than 0.5 mm: cannot be cast")
    assert all(walls_seen(picture(page)).values())
    switch.uncheck()
    expect(model.locator("[data-legend]")).to_be_hidden()
    page.evaluate(WALLS.replace("around(0.4, 0)", "around(0.48, 0)").replace("around(0.7, 2)", "around(0.78, 2)"))
    switch.check()
    expect(model.locator("[data-legend]")).to_be_visible()
    assert walls_seen(picture(page)) == {"reject": False, "thin": True, "fine": True}, "as a verdict allows"
    switch.uncheck()
    assert not any(walls_seen(picture(page)).values())
    page.evaluate(WALLS, True)
    switch.check()
    expect(model.locator("[data-legend]")).to_contain_text("could not be asked for")
    page.evaluate("document.querySelector('alexandrite-model').offerWalls(null)")
    expect(switch).to_be_hidden()
    expect(model.locator("[data-legend]")).to_be_hidden()


@pytest.mark.long
def test_marks_do_not_pass_to_another_model(opens: Open) -> None:
    page = opens("none")
    page.evaluate("document.querySelector('alexandrite-model').mark([[0, 0, 0]])")
    shown_file(page, binary_stl(ring(60, 20), title="x"))
    assert is_marked(picture(page)) == 0


@pytest.mark.long
def test_dimensions_stand_along_the_box_when_somebody_wants_them(opens: Open) -> None:
    page = opens("torus-ring")
    model = is_in_state(page, "shown")
    labels = model.locator("[data-extent]")
    for number in range(3):
        expect(labels.nth(number)).to_be_hidden()
    before = picture(page)
    model.get_by_role("checkbox", name="Dimensions").check()
    expect(labels).to_have_text(["21.5 mm", "21.5 mm", "2.1 mm"])
    with_lines = picture(page)
    assert not np.array_equal(before, with_lines)
    stage = model.locator(".stage").bounding_box()
    assert stage is not None
    places = []
    for number in range(3):
        expect(labels.nth(number)).to_be_visible()
        box = labels.nth(number).bounding_box()
        assert box is not None
        places.append((box["x"], box["y"]))
        assert stage["x"] <= box["x"] + box["width"] / 2 <= stage["x"] + stage["width"]
        assert stage["y"] <= box["y"] + box["height"] / 2 <= stage["y"] + stage["height"]
    assert len(set(places)) == 3
    model.get_by_role("checkbox", name="Dimensions").uncheck()
    expect(labels.first).to_be_hidden()


@pytest.mark.long
@pytest.mark.parametrize("width", [360, 1440])
def test_the_handles_fit_into_the_page(opens: Open, width: int) -> None:
    page = opens("torus-ring", viewport={"width": width, "height": 800})
    is_in_state(page, "shown")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.long
def test_what_was_shown_before_is_given_back(opens: Open) -> None:
    """Sixteen pictures are all that a page may hold: the seventeenth would take the first one's away, with a warning."""
    page = opens("none")
    for number in range(17):
        assert shown_file(page, binary_stl(ring(12, 6), title="x"), f"{number}.stl")["kind"] == "model-shown"
    is_in_state(page, "shown")


def test_a_page_that_knows_where_the_walls_are_told_offers_them_itself(opens: Open) -> None:
    page = opens("band-ring")
    model = is_in_state(page, "shown")
    assert not walls_seen(picture(page))["reject"]
    model.locator("[data-walls]").check()
    expect(model.locator("[data-legend]")).to_contain_text("thinner than 0.5 mm: cannot be cast")
    assert walls_seen(picture(page)) == {"reject": True, "thin": False, "fine": False}
