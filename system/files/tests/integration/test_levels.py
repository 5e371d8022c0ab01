"""Levels of detail on a real database, queue and storage: made once for a mesh, given to whom the model may be given."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from fixtures.models3d import shapes
from fixtures.models3d.generate import binary_stl
from system.files.application import handlers
from system.files.application.commands import MakeLevels
from system.files.entrypoints.worker import make_app, take_over
from system.files.main import making_of, storage_of
from system.files.settings import FilesSettings
from system.files.tests.integration.conftest import BUCKET, Person, Running, eventually, working
from system.plumbing.jobs import TAKEOVERS_MAX

pytestmark = pytest.mark.integration
RING = shapes.torus(17.35, 2.0, segments=200, sides=100)
"""40,000 triangles, 2 MB: more than the coarse level has."""
ABOVE = {"levels_above_bytes": 1_000_000}


def fresh_ring() -> bytes:
    """A mesh that nobody uploaded before."""
    return binary_stl(RING, title=uuid.uuid4().hex)


@pytest.fixture
async def large(start_files: Callable[..., Running]) -> Running:
    """Files for which two megabytes are large."""
    return start_files(**ABOVE)


async def state_of(files: Running, mesh: str) -> tuple[str, str | None] | None:
    rows = await files.rows("SELECT state, reason FROM mesh_levels WHERE mesh_sha256 = :mesh", mesh=mesh)
    return (rows[0].state, rows[0].reason) if rows else None


async def jobs_of(files: Running, mesh: str) -> list[Any]:
    return await files.rows(
        "SELECT status::text, attempts FROM procrastinate_jobs WHERE args ->> 'mesh_sha256' = :mesh", mesh=mesh
    )


async def made(files: Running, mesh: str) -> None:
    async def ask() -> bool:
        return await state_of(files, mesh) == ("MADE", None) and not await jobs_of(files, mesh)

    await eventually(ask)


async def led_to(person: Person, upload: Any, level: str | None) -> httpx.Response:
    params = {"level": level} if level else {}
    return await person.http.get(f"/uploads/{upload['file_id']}/model", params=params)


async def content_at(address: str) -> bytes:
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
        assert answer.status_code == 200, answer.text
        return answer.content


async def test_a_large_model_gets_its_levels_and_its_owner_is_led_to_them(large: Running, bucket: Any) -> None:
    anna = large.person()
    ring = fresh_ring()
    upload = await anna.uploaded(ring)
    not_yet = await led_to(anna, upload, "coarse")
    assert (not_yet.status_code, not_yet.json()["code"]) == (404, "level-not-ready")
    assert not_yet.headers["retry-after"] == "5"

    async with working(large):
        await made(large, upload["sha256"])

    levels = {}
    for level in ("coarse", "fine"):
        answer = await led_to(anna, upload, level)
        assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
        levels[level] = await content_at(answer.headers["location"])
        stored = bucket.get_object(Bucket=BUCKET, Key=f"levels/{upload['sha256']}/{level}.glb")
        assert (stored["Body"].read(), stored["ContentType"]) == (levels[level], "model/gltf-binary")
    assert all(content.startswith(b"glTF") for content in levels.values())
    assert len(levels["coarse"]) < 400_000 and len(levels["coarse"]) < len(levels["fine"]) < len(ring) / 2
    whole = await led_to(anna, upload, None)
    assert await content_at(whole.headers["location"]) == ring
    rows = await large.rows(
        "SELECT name, triangle_count, size_bytes FROM level WHERE mesh_sha256 = :mesh ORDER BY name",
        mesh=upload["sha256"],
    )
    assert [(row.name, row.size_bytes) for row in rows] == [(name, len(levels[name])) for name in ("coarse", "fine")]
    assert rows[0].triangle_count < 23_000 < rows[1].triangle_count == 40_000


async def test_one_mesh_is_done_once_however_many_upload_it(large: Running) -> None:
    ring = fresh_ring()
    uploads = [await large.person().uploaded(ring) for _ in range(3)]
    [mesh] = {upload["sha256"] for upload in uploads}
    assert len(await jobs_of(large, mesh)) == 1
    async with working(large):
        await made(large, mesh)
    await large.person().uploaded(ring)
    assert await state_of(large, mesh) == ("MADE", None) and len(await jobs_of(large, mesh)) == 0


async def test_a_small_model_is_its_own_every_level(files: Running) -> None:
    anna = files.person()
    ring = fresh_ring()
    upload = await anna.uploaded(ring)
    assert await state_of(files, upload["sha256"]) is None and not await jobs_of(files, upload["sha256"])
    for level in ("coarse", "fine", None):
        answer = await led_to(anna, upload, level)
        assert answer.status_code == 307 and await content_at(answer.headers["location"]) == ring


async def test_nobody_but_the_owner_is_led_there(large: Running) -> None:
    upload = await large.person().uploaded(fresh_ring())
    for role in ("customer", "partner"):
        answer = await led_to(large.person(role), upload, "coarse")
        assert (answer.status_code, answer.json()["code"]) == (404, "upload-unknown")
    assert (await led_to(large.person("seller"), upload, None)).status_code == 403
    assert (await large.visitor().get(f"/uploads/{upload['file_id']}/model")).status_code == 401
    assert (await led_to(large.person(), upload, "finest")).status_code == 422


async def test_what_was_not_verified_has_no_model(files: Running) -> None:
    anna = files.person()
    started = await anna.start(b"x")
    refused = await anna.uploaded(b"This is no ring at all.")
    for file_id in (started["file_id"], refused["file_id"]):
        answer = await anna.http.get(f"/uploads/{file_id}/model?level=coarse")
        assert (answer.status_code, answer.json()["code"]) == (404, "model-missing")


async def test_other_services_are_told_where_a_level_is(large: Running) -> None:
    upload = await large.person().uploaded(fresh_ring())
    crm = large.other_service("crm")
    address = f"/files/{upload['file_id']}?reader=browser&level=fine"
    assert (await crm.get(address)).json()["code"] == "level-not-ready"
    async with working(large):
        await made(large, upload["sha256"])
    told = (await crm.get(address)).json()
    assert f"levels/{upload['sha256']}/fine.glb" in told["download_url"] and "ring.fine.glb" in told["download_url"]
    assert (await content_at(told["download_url"])).startswith(b"glTF")


async def test_what_cannot_be_made_is_said_and_tried_anew_with_the_next_upload(large: Running) -> None:
    anna = large.person()
    ring = fresh_ring()
    upload = await anna.uploaded(ring)
    mesh = upload["sha256"]

    async def refused() -> bool:
        return (await state_of(large, mesh) or ("", None))[0] == "REFUSED"

    async with working(large, levels_memory_bytes=1 << 20):
        await eventually(refused)
    answer = await led_to(anna, upload, "coarse")
    assert (answer.status_code, answer.json()["code"]) == (404, "level-missing") and "retry-after" not in answer.headers
    assert (await led_to(anna, upload, None)).status_code == 307
    await large.person().uploaded(ring)
    assert await state_of(large, mesh) == ("WANTED", None)
    async with working(large):
        await made(large, mesh)


async def test_a_job_that_keeps_killing_its_worker_ends_with_a_reason(large: Running) -> None:
    upload = await large.person().uploaded(fresh_ring())
    mesh = upload["sha256"]
    async with large.service.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE procrastinate_jobs SET status = 'doing', attempts = :attempts, worker_id = NULL"
                " WHERE args ->> 'mesh_sha256' = :mesh"
            ),
            {"attempts": TAKEOVERS_MAX, "mesh": mesh},
        )
    settings = large.service.settings
    assert isinstance(settings, FilesSettings)
    making = making_of(large.service, storage_of(settings), settings)
    app = make_app(settings, making)
    async with app.open_async():
        assert await take_over(app, making, stalled_after_s=settings.levels_stalled_after_s) >= 1
    assert await state_of(large, mesh) == ("REFUSED", "too many attempts")
    assert await making.run(MakeLevels(mesh)) == "settled"


async def test_a_mesh_that_left_the_storage_is_no_reason_to_try_for_ever(large: Running, bucket: Any) -> None:
    upload = await large.person().uploaded(fresh_ring())
    bucket.delete_object(Bucket=BUCKET, Key=f"verified/{upload['sha256']}")

    async def refused() -> bool:
        return (await state_of(large, upload["sha256"]) or ("", None))[0] == "REFUSED"

    async with working(large):
        await eventually(refused)


async def test_models_of_an_older_release_are_found_and_asked_for(files: Running, large: Running) -> None:
    """Verified by a process that knew nothing of levels: here by one for which nothing is large."""
    ring = fresh_ring()
    first, second = await files.person().uploaded(ring), await files.person().uploaded(ring)
    small = await files.person().uploaded(binary_stl(RING[:10], title=uuid.uuid4().hex))
    assert await state_of(large, first["sha256"]) is None
    answer = await large.other_service("crm").get(f"/files/{second['file_id']}?level=coarse")
    assert answer.json()["code"] == "level-not-ready"

    assert await handlers.ask_for_levels(large.service.app.state.tools) >= 1

    assert (
        await state_of(large, first["sha256"]) == ("WANTED", None) and len(await jobs_of(large, first["sha256"])) == 1
    )
    assert await state_of(large, small["sha256"]) is None
    await handlers.ask_for_levels(large.service.app.state.tools)
    assert len(await jobs_of(large, first["sha256"])) == 1
