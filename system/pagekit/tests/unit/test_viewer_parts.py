"""Parts of the viewer that need no browser, run by Node: light forms for turning, and how much is drawn while a model moves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.models3d import shapes

NODE = Path(sys.executable).with_name("node")
VIEWER = Path(__file__).resolve().parents[2] / "assets" / "viewer"
LIGHT = """
import { readFileSync } from "node:fs";
import { lighter } from "./light.js";

const file = readFileSync("positions");
const positions = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
const [low, high] = [[Infinity, Infinity, Infinity], [-Infinity, -Infinity, -Infinity]];
positions.forEach((value, place) => {
  low[place % 3] = Math.min(low[place % 3], value);
  high[place % 3] = Math.max(high[place % 3], value);
});
console.log(JSON.stringify([...lighter({ positions, low, high })]));
"""
PACE = """
import { Pace } from "./pace.js";

const pace = new Pace(2);
let now = 1000;
console.log(JSON.stringify(JSON.parse(process.argv[2]).map((took) => {
  if (took === null) pace.rest();
  else pace.frame((now += took));
  return pace.step;
})));
"""
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """What a script beside the viewer's modules says."""

    def running(script: str, *arguments: str, **files: bytes) -> Any:
        for name in ("light.js", "pace.js"):
            shutil.copyfile(VIEWER / name, tmp_path / name)
        (tmp_path / "package.json").write_text('{"type": "module"}')
        (tmp_path / "run.js").write_text(script)
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        done = subprocess.run(
            [NODE, "run.js", *arguments], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
        )
        return json.loads(done.stdout)

    return running


@pytest.mark.parametrize(
    "solid",
    [
        shapes.torus(17.35, 2.0, segments=1_000, sides=100),
        shapes.ball(8.0, (50.0, 0.0, -3.0), rows=280),
        shapes.torus(17.35, 2.0, segments=1_000, sides=100)[::-1] * np.array([1.0, 0.02, 1.0]),
    ],
    ids=["ring", "ball", "flat ring"],
)
def test_a_light_form_is_light_and_lies_where_the_model_lies(run: Run, solid: shapes.Solid) -> None:
    light = np.array(run(LIGHT, positions=solid.astype("<f4").tobytes())).reshape(-1, 3, 3)
    longest = np.ptp(solid.reshape(-1, 3), axis=0).max()
    assert 4_000 < len(light) < 60_000
    for end in (np.min, np.max):
        assert np.allclose(end(light, axis=(0, 1)), end(solid, axis=(0, 1)), atol=longest / 16)
    assert shapes.area_of(light) > 0.5 * shapes.area_of(solid), "and it has no holes worth the name"


def steps(run: Run, frames: Sequence[int | None]) -> list[int]:
    """The step after each frame, given how many milliseconds it took; None where the picture stood still."""
    said: list[int] = run(PACE, json.dumps(list(frames)))
    return said


def test_a_device_that_keeps_up_draws_everything(run: Run) -> None:
    assert set(steps(run, [33] * 60)) == {0}


def test_a_slow_one_draws_less_and_then_still_less_and_not_more_again(run: Run) -> None:
    found = steps(run, [50] * 40 + [16] * 40)
    assert found[0] == 0 and found[8] == 1 and found[16] == 2 and set(found[16:]) == {2}


def test_one_slow_frame_is_no_slow_device(run: Run) -> None:
    assert set(steps(run, [16] * 7 + [120] + [16] * 20)) == {0}


def test_neither_standing_still_nor_sleeping_is_slow(run: Run) -> None:
    assert set(steps(run, [16, 16, None, 900, None, 900] * 10)) == {0}
    assert set(steps(run, [16, 5_000] * 20)) == {0}
