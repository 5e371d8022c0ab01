"""Previews: handed over by pricing, kept by the mesh, shown to owners and staff."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from system.files.tests.integration.conftest import BUCKET, Person, Running
from system.files.tests.models import binary_stl, preview_png

pytestmark = pytest.mark.integration
PNG = {"content-type": "image/png"}


async def uploaded(by: Person) -> Any:
    """A verified model that nobody uploaded before."""
    return await by.uploaded(binary_stl(20, header=uuid.uuid4().hex.encode()))


async def keep(files: Running, mesh_sha256: str, content: bytes, *, size: int = 96) -> httpx.Response:
    return await files.other_service("pricing").put(f"/previews/{mesh_sha256}/{size}", content=content, headers=PNG)


async def test_a_picture_is_kept_by_its_mesh_and_shown(files: Running, bucket: Any) -> None:
    anna, boris = files.person(), files.person()
    content = binary_stl(20, header=uuid.uuid4().hex.encode())
    of_anna, of_boris = await anna.uploaded(content), await boris.uploaded(content)
    picture = preview_png(96)

    assert (await keep(files, of_anna["sha256"], picture)).status_code == 204

    stored = bucket.get_object(Bucket=BUCKET, Key=f"previews/{of_anna['sha256']}/96.png")
    assert (stored["Body"].read(), stored["ContentType"]) == (picture, "image/png")
    for person, upload in ((anna, of_anna), (boris, of_boris)):
        shown = await person.http.get(f"/uploads/{upload['file_id']}/preview")
        assert (shown.status_code, shown.content) == (200, picture), shown.text
        assert shown.headers["content-type"] == "image/png"
        assert shown.headers["cache-control"] == "private, max-age=86400"


async def test_a_browser_that_has_it_is_told_so(files: Running) -> None:
    anna = files.person()
    upload = await uploaded(anna)
    await keep(files, upload["sha256"], preview_png(96))
    etag = (await anna.http.get(f"/uploads/{upload['file_id']}/preview")).headers["etag"]

    again = await anna.http.get(f"/uploads/{upload['file_id']}/preview", headers={"if-none-match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)

    await keep(files, upload["sha256"], preview_png(96, grey=90))
    drawn_anew = await anna.http.get(f"/uploads/{upload['file_id']}/preview", headers={"if-none-match": etag})
    assert (drawn_anew.status_code, drawn_anew.content) == (200, preview_png(96, grey=90))


async def test_the_same_picture_again_changes_nothing(files: Running) -> None:
    upload = await uploaded(files.person())
    for _ in range(3):
        assert (await keep(files, upload["sha256"], preview_png(96))).status_code == 204
    rows = await files.rows("SELECT made_at FROM preview WHERE mesh_sha256 = :mesh", mesh=upload["sha256"])
    assert len(rows) == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [("seller", 200), ("operator", 200), ("administrator", 200), ("partner", 404), ("customer", 404)],
)
async def test_staff_see_it_and_other_customers_do_not(files: Running, role: str, status: int) -> None:
    upload = await uploaded(files.person())
    await keep(files, upload["sha256"], preview_png(96))

    answer = await files.person(role).http.get(f"/uploads/{upload['file_id']}/preview")

    assert answer.status_code == status
    if status == 404:
        assert answer.json()["code"] == "upload-unknown"


async def test_strangers_see_nothing(files: Running) -> None:
    upload = await uploaded(files.person())
    assert (await files.visitor().get(f"/uploads/{upload['file_id']}/preview")).status_code == 401


async def test_a_missing_one_is_a_problem_and_for_a_page_a_placeholder(files: Running) -> None:
    anna = files.person()
    upload = await uploaded(anna)
    for file_id, code in ((upload["file_id"], "preview-missing"), (uuid.uuid4(), "upload-unknown")):
        answer = await anna.http.get(f"/uploads/{file_id}/preview")
        assert (answer.status_code, answer.json()["code"]) == (404, code)
        placeholder = await anna.http.get(f"/uploads/{file_id}/preview?otherwise=placeholder")
        assert (placeholder.status_code, placeholder.headers["content-type"]) == (200, "image/svg+xml")
        assert placeholder.headers["cache-control"] == "private, max-age=10"


async def test_without_the_storage_a_page_has_its_placeholder(
    files: Running, start_files: Callable[..., Running]
) -> None:
    anna = files.person()
    upload = await uploaded(anna)
    await keep(files, upload["sha256"], preview_png(96))
    alone = start_files(s3_endpoint="http://127.0.0.1:1")
    seller = alone.person("seller")

    assert (await seller.http.get(f"/uploads/{upload['file_id']}/preview")).status_code == 503
    assert (await seller.http.get(f"/uploads/{upload['file_id']}/preview?otherwise=placeholder")).status_code == 200


async def test_what_is_no_preview_is_refused(files: Running, bucket: Any) -> None:
    mesh = uuid.uuid4().hex * 2
    pricing = files.other_service("pricing")
    for content, headers, size in (
        (b"<script>", PNG, 96),
        (preview_png(320), PNG, 96),
        (preview_png(96), {"content-type": "text/html"}, 96),
        (preview_png(96), PNG, 97),
    ):
        answer = await pricing.put(f"/previews/{mesh}/{size}", content=content, headers=headers)
        assert answer.status_code == 422, answer.text
    assert (await pricing.put("/previews/none/96", content=preview_png(96), headers=PNG)).status_code == 422
    assert not bucket.list_objects_v2(Bucket=BUCKET, Prefix=f"previews/{mesh}").get("Contents")


async def test_only_pricing_hands_them_over(files: Running) -> None:
    mesh = uuid.uuid4().hex * 2
    for name in ("mes", "crm", "shop"):
        other = files.other_service(name)
        assert (await other.put(f"/previews/{mesh}/96", content=preview_png(96), headers=PNG)).status_code == 403
        assert (await other.post("/previews/lookup", json={"mesh_sha256": [mesh]})).status_code == 403


async def test_pricing_asks_what_is_missing(files: Running) -> None:
    whole, half, none = (uuid.uuid4().hex * 2 for _ in range(3))
    for mesh, size in ((whole, 96), (whole, 320), (half, 96)):
        await keep(files, mesh, preview_png(size), size=size)
    answer = await files.other_service("pricing").post("/previews/lookup", json={"mesh_sha256": [whole, half, none]})
    assert answer.json() == {"missing": sorted([half, none])}
