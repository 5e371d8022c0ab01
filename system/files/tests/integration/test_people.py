"""A person's models: listed, deleted, given out and forgotten, on a real database and a real storage."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from system.files.application.people import delete_model, empty_landings, erase_person
from system.files.tests.integration.conftest import Person, Running
from system.files.tests.integration.test_uploads import fresh_stl, keys_under
from system.plumbing.erasure import Reach
from system.plumbing.tests.canaries import plant

pytestmark = pytest.mark.integration


def landing_of(person: Person, upload: Any) -> str:
    return f"uploads/{person.user_id}/{upload['file_id']}"


async def erased(files: Running, person: Person, *, keeping: list[str] | None = None) -> Any:
    asked = files.other_service("identity")
    answer = await asked.post(f"/people/{person.user_id}/erasure", json={"model_ids": keeping or []})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_shop_lists_a_persons_models_page_by_page(files: Running) -> None:
    anna, boris = files.person(), files.person()
    sent = [(await anna.uploaded(fresh_stl()))["file_id"] for _ in range(5)]
    await anna.uploaded(b"I am a poem about a ring.\n" * 40)
    await boris.uploaded(fresh_stl())
    shop, seen, after = files.other_service("shop"), [], None

    while True:
        asked = {"limit": "2"} | ({"after": after} if after else {})
        page = (await shop.get(f"/people/{anna.user_id}/uploads", params=asked)).json()
        seen += [item["file_id"] for item in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert seen == sent[::-1], "the newest first, and nothing that was refused"
    wrong = await shop.get(f"/people/{anna.user_id}/uploads", params={"after": "nonsense"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "cursor-invalid")


@pytest.mark.parametrize("service", ["pricing", "crm", "mes"])
async def test_nobody_else_lists_deletes_or_forgets(files: Running, service: str) -> None:
    anna, other = files.person(), files.other_service(service)
    upload = await anna.uploaded(fresh_stl())
    place = f"/people/{anna.user_id}"

    answers = (
        await other.get(f"{place}/uploads"),
        await other.delete(f"{place}/uploads/{upload['file_id']}"),
        await other.get(f"{place}/data"),
        await other.post(f"{place}/erasure", json={}),
    )

    assert {answer.status_code for answer in answers} == {403}


async def test_a_deleted_model_is_gone_from_database_and_storage(files: Running, bucket: Any) -> None:
    anna = files.person()
    upload = await anna.uploaded(fresh_stl())
    shop = files.other_service("shop")
    assert keys_under(bucket, f"verified/{upload['sha256']}")

    answer = await shop.delete(f"/people/{anna.user_id}/uploads/{upload['file_id']}")
    again = await shop.delete(f"/people/{anna.user_id}/uploads/{upload['file_id']}")

    assert (answer.status_code, again.status_code) == (204, 404)
    assert not keys_under(bucket, f"verified/{upload['sha256']}") and not keys_under(bucket, landing_of(anna, upload))
    assert (await anna.http.get(f"/uploads/{upload['file_id']}")).status_code == 404


async def test_somebody_elses_model_cannot_be_deleted(files: Running) -> None:
    anna, boris = files.person(), files.person()
    upload = await anna.uploaded(fresh_stl())
    answer = await files.other_service("shop").delete(f"/people/{boris.user_id}/uploads/{upload['file_id']}")
    assert answer.status_code == 404
    assert (await anna.http.get(f"/uploads/{upload['file_id']}")).status_code == 200


async def test_content_that_somebody_else_sent_too_stays_for_them(files: Running, bucket: Any) -> None:
    anna, boris, content = files.person(), files.person(), fresh_stl()
    hers, his = await anna.uploaded(content), await boris.uploaded(content)

    await erased(files, anna)
    assert keys_under(bucket, f"verified/{his['sha256']}") and hers["sha256"] == his["sha256"]
    await erased(files, boris)

    assert not keys_under(bucket, f"verified/{his['sha256']}")


async def test_content_that_is_deleted_while_it_is_verified_again_is_not_lost(files: Running, bucket: Any) -> None:
    content, tools = fresh_stl(), files.service.app.state.tools
    for _ in range(5):
        anna, boris = files.person(), files.person()
        hers = await files.service.app.state.queries.upload(uuid.UUID((await anna.uploaded(content))["file_id"]))
        started = await boris.start(content)
        await boris.send(started, content)

        answer, _ = await asyncio.gather(boris.complete(started), delete_model(hers, tools))
        if answer.status_code == 409:
            answer = await boris.complete(started)

        assert answer.json()["status"] == "VERIFIED"
        assert keys_under(bucket, f"verified/{answer.json()['sha256']}"), "what is verified can be read"
        await erased(files, boris)


async def test_forgetting_keeps_models_of_orders_without_their_owner_and_name(files: Running, bucket: Any) -> None:
    anna, planted = files.person(), plant()
    ordered = await anna.uploaded(fresh_stl(), filename=f"{planted.name}.stl")
    unused = await anna.uploaded(fresh_stl(), filename=f"{planted.name} 2.stl")
    begun = await anna.start(fresh_stl(), filename=f"{planted.name} 3.stl")
    copy = (await files.other_service("identity").get(f"/people/{anna.user_id}/data")).json()["models"]
    assert [each["state"] for each in copy] == ["VERIFIED", "VERIFIED", "PENDING"]
    async with httpx.AsyncClient() as http:
        assert (await http.get(copy[0]["download"])).status_code == 200

    told = await erased(files, anna, keeping=[ordered["file_id"]])

    assert told["counts"] == {"models_deleted": 2, "models_of_orders": 1} and told["remaining"] == 0
    assert planted.traces(files.infrastructure, "files") == {}
    rows = await files.rows("SELECT * FROM upload WHERE owner_id = CAST(:id AS uuid)", id=str(anna.user_id))
    assert rows == []
    kept = (await files.other_service("mes").get(f"/files/{ordered['file_id']}")).json()
    assert (kept["filename"], kept["status"]) == ("model.stl", "VERIFIED") and keys_under(
        bucket, f"verified/{ordered['sha256']}"
    )
    assert not keys_under(bucket, f"verified/{unused['sha256']}") and not keys_under(bucket, landing_of(anna, begun))
    assert set((await erased(files, anna, keeping=[ordered["file_id"]]))["counts"].values()) == {0}


async def test_many_models_are_forgotten_a_few_at_a_time(files: Running) -> None:
    anna, tools = files.person(), files.service.app.state.tools
    for _ in range(3):
        await anna.uploaded(fresh_stl())

    first = await erase_person(anna.user_id, Reach(), tools, at_once=2)
    second = await erase_person(anna.user_id, Reach(), tools, at_once=2)

    assert (first.remaining, second.remaining) == (1, 0)


async def test_what_a_form_writes_afterwards_is_emptied_when_it_has_expired(
    start_files: Callable[..., Running], bucket: Any
) -> None:
    files = start_files(upload_expires_s=2, upload_linger_s=0)
    anna, content = files.person(), fresh_stl()
    started = await anna.start(content)
    await erased(files, anna)

    late = await anna.send(started, content)
    assert late.status_code == 204 and keys_under(bucket, landing_of(anna, started))
    async with asyncio.timeout(20):
        while keys_under(bucket, landing_of(anna, started)):
            await empty_landings(files.service.app.state.tools)

    assert await files.rows("SELECT 1 FROM landing_left WHERE key = :key", key=landing_of(anna, started)) == []
