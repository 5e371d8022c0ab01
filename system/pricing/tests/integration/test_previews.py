"""Pictures of models: drawn after the price, handed to files, and caught up with by a command."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import pytest

from system.kernel.errors import Unavailable
from system.pricing.application.drawing import Progress
from system.pricing.main import draw_previews
from system.pricing.tests.integration.conftest import Pricing, eventually

pytestmark = pytest.mark.integration
GOLD = {"material": "gold_585", "quantity": 1}


async def priced(pricing: Pricing, model: bytes) -> tuple[str, dict[str, Any]]:
    """The SHA-256 of a model that a customer asked a price for, and its final quote."""
    anna = uuid4()
    file_id = pricing.storage.upload(model, anna)
    asked = (await pricing.ask(anna, {"file_id": str(file_id), **GOLD})).json()
    return hashlib.sha256(model).hexdigest(), await pricing.finished(asked["quote_id"], anna)


async def test_a_model_is_drawn_once_it_has_its_price(working: Pricing) -> None:
    mesh, quote = await priced(working, working.fresh_model())
    assert quote["status"] == "READY"

    async def is_drawn() -> bool:
        return {(mesh, 96), (mesh, 320)} <= working.storage.previews.keys()

    await eventually(is_drawn)
    assert all(picture.startswith(b"\x89PNG") for picture in working.storage.previews.values())


async def was_refused(working: Pricing, mesh: str) -> None:
    """The worker has offered its pictures, each of them: only then may storage keep any again."""

    async def refused() -> bool:
        return {(mesh, size) for size in (96, 320)} <= working.storage.previews_refused

    await eventually(refused)


async def test_no_price_waits_for_who_keeps_the_pictures(working: Pricing) -> None:
    working.storage.keeps_previews = False
    mesh, quote = await priced(working, working.fresh_model())
    assert quote["status"] == "READY"
    jobs = "SELECT count(*) FILTER (WHERE attempts > 0) AS tried_again FROM procrastinate_jobs WHERE args ->> 'quote_id' = :quote_id"
    assert (await working.rows(jobs, quote_id=quote["quote_id"]))[0].tried_again == 0
    assert not [key for key in working.storage.previews if key[0] == mesh]


async def test_what_cannot_be_made_is_not_drawn(working: Pricing) -> None:
    mesh, quote = await priced(working, working.fresh_model("half-open-shell"))
    assert quote["status"] == "FAILED"
    assert not [key for key in working.storage.previews if key[0] == mesh]


@pytest.mark.long
async def test_the_command_draws_what_is_missing_and_nothing_twice(working: Pricing) -> None:
    working.storage.keeps_previews = False
    meshes = {(await priced(working, working.fresh_model(name)))[0] for name in ("torus-ring", "pendant", "band-ring")}
    said: list[Progress] = []

    with pytest.raises(Unavailable):
        await draw_previews(working.settings, batch=2, say=said.append)

    for mesh in meshes:
        await was_refused(working, mesh)
    working.storage.keeps_previews = True
    said.clear()
    await draw_previews(working.settings, batch=2, say=said.append)
    assert {(mesh, size) for mesh in meshes for size in (96, 320)} <= working.storage.previews.keys()
    assert len(said) >= 2, "it says how far it is after each batch"
    assert said[-1].drawn >= len(meshes)

    await draw_previews(working.settings, batch=2, say=said.append)
    assert said[-1].drawn == 0


async def test_the_command_passes_over_what_is_gone(working: Pricing) -> None:
    working.storage.keeps_previews = False
    mesh, _ = await priced(working, working.fresh_model())
    await was_refused(working, mesh)
    working.storage.keeps_previews = True
    [gone] = [file_id for file_id, body in working.storage.models.items() if hashlib.sha256(body).hexdigest() == mesh]
    working.storage.models[gone] = b"another model by now"
    said: list[Progress] = []
    await draw_previews(working.settings, batch=200, say=said.append)
    assert said[-1].without >= 1
    assert not [key for key in working.storage.previews if key[0] == mesh]
