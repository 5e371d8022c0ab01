"""A model takes what models of its size may; one that needs more is measured again with the most there is, and once."""

from __future__ import annotations

import json
import sys

import pytest

from fixtures.models3d import model
from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.application.ports import MeasuringKilled
from system.pricing.domain.allowance import Allowance
from system.pricing.domain.mesh import MeshMeasure, Preview, Problem
from system.pricing.domain.setback import ALLOWANCE_EXCEEDED, TOLD, Setback, sentence_of
from system.pricing.domain.stages import Step
from system.pricing.settings import PricingSettings

MOST = Allowance(30.0, 1_150 * 1024 * 1024)
LITTLE = Allowance(30.0, 700 * 1024 * 1024)
FOUND = {"volume": "1", "area": "1", "extents": ["1", "1", "1"], "triangle_count": 1}
MEASURES = "".join(
    f"print({json.dumps({'stage': stage} | FOUND)!r}, flush=True)\n" for stage in ("measured", "checked")
)
HUNGRY = f"import sys\nif int(sys.argv[2]) < {MOST.memory_bytes}: sys.exit(3)\n{MEASURES}"
HUNGRIER = "import sys; sys.exit(3)"
SLOW = f"import sys, time\nif int(sys.argv[3]) < {MOST.timeout_s:.0f}: time.sleep(60)\n{MEASURES}"


async def told(script: str, allowed: Allowance) -> list[MeshMeasure | Problem | Preview | Setback]:
    """What is said of a model by a measuring process that is this script."""
    supervisor = MeshSupervisor(
        timeout_s=MOST.timeout_s,
        memory_bytes=MOST.memory_bytes,
        command=(sys.executable, "-S", "-c", script),
        allowance_of=lambda file_bytes: allowed,
    )
    with model("torus-ring").open("rb") as file:
        return [finding async for finding in supervisor.measure(file) if not isinstance(finding, Step)]


@pytest.mark.parametrize(
    ("script", "allowed", "problem"),
    [(HUNGRY, LITTLE, "analysis-crashed"), (SLOW, Allowance(0.3, MOST.memory_bytes), "analysis-timed-out")],
    ids=["memory", "time"],
)
async def test_more_than_models_of_its_size_may_take_is_given_once(
    script: str, allowed: Allowance, problem: str
) -> None:
    setback, first, checked = await told(script, allowed)
    assert isinstance(setback, Setback) and setback.code == ALLOWANCE_EXCEEDED
    assert setback.details["problem"] == problem
    assert isinstance(first, MeshMeasure) and isinstance(checked, MeshMeasure) and checked.checked


async def test_more_than_the_most_is_a_problem_of_the_model() -> None:
    setback, problem = await told(HUNGRIER, LITTLE)
    assert isinstance(setback, Setback)
    assert isinstance(problem, Problem) and problem.facts == {"reason": "too little memory"}


@pytest.mark.parametrize("allowed", [LITTLE, MOST], ids=["little", "most"])
async def test_whoever_kills_it_is_no_problem_of_the_model(allowed: Allowance) -> None:
    with pytest.raises(MeasuringKilled):
        await told("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", allowed)


async def test_one_that_has_the_most_is_not_measured_again() -> None:
    [problem] = await told(HUNGRIER, MOST)
    assert isinstance(problem, Problem)


async def test_one_within_its_allowance_is_measured_once() -> None:
    assert [type(finding) for finding in await told(MEASURES, LITTLE)] == [MeshMeasure, MeshMeasure]


@pytest.mark.parametrize(
    ("file_bytes", "memory_mb"),
    [(0, 640), (999_999, 640), (1_000_000, 768), (10_000_000, 1024), (75_000_000, 1150)],
    ids=["nothing", "small", "medium", "large", "huge"],
)
def test_each_size_has_an_allowance(file_bytes: int, memory_mb: int) -> None:
    assert PricingSettings().allowance_of(file_bytes).memory_bytes == memory_mb * 1024 * 1024


def test_no_size_may_take_more_than_the_most() -> None:
    tight = PricingSettings(pricing_analysis_memory_bytes=1 << 20, pricing_analysis_timeout_s=1.0)
    assert tight.allowance_of(5_000_000) == Allowance(1.0, 1 << 20)


@pytest.mark.parametrize("code", sorted(TOLD))
def test_each_setback_is_a_sentence(code: str) -> None:
    assert sentence_of(code, attempt=2).replace("2", "") != code and "{" not in sentence_of(code, attempt=2)


def test_a_setback_of_a_later_release_stands_for_itself() -> None:
    assert sentence_of("moon-too-full", attempt=2) == "moon-too-full"
