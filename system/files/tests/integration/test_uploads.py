"""A file on its way in: announced, posted to the storage, checked, sealed."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from fixtures.models3d import shapes, writers
from system.conftest import Infrastructure
from system.files.application import handlers
from system.files.application.commands import CompleteUpload
from system.files.application.ports import StoredObject
from system.files.tests.integration.conftest import BUCKET, Running
from system.files.tests.models import binary_stl, text_stl
from system.kernel.errors import Unavailable

pytestmark = pytest.mark.integration


def fresh_stl(triangles: int = 20) -> bytes:
    """A model nobody has uploaded before."""
    return binary_stl(triangles, header=uuid.uuid4().hex.encode())


def keys_under(bucket: Any, prefix: str) -> list[str]:
    """What the storage holds there."""
    return [item["Key"] for item in bucket.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])]


async def test_a_model_is_uploaded_and_verified(files: Running) -> None:
    anna = files.person()
    content = fresh_stl(20)

    upload = await anna.uploaded(content, filename="C:\\models\\кольцо.stl")

    assert upload["status"] == "VERIFIED"
    assert upload["sha256"] == hashlib.sha256(content).hexdigest()
    assert (upload["size_bytes"], upload["format"], upload["triangle_count"]) == (1084, "stl_binary", 20)
    assert (upload["filename"], upload["problem"]) == ("кольцо.stl", None)
    assert (await anna.http.get(f"/uploads/{upload['file_id']}")).json() == upload


async def test_a_partner_uploads_text_stl(files: Running) -> None:
    upload = await files.person("partner").uploaded(text_stl(4, name=uuid.uuid4().hex))

    assert (upload["status"], upload["format"], upload["triangle_count"]) == ("VERIFIED", "stl_ascii", 4)


async def test_a_customer_uploads_a_glb_that_an_older_release_can_still_list(
    files: Running, files_database: Infrastructure
) -> None:
    ring = shapes.torus(17.35, 2.0, segments=8, sides=4) + uuid.uuid4().int % 10_000
    anna = files.person()
    upload = await anna.uploaded(writers.write_glb(ring), filename="ring.glb")

    assert (upload["status"], upload["format"], upload["triangle_count"]) == ("VERIFIED", "glb", None)
    assert (await anna.http.get(f"/uploads/{upload['file_id']}")).json() == upload
    with files_database.server.connect("files") as connection:
        kept = connection.execute(
            "SELECT format, recognised_as FROM upload WHERE file_id = %s", [upload["file_id"]]
        ).fetchone()
    assert kept == ("stl_binary", "glb")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"I am a poem about a ring.\n" * 40, "not-a-model"),
        (binary_stl(9)[:-7], "mesh-truncated"),
        (binary_stl(0), "mesh-empty"),
    ],
    ids=["poem", "cut off", "no triangle"],
)
async def test_what_is_no_model_is_refused_and_not_kept(files: Running, bucket: Any, content: bytes, code: str) -> None:
    anna = files.person()

    upload = await anna.uploaded(content)

    assert upload["status"] == "REFUSED"
    assert upload["problem"]["code"] == code
    assert upload["problem"]["title"]
    assert upload["problem"]["detail"]
    assert not keys_under(bucket, f"verified/{upload['sha256']}")
    assert (await anna.http.get(f"/uploads/{upload['file_id']}")).json() == upload


async def test_completion_before_the_file_arrived(files: Running) -> None:
    anna = files.person()
    content = fresh_stl()
    started = await anna.start(content)

    early = await anna.complete(started)

    assert (early.status_code, early.json()["code"]) == (409, "not-uploaded-yet")
    assert (await anna.http.get(f"/uploads/{started['file_id']}")).json()["status"] == "PENDING"
    await anna.send(started, content)
    assert (await anna.complete(started)).json()["status"] == "VERIFIED"


async def test_an_upload_that_never_came_expires(start_files: Callable[..., Running]) -> None:
    anna = start_files(upload_expires_s=0).person()

    late = await anna.complete(await anna.start(fresh_stl()))

    assert (late.status_code, late.json()["code"]) == (409, "upload-expired")


async def test_completion_again_answers_the_same_whatever_lies_there_now(files: Running, bucket: Any) -> None:
    anna = files.person()
    content = fresh_stl()
    started = await anna.start(content)
    await anna.send(started, content)
    first = await anna.complete(started)
    bucket.delete_object(Bucket=BUCKET, Key=started["fields"]["key"])

    second = await anna.complete(started)

    assert (second.status_code, second.json()) == (200, first.json())


async def test_many_completions_at_once_agree(files: Running) -> None:
    anna = files.person()
    content = fresh_stl()
    started = await anna.start(content)
    await anna.send(started, content)

    answers = await asyncio.gather(*(anna.complete(started) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_of_two_completions_that_saw_different_files_the_first_to_settle_is_believed(
    files: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = files.person()
    early, late = fresh_stl(10), fresh_stl(10)
    started = await anna.start(early)
    await anna.send(started, early)
    storage_class = type(files.service.app.state.tools.storage)
    copy = storage_class.copy
    copied, go_on = asyncio.Event(), asyncio.Event()

    async def copy_and_wait(self: Any, stored: StoredObject, *, to: str) -> None:
        await copy(self, stored, to=to)
        copied.set()
        await go_on.wait()

    monkeypatch.setattr(storage_class, "copy", copy_and_wait)
    slow = asyncio.create_task(anna.complete(started))
    await copied.wait()
    monkeypatch.undo()
    await anna.send(started, late)

    quick = await anna.complete(started)
    go_on.set()

    assert quick.json()["sha256"] == hashlib.sha256(late).hexdigest()
    assert (await slow).json() == quick.json()
    assert (await anna.http.get(f"/uploads/{started['file_id']}")).json() == quick.json()


async def test_a_file_replaced_after_it_was_verified_changes_nothing(files: Running) -> None:
    anna = files.person()
    light, heavy = fresh_stl(10), fresh_stl(1000)
    started = await anna.start(light)
    await anna.send(started, light)
    verified = (await anna.complete(started)).json()

    assert (await anna.send(started, heavy)).status_code == 204

    seen = (await files.other_service("pricing").get(f"/files/{started['file_id']}")).json()
    async with httpx.AsyncClient() as worker:
        downloaded = (await worker.get(seen["download_url"])).content
    assert hashlib.sha256(downloaded).hexdigest() == seen["sha256"] == verified["sha256"]


async def test_a_file_replaced_while_it_is_checked_is_noticed(
    files: Running, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = files.person()
    light, heavy = fresh_stl(10), fresh_stl(10)
    started = await anna.start(light)
    await anna.send(started, light)
    storage = files.service.app.state.tools.storage
    copy = type(storage).copy

    async def replaced_just_before(self: Any, stored: StoredObject, *, to: str) -> None:
        bucket.put_object(Bucket=BUCKET, Key=stored.key, Body=heavy)
        await copy(self, stored, to=to)

    monkeypatch.setattr(type(storage), "copy", replaced_just_before)
    answer = await anna.complete(started)

    assert (answer.status_code, answer.json()["code"]) == (409, "upload-changed")
    assert not keys_under(bucket, f"verified/{hashlib.sha256(light).hexdigest()}")
    monkeypatch.undo()
    assert (await anna.complete(started)).json()["sha256"] == hashlib.sha256(heavy).hexdigest()


@pytest.mark.parametrize("broken", ["find", "read", "copy"])
async def test_an_interrupted_completion_is_taken_up_again(
    files: Running, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    anna = files.person()
    content = fresh_stl()
    started = await anna.start(content)
    await anna.send(started, content)
    storage = files.service.app.state.tools.storage

    async def dies(*_: Any, **__: Any) -> None:
        raise Unavailable("storage-unavailable", "The storage died.")

    monkeypatch.setattr(type(storage), broken, dies)
    assert (await anna.complete(started)).status_code == 503
    monkeypatch.undo()

    assert (await anna.complete(started)).json()["status"] == "VERIFIED"


async def test_a_process_that_dies_before_the_commit_leaves_the_upload_to_be_completed(files: Running) -> None:
    anna = files.person()
    content = fresh_stl()
    started = await anna.start(content)
    await anna.send(started, content)
    tools = files.service.app.state.tools

    def dying() -> Any:
        uow = tools.begin()

        async def dies() -> None:
            raise ConnectionError("the process dies here")

        uow.commit = dies
        return uow

    command = CompleteUpload(file_id=uuid.UUID(started["file_id"]), owner_id=anna.user_id)
    with pytest.raises(ConnectionError):
        await handlers.complete_upload(command, replace(tools, begin=dying))

    assert (await anna.http.get(f"/uploads/{started['file_id']}")).json()["status"] == "PENDING"
    assert (await anna.complete(started)).json()["status"] == "VERIFIED"


async def test_the_form_takes_one_key_and_one_size_only(start_files: Callable[..., Running], bucket: Any) -> None:
    anna = start_files(upload_bytes_max=2000).person()
    started = await anna.start(b"x" * 2000)
    stranger = uuid.uuid4()

    assert started["max_bytes"] == 2000
    assert (await anna.send(started, b"x" * 2001)).status_code == 400
    assert (await anna.send(started, b"")).status_code == 400
    assert (await anna.send(started, b"x", key=f"uploads/{stranger}/{stranger}")).status_code == 403
    assert (await anna.send(started, b"x", **{"Content-Type": "text/html"})).status_code == 403
    assert not keys_under(bucket, f"uploads/{anna.user_id}") + keys_under(bucket, f"uploads/{stranger}")


async def test_an_expired_form_is_refused_by_the_storage(start_files: Callable[..., Running]) -> None:
    anna = start_files(upload_expires_s=0).person()
    started = await anna.start(b"x")

    assert (await anna.send(started, b"x")).status_code == 403


async def test_a_file_above_the_cap_is_refused_unread(start_files: Callable[..., Running], bucket: Any) -> None:
    anna = start_files(upload_bytes_max=2000).person()
    started = await anna.start(b"x" * 100)
    bucket.put_object(Bucket=BUCKET, Key=started["fields"]["key"], Body=b"x" * 2001)

    upload = (await anna.complete(started)).json()

    assert (upload["status"], upload["problem"]["code"]) == ("REFUSED", "file-too-large")
    assert (upload["size_bytes"], upload["sha256"]) == (2001, None)


async def test_another_size_than_announced_is_refused(files: Running) -> None:
    anna = files.person()
    content = fresh_stl()
    started = await anna.start(content, size_bytes=len(content) + 1)
    await anna.send(started, content)

    upload = (await anna.complete(started)).json()

    assert (upload["status"], upload["problem"]["code"]) == ("REFUSED", "size-mismatch")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"filename": "ring.stl", "size_bytes": 0}, "mesh-empty"),
        ({"filename": "ring.stl", "size_bytes": 100_000_001}, "file-too-large"),
        ({"filename": "", "size_bytes": 1}, "invalid-request"),
        ({"filename": "ring.stl"}, "invalid-request"),
        ({"filename": "ring.stl", "size_bytes": 1, "owner_id": str(uuid.uuid4())}, "invalid-request"),
    ],
)
async def test_an_announcement_that_makes_no_sense(files: Running, body: dict[str, Any], code: str) -> None:
    answer = await files.person().http.post("/uploads", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_only_so_many_uploads_are_begun(start_files: Callable[..., Running]) -> None:
    files = start_files(uploads_pending_max=2)
    anna = files.person()
    content = fresh_stl()
    first = await anna.start(content)
    # Connections are opened beforehand, so that the requests really meet.
    await asyncio.gather(*(anna.http.get(f"/uploads/{first['file_id']}") for _ in range(10)))

    answers = await asyncio.gather(
        *(anna.http.post("/uploads", json={"filename": "ring.stl", "size_bytes": 1}) for _ in range(10))
    )

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"too-many-uploads"}
    await anna.send(first, content)
    await anna.complete(first)
    await anna.start(content)
    await files.person().start(content)


async def test_an_upload_is_its_owners_alone(files: Running) -> None:
    upload = await files.person().uploaded(fresh_stl())
    stranger = files.person()

    assert (await stranger.http.get(f"/uploads/{upload['file_id']}")).status_code == 404
    assert (await stranger.complete(upload)).status_code == 404
    assert (await files.visitor().get(f"/uploads/{upload['file_id']}")).status_code == 401


async def test_sellers_and_operators_upload_nothing(files: Running) -> None:
    seller = files.person("seller", "operator")

    answer = await seller.http.post("/uploads", json={"filename": "ring.stl", "size_bytes": 1})

    assert answer.status_code == 403


async def test_pricing_and_the_shop_see_a_file_and_pricing_reads_it(files: Running) -> None:
    anna = files.person()
    content = fresh_stl()
    upload = await anna.uploaded(content)

    for name in ("pricing", "shop"):
        seen = (await files.other_service(name).get(f"/files/{upload['file_id']}")).json()
        assert seen["owner_id"] == str(anna.user_id)
        assert {key: seen[key] for key in upload} == upload
    async with httpx.AsyncClient() as worker:
        part = await worker.get(seen["download_url"], headers={"range": "bytes=80-83"})
    assert (part.status_code, part.content) == (206, (20).to_bytes(4, "little"))


async def test_a_file_that_is_not_verified_cannot_be_read(files: Running) -> None:
    anna = files.person()
    pending = await anna.start(b"x")
    refused = await anna.uploaded(b"a poem" * 30)
    shop = files.other_service("shop")

    for file_id in (pending["file_id"], refused["file_id"]):
        assert (await shop.get(f"/files/{file_id}")).json()["download_url"] is None
    assert (await shop.get(f"/files/{uuid.uuid4()}")).status_code == 404


async def test_a_browser_reads_a_file_that_its_service_leads_it_to(files: Running) -> None:
    content = fresh_stl()
    upload = await files.person().uploaded(content, filename='кольцо "17".stl')

    for name in ("mes", "crm"):
        seen = (await files.other_service(name).get(f"/files/{upload['file_id']}?reader=browser")).json()
        # As the storage was told at its start: the pages' own address.
        origin = f"https://localhost:{files.infrastructure.ports['https']}"
        async with httpx.AsyncClient(headers={"origin": origin}) as browser:
            read = await browser.get(seen["download_url"])
            assert read.content == content
            assert read.headers["access-control-allow-origin"] == origin
            assert read.headers["content-disposition"].startswith("attachment; filename*=UTF-8''%D0%BA")
            as_a_page = seen["download_url"].replace("attachment", "inline")
            assert (await browser.get(as_a_page)).status_code == 403, "what it is, is signed too"


async def test_browsers_are_led_to_the_public_address_and_for_a_minute(start_files: Callable[..., Running]) -> None:
    files = start_files(s3_public_url="https://localhost:8444")
    started = await files.person().start(fresh_stl())
    pending = await files.other_service("crm").get(f"/files/{started['file_id']}?reader=browser")
    assert pending.json()["download_url"] is None
    url = files.service.app.state.tools.storage.browser_url("verified/x", filename="ring.stl", expires_s=60)
    assert url.startswith(f"https://localhost:8444/{BUCKET}/verified/x?") and "X-Amz-Expires=60" in url


async def test_only_services_that_show_or_price_models_see_files(files: Running) -> None:
    upload = await files.person().uploaded(fresh_stl())
    path = f"/files/{upload['file_id']}"

    assert (await files.other_service("orchestrator").get(path)).status_code == 403
    assert (await files.other_service("shop", to="crm").get(path)).status_code == 401
    user_token = files.person("administrator").http.headers["authorization"].removeprefix("Bearer ")
    assert (await files.visitor(user_token, path="/internal").get(path)).status_code == 403
    assert (await files.visitor(path="/internal").get(path)).status_code == 401


async def test_the_same_content_is_kept_once(files: Running, bucket: Any) -> None:
    content = fresh_stl()

    first = await files.person().uploaded(content)
    second = await files.person().uploaded(content)

    assert first["file_id"] != second["file_id"]
    assert keys_under(bucket, f"verified/{first['sha256']}") == [f"verified/{second['sha256']}"]


async def test_landing_places_are_emptied_and_verified_files_stay(files: Running, bucket: Any) -> None:
    anna = files.person()
    content = fresh_stl()
    verified = await anna.uploaded(content)
    abandoned = await anna.start(content)
    assert (await anna.send(abandoned, content)).status_code == 204
    assert len(keys_under(bucket, f"uploads/{anna.user_id}")) == 2
    tools = files.service.app.state.tools

    await handlers.tidy(tools)
    assert len(keys_under(bucket, f"uploads/{anna.user_id}")) == 2
    at_once = replace(tools, limits=replace(tools.limits, linger_s=-3600))
    assert await handlers.tidy(at_once, at_most=10_000) >= 2

    assert keys_under(bucket, f"uploads/{anna.user_id}") == []
    assert keys_under(bucket, f"verified/{verified['sha256']}")
    assert await handlers.tidy(at_once, at_most=10_000) == 0


async def test_without_storage_an_upload_is_announced_and_completed_later(
    start_files: Callable[..., Running],
) -> None:
    anna = start_files(s3_endpoint="http://127.0.0.1:1").person()
    started = await anna.start(b"x")

    answer = await anna.complete(started)

    assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")
    assert answer.headers["retry-after"]


async def test_the_form_leads_browsers_to_the_public_address(start_files: Callable[..., Running]) -> None:
    anna = start_files(s3_public_url="https://localhost:8444").person()

    started = await anna.start(b"x")

    assert started["url"] == f"https://localhost:8444/{BUCKET}"
    assert started["fields"]["key"] == f"uploads/{anna.user_id}/{started['file_id']}"
    assert "secret" not in str(started).lower()
