"""The page's own sending of a file, in a real Chromium, with a storage of another origin that can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from playwright.sync_api import Browser, Page
from starlette.middleware.cors import CORSMiddleware

from system.kernel.errors import Conflict
from system.pagekit.tests.chromium import TIMEOUT_MS, served
from system.pagekit.tests.unit.conftest import chromium
from system.plumbing.auth import public
from system.plumbing.web import make_app
from system.shop.entrypoints import pages as shop_pages
from system.shop.settings import ShopSettings

__all__ = ["chromium"]

PART = 400
CONTENT = bytes(range(250)) * 4
FILE_ID = "0190e6c5-0000-7000-8000-000000000001"
PARTS = {1: CONTENT[:400], 2: CONTENT[400:800], 3: CONTENT[800:]}
BEGIN = """async ([address, taken]) => {
  const { Upload } = await import(address);
  const bytes = Uint8Array.from({ length: 1000 }, (_, at) => at % 250);
  window.told = [];
  window.upload = new Upload(new File([bytes], "ring.stl"), ({ state }) => told.push(state));
  if (!taken) await upload.begin();
  else if (!(await upload.takeUp(taken))) return "another file";
  return "begun";
}"""
FINISH = "async () => (await upload.finish()).status"


@dataclass
class Behind:
    """What lies behind the page: the parts that arrived, and how often each of them is refused first."""

    storage: str = ""
    filename: str = "ring.stl"
    arrived: dict[int, bytes] = field(default_factory=dict)
    refusals: dict[int, int] = field(default_factory=dict)
    put: list[int] = field(default_factory=list)

    def forgets(self) -> None:
        self.filename = "ring.stl"
        for each in (self.arrived, self.refusals, self.put):
            each.clear()

    def plan(self) -> dict[str, Any]:
        return {
            "file_id": FILE_ID,
            "status": "PENDING",
            "filename": self.filename,
            "size_bytes": len(CONTENT),
            "part_bytes": PART,
            "part_count": len(PARTS),
            "arrived": [{"number": number, "size_bytes": len(part)} for number, part in self.arrived.items()],
            "expires_at": "2099-01-01T00:00:00+00:00",
        }


BEHIND = Behind()


def storage(_: str) -> FastAPI:
    """Takes parts from pages of any origin, when it does."""
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])

    @app.put("/parts/{number}")
    async def part(number: int, request: Request) -> Response:
        BEHIND.put.append(number)
        content = await request.body()
        if BEHIND.refusals.get(number, 0):
            BEHIND.refusals[number] -= 1
            return Response(status_code=500)
        BEHIND.arrived[number] = content
        return Response(status_code=200)

    return app


def shop(origin: str) -> FastAPI:
    """The shop's files under an empty page, and a files service that believes its storage."""
    settings = ShopSettings(public_url=origin, s3_public_url=BEHIND.storage)
    shown = shop_pages.pages_of(settings)
    router = APIRouter(dependencies=[public])
    uploads = "/api/files/v1/uploads"

    @router.get("/shop/yard")
    async def yard(request: Request) -> Response:
        return shown.render(request, "shop.html")

    @router.get("/shop/yard/address")
    async def address() -> str:
        return shown.assets.address("make/upload.js")

    @router.post(uploads)
    @router.get(f"{uploads}/{{file_id}}/parts")
    async def plan() -> dict[str, Any]:
        return BEHIND.plan()

    @router.post(f"{uploads}/{{file_id}}/parts")
    async def addresses(request: Request) -> dict[str, Any]:
        numbers = (await request.json())["numbers"]
        return {"items": [{"number": number, "url": f"{BEHIND.storage}/parts/{number}"} for number in numbers]}

    @router.post(f"{uploads}/{{file_id}}/completion")
    async def completion() -> dict[str, str]:
        if BEHIND.arrived != PARTS:
            raise Conflict("not-uploaded-yet", "Parts are missing.")
        return {"file_id": FILE_ID, "status": "VERIFIED"}

    app = make_app(settings, routers=[], pages=[shown.router(), router])
    shown.install(app)
    return app


@pytest.fixture(scope="module")
def origin() -> Iterator[str]:
    with served(storage) as BEHIND.storage, served(shop) as own:
        yield own


@pytest.fixture
def begins(chromium: Browser, origin: str) -> Iterator[Callable[..., Page]]:
    """Begins an upload in a window of its own, or takes one up; `told` and `upload` are the window's."""
    BEHIND.forgets()
    context = chromium.new_context()
    context.set_default_timeout(TIMEOUT_MS)

    def begun(taken: str = "", *, as_wished: str = "begun") -> Page:
        page = context.new_page()
        page.goto(f"{origin}/shop/yard")
        address = page.evaluate("async () => (await fetch('/shop/yard/address')).json()")
        assert page.evaluate(BEGIN, [address, taken]) == as_wished
        return page

    yield begun
    context.close()


def test_a_file_arrives_whole(begins: Callable[..., Page]) -> None:
    page = begins()
    assert page.evaluate(FINISH) == "VERIFIED"
    assert BEHIND.arrived == PARTS and sorted(BEHIND.put) == [1, 2, 3]
    told = page.evaluate("told")
    assert told[0] == "uploading" and told[-1] == "checking" and "lost" not in told


def test_a_storage_that_fails_is_asked_again_until_it_does_not(begins: Callable[..., Page]) -> None:
    BEHIND.refusals = {2: 2}
    page = begins()
    assert page.evaluate(FINISH) == "VERIFIED"
    assert BEHIND.arrived == PARTS and BEHIND.put.count(2) >= 3
    assert "lost" in page.evaluate("told")


def test_only_what_is_missing_is_sent(begins: Callable[..., Page]) -> None:
    BEHIND.arrived.update({1: PARTS[1], 3: PARTS[3]})
    page = begins(FILE_ID)
    assert page.evaluate(FINISH) == "VERIFIED"
    assert BEHIND.arrived == PARTS and BEHIND.put == [2]


def test_another_file_is_not_taken_for_the_rest(begins: Callable[..., Page]) -> None:
    BEHIND.filename = "bracelet.stl"
    begins(FILE_ID, as_wished="another file")
    assert BEHIND.put == []


def test_what_is_paused_goes_on_when_it_is_told_to(begins: Callable[..., Page]) -> None:
    page = begins()
    page.evaluate("() => { upload.pause(); window.done = upload.finish(); }")
    assert page.evaluate("told") == ["paused"] and BEHIND.put == []
    assert page.evaluate("async () => { upload.goOn(); return (await done).status; }") == "VERIFIED"
    assert BEHIND.arrived == PARTS
