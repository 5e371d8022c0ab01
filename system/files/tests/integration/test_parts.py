"""A file in parts: interrupted, taken up again, put together once, and never anything but what was announced."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from system.files.application import handlers
from system.files.tests.integration.conftest import BUCKET, Person, Running
from system.files.tests.models import binary_stl
from system.kernel.errors import Unavailable

pytestmark = pytest.mark.integration

PART = 5 * 1024 * 1024
"""The smallest part that S3 takes, unless it is the last: the models of these tests have three."""
TRIANGLES = 214_000
WHOLE = 84 + 50 * TRIANGLES
LAST = WHOLE - 2 * PART


@pytest.fixture
def files(start_files: Callable[..., Running]) -> Running:
    return start_files(upload_part_bytes=PART)


def fresh_stl() -> bytes:
    """A model nobody has uploaded before."""
    return binary_stl(TRIANGLES, header=uuid.uuid4().hex.encode())


async def start(who: Person, content: bytes, *, size_bytes: int | None = None) -> Any:
    declared = len(content) if size_bytes is None else size_bytes
    body = {"filename": "ring.stl", "size_bytes": declared, "in_parts": True}
    answer = await who.http.post("/uploads", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def addresses(who: Person, started: Any, numbers: Iterable[int]) -> list[Any]:
    answer = await who.http.post(f"/uploads/{started['file_id']}/parts", json={"numbers": list(numbers)})
    assert answer.status_code == 200, answer.text
    items: list[Any] = answer.json()["items"]
    return items


async def put(address: Any, content: bytes) -> httpx.Response:
    """A part, as a browser sends it."""
    async with httpx.AsyncClient() as browser:
        return await browser.put(address["url"], content=content)


def piece(content: bytes, number: int) -> bytes:
    return content[(number - 1) * PART : number * PART]


async def send(who: Person, started: Any, content: bytes, numbers: Iterable[int]) -> None:
    for address in await addresses(who, started, numbers):
        sent = await put(address, piece(content, address["number"]))
        assert sent.status_code == 200, sent.text


async def arrived(who: Person, started: Any) -> list[tuple[int, int]]:
    shown = (await who.http.get(f"/uploads/{started['file_id']}/parts")).json()
    return [(part["number"], part["size_bytes"]) for part in shown["arrived"]]


def unfinished(bucket: Any, who: Person) -> list[str]:
    """Undertakings of this person that the storage still keeps."""
    found = bucket.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [each["Key"] for each in found if each["Key"].startswith(f"uploads/{who.user_id}/")]


async def test_a_model_in_parts_is_verified_as_a_whole_one(files: Running) -> None:
    anna, content = files.person(), fresh_stl()

    started = await start(anna, content)
    assert (started["part_bytes"], started["part_count"], started["url"], started["fields"]) == (PART, 3, "", {})
    await send(anna, started, content, (3, 1, 2))
    upload = (await anna.complete(started)).json()

    assert (upload["status"], upload["sha256"]) == ("VERIFIED", hashlib.sha256(content).hexdigest())
    assert (upload["size_bytes"], upload["triangle_count"]) == (WHOLE, TRIANGLES)
    seen = (await files.other_service("pricing").get(f"/files/{started['file_id']}")).json()
    async with httpx.AsyncClient() as worker:
        assert (await worker.get(seen["download_url"])).content == content


async def test_what_has_arrived_is_told_and_only_the_rest_is_sent(files: Running) -> None:
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    assert await arrived(anna, started) == []
    await send(anna, started, content, (1, 3))

    assert await arrived(anna, started) == [(1, PART), (3, LAST)]
    early = await anna.complete(started)
    assert (early.status_code, early.json()["code"], early.json()["missing"]) == (409, "not-uploaded-yet", [2])
    shown = (await anna.http.get(f"/uploads/{started['file_id']}/parts")).json()
    told = {name: shown[name] for name in ("filename", "size_bytes", "part_count", "status")}
    assert told == {"filename": "ring.stl", "size_bytes": WHOLE, "part_count": 3, "status": "PENDING"}
    await send(anna, started, content, (2,))
    assert (await anna.complete(started)).json()["sha256"] == hashlib.sha256(content).hexdigest()
    assert await arrived(anna, started) == []


async def test_a_part_that_is_sent_again_is_one_part(files: Running) -> None:
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    await send(anna, started, content, (2,))
    await send(anna, started, content, (1, 2, 3))

    assert await arrived(anna, started) == [(1, PART), (2, PART), (3, LAST)]
    assert (await anna.complete(started)).json()["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("sent", [b"", b"x" * (PART - 1), b"x" * (PART + 1), b"x" * 2 * PART], ids=len)
async def test_a_part_of_another_size_is_not_taken(files: Running, sent: bytes) -> None:
    anna = files.person()
    started = await start(anna, fresh_stl())
    [address] = await addresses(anna, started, (1,))

    assert address["size_bytes"] == PART
    assert (await put(address, sent)).status_code == 403
    assert await arrived(anna, started) == []


async def test_an_address_is_of_one_part_of_one_upload(files: Running) -> None:
    anna = files.person()
    started = await start(anna, fresh_stl())
    [address] = await addresses(anna, started, (1,))
    stranger = uuid.uuid4()

    for changed in (
        address["url"].replace("partNumber=1", "partNumber=2"),
        address["url"].replace(str(started["file_id"]), str(stranger)),
        address["url"].replace("uploadId=", "uploadId=0"),
    ):
        assert (await put({"url": changed}, b"x" * PART)).status_code == 403


async def test_many_completions_at_once_agree(files: Running) -> None:
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    await send(anna, started, content, (1, 2, 3))

    answers = await asyncio.gather(*(anna.complete(started) for _ in range(8)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["sha256"] == hashlib.sha256(content).hexdigest()


async def test_two_who_begin_at_once_send_to_one_undertaking(files: Running, bucket: Any) -> None:
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    # Connections are opened beforehand, so that the requests really meet.
    await asyncio.gather(*(arrived(anna, started) for _ in range(6)))

    await asyncio.gather(*(addresses(anna, started, (1,)) for _ in range(6)))

    assert len(unfinished(bucket, anna)) == 1
    await send(anna, started, content, (1, 2, 3))
    assert (await anna.complete(started)).json()["status"] == "VERIFIED"
    assert unfinished(bucket, anna) == []


@pytest.mark.parametrize("broken", ["parts", "assemble", "find", "read", "copy"])
async def test_an_interrupted_completion_is_taken_up_again(
    files: Running, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    await send(anna, started, content, (1, 2, 3))
    storage = files.service.app.state.tools.storage

    async def dies(*_: Any, **__: Any) -> None:
        raise Unavailable("storage-unavailable", "The storage died.")

    monkeypatch.setattr(type(storage), broken, dies)
    assert (await anna.complete(started)).status_code == 503
    monkeypatch.undo()

    assert (await anna.complete(started)).json()["status"] == "VERIFIED"
    assert (await anna.complete(started)).json()["status"] == "VERIFIED"


async def test_another_size_than_announced_is_refused_unread(files: Running, bucket: Any) -> None:
    """No address takes another size; what lies there all the same, our own hand put there."""
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    bucket.put_object(Bucket=BUCKET, Key=f"uploads/{anna.user_id}/{started['file_id']}", Body=content + b"more")

    upload = (await anna.complete(started)).json()

    assert (upload["status"], upload["problem"]["code"]) == ("REFUSED", "size-mismatch")
    assert (upload["size_bytes"], upload["sha256"]) == (WHOLE + 4, None)


@pytest.mark.parametrize(
    ("numbers", "status", "code"),
    [
        ([4], 422, "part-unknown"),
        ([0], 422, "invalid-request"),
        ([], 422, "invalid-request"),
        (list(range(1, 52)), 422, "invalid-request"),
    ],
)
async def test_parts_that_there_are_not(files: Running, numbers: list[int], status: int, code: str) -> None:
    anna = files.person()
    started = await start(anna, fresh_stl())

    answer = await anna.http.post(f"/uploads/{started['file_id']}/parts", json={"numbers": numbers})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_upload_by_a_form_has_no_parts_and_a_settled_one_takes_none(files: Running) -> None:
    anna, content = files.person(), fresh_stl()
    form = await anna.start(content)
    path = f"/uploads/{form['file_id']}/parts"
    for answer in (await anna.http.get(path), await anna.http.post(path, json={"numbers": [1]})):
        assert (answer.status_code, answer.json()["code"]) == (409, "not-in-parts")

    started = await start(anna, content)
    await send(anna, started, content, (1, 2, 3))
    await anna.complete(started)
    late = await anna.http.post(f"/uploads/{started['file_id']}/parts", json={"numbers": [1]})
    assert (late.status_code, late.json()["code"]) == (409, "upload-settled")


async def test_parts_are_their_owners_alone(files: Running) -> None:
    started = await start(files.person(), fresh_stl())
    stranger = files.person()
    path = f"/uploads/{started['file_id']}/parts"

    assert (await stranger.http.get(path)).status_code == 404
    assert (await stranger.http.post(path, json={"numbers": [1]})).status_code == 404
    assert (await files.visitor().get(path)).status_code == 401


async def test_parts_may_take_longer_than_a_form_and_not_for_ever(start_files: Callable[..., Running]) -> None:
    patient = start_files(upload_expires_s=0, upload_part_bytes=PART).person()
    started, form = await start(patient, fresh_stl()), await patient.start(fresh_stl())
    assert started["expires_at"] > form["expires_at"]
    assert (await arrived(patient, started)) == []

    over = start_files(upload_parts_expires_s=0, upload_part_bytes=PART).person()
    started = await start(over, fresh_stl())
    late = await over.http.post(f"/uploads/{started['file_id']}/parts", json={"numbers": [1]})
    assert (late.status_code, late.json()["code"]) == (409, "upload-expired")
    assert (await over.complete(started)).json()["code"] == "upload-expired"


async def test_what_was_never_completed_is_thrown_away(files: Running, bucket: Any) -> None:
    anna, content = files.person(), fresh_stl()
    abandoned, verified = await start(anna, content), await start(anna, content)
    await send(anna, abandoned, content, (1, 2))
    await send(anna, verified, content, (1, 2, 3))
    sealed = (await anna.complete(verified)).json()
    assert len(unfinished(bucket, anna)) == 1
    tools = files.service.app.state.tools

    await handlers.tidy(tools)
    assert len(unfinished(bucket, anna)) == 1
    at_once = replace(tools, limits=replace(tools.limits, linger_s=-86_400 - 60))
    assert await handlers.tidy(at_once, at_most=10_000) >= 2

    assert unfinished(bucket, anna) == []
    assert not bucket.list_objects_v2(Bucket=BUCKET, Prefix=f"uploads/{anna.user_id}").get("Contents")
    kept = bucket.get_object(Bucket=BUCKET, Key=f"verified/{sealed['sha256']}")["Body"].read()
    assert kept == content


async def test_a_browser_of_our_pages_may_send_parts_and_no_other(files: Running) -> None:
    anna = files.person()
    started = await start(anna, fresh_stl())
    [address] = await addresses(anna, started, (1,))
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "content-type"}
    # As the storage was told at its start: the pages' own address.
    ours = f"https://localhost:{files.infrastructure.ports['https']}"

    async with httpx.AsyncClient() as browser:
        allowed = await browser.options(address["url"], headers=asks | {"Origin": ours})
        refused = await browser.options(address["url"], headers=asks | {"Origin": "https://evil.example"})

    assert allowed.headers["access-control-allow-origin"] == ours
    methods = allowed.headers["access-control-allow-methods"]
    assert methods == "*" or "PUT" in methods
    assert refused.headers.get("access-control-allow-origin") not in ("*", "https://evil.example")


async def test_a_large_model_arrives_in_parts_of_the_usual_size(start_files: Callable[..., Running]) -> None:
    files = start_files()
    anna, content = files.person(), fresh_stl()
    started = await start(anna, content)
    assert (started["part_bytes"], started["part_count"]) == (8 * 1024 * 1024, 2)

    for address in await addresses(anna, started, (1, 2)):
        at = (address["number"] - 1) * started["part_bytes"]
        sent = await put(address, content[at : at + started["part_bytes"]])
        assert sent.status_code == 200, sent.text

    assert (await anna.complete(started)).json()["sha256"] == hashlib.sha256(content).hexdigest()
