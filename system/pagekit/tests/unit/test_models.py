"""The way to a model: who is led there, where to, and what is said when it leads nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import APIRouter
from joserfc.jwk import OKPKey

from system.kernel.errors import Forbidden
from system.pagekit.models import model_route
from system.pagekit.pages import Pages
from system.plumbing.auth import Principal, require
from system.plumbing.service_client import ServiceClient
from system.plumbing.settings import ServiceSettings
from system.plumbing.tokens import TokenAuthority
from system.plumbing.web import make_app

KEYS = {name: OKPKey.generate_key("Ed25519", parameters={"kid": name}) for name in ("identity", "crm")}
JWKS = json.dumps({"keys": [key.as_dict(private=False) for key in KEYS.values()]})
SIGNED = "https://localhost:8444/models/verified/5e1f?X-Amz-Signature=1"
SECRET_FILE = UUID(int=13)
# As the viewer asks, and as a person who follows a link.
SCRIPT = {"Accept": "model/stl, application/octet-stream, application/problem+json"}
PERSON = {"Accept": "text/html,*/*;q=0.8", "Accept-Language": "en"}
Files = Callable[[httpx.Request], httpx.Response]


async def seen_by_sellers(file_id: UUID, who: Annotated[Principal, require("seller")]) -> UUID:
    if file_id == SECRET_FILE:
        raise Forbidden("not-yours", "This model is somebody else's.")
    return file_id


class NothingRevoked:
    async def is_revoked(self, session_id: str) -> bool:
        return False


class Crm:
    """A service with one such address, and what its files service answers."""

    def __init__(self, home: Any) -> None:
        settings = settings_of("crm")
        router = APIRouter(prefix="/crm")
        router.include_router(model_route("/models/{file_id}", seen_by_sellers))
        self.app = make_app(settings, routers=[], pages=[router])
        Pages("/crm", home, settings).install(self.app)
        self.app.state.revocations = NothingRevoked()
        self.asked: list[httpx.Request] = []
        self.answer: Files = lambda request: httpx.Response(200, json={"download_url": SIGNED})
        self.app.state.client = ServiceClient(settings, transport=httpx.MockTransport(self._files))

    def _files(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.answer(request)

    async def get(
        self, file_id: object, role: str | None = "seller", headers: dict[str, str] = SCRIPT, query: str = ""
    ) -> httpx.Response:
        if role is not None:
            who = Principal(UUID(int=7), frozenset({role}), "Sofia", "sofia@example.com", session_id="s-1")
            headers = headers | {
                "authorization": f"Bearer {TokenAuthority(settings_of('identity')).issue_for_user(who)}"
            }
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="https://crm") as client:
            return await client.get(f"/crm/models/{file_id}{query}", headers=headers)


def settings_of(service: str) -> ServiceSettings:
    return ServiceSettings(service=service, jwks=JWKS, signing_key=KEYS[service].as_pem(private=True).decode())


@pytest.fixture
def crm(tmp_path: Any) -> Crm:
    for name in ("templates", "assets", "locales"):
        (tmp_path / name).mkdir()
    (tmp_path / "locales" / "ru.po").write_text('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n')
    return Crm(tmp_path)


async def test_who_may_see_it_is_led_to_the_storage_as_browsers_reach_it(crm: Crm) -> None:
    file_id = uuid4()
    answer = await crm.get(file_id)
    assert (answer.status_code, answer.headers["location"]) == (307, SIGNED)
    assert answer.headers["cache-control"] == "no-store", "the next one gets an address of their own"
    [asked] = crm.asked
    assert urlsplit(str(asked.url)).path == f"/internal/files/{file_id}"
    assert parse_qs(asked.url.query.decode()) == {"reader": ["browser"]}


@pytest.mark.parametrize(("role", "status"), [("customer", 403), ("operator", 403), (None, 401)])
async def test_who_may_not_see_it_is_refused_and_nobody_is_asked(crm: Crm, role: str | None, status: int) -> None:
    answer = await crm.get(uuid4(), role)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert not crm.asked


async def test_the_service_refuses_single_files(crm: Crm) -> None:
    assert (await crm.get(SECRET_FILE)).json()["code"] == "not-yours"
    assert not crm.asked


async def test_what_is_no_id_is_refused(crm: Crm) -> None:
    assert (await crm.get("ring.stl")).json()["code"] == "invalid-request"


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(404, json={"code": "upload-unknown"}), httpx.Response(200, json={"download_url": None})],
    ids=["unknown", "not verified"],
)
async def test_a_file_that_is_not_there_is_said_to_be_missing(crm: Crm, answer: httpx.Response) -> None:
    crm.answer = lambda request: answer
    missing = await crm.get(uuid4())
    assert (missing.status_code, missing.json()["code"]) == (404, "model-missing")


@pytest.mark.parametrize("level", ["coarse", "fine"])
async def test_a_lighter_form_is_asked_for_by_its_name(crm: Crm, level: str) -> None:
    answer = await crm.get(uuid4(), query=f"?level={level}")
    assert (answer.status_code, answer.headers["location"]) == (307, SIGNED)
    [asked] = crm.asked
    assert parse_qs(asked.url.query.decode()) == {"reader": ["browser"], "level": [level]}


async def test_another_level_is_refused_and_nobody_is_asked(crm: Crm) -> None:
    answer = await crm.get(uuid4(), query="?level=finest")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request") and not crm.asked


@pytest.mark.parametrize(("code", "again_after"), [("level-not-ready", "7"), ("level-missing", None)])
async def test_a_lighter_form_that_is_not_there_says_whether_it_will_be(
    crm: Crm, code: str, again_after: str | None
) -> None:
    crm.answer = lambda request: httpx.Response(404, json={"code": code, "retry_after_s": 7})
    answer = await crm.get(uuid4(), query="?level=coarse")
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.headers.get("retry-after") == again_after


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody there", request=request)


@pytest.mark.parametrize("files", [away, lambda _: httpx.Response(500), lambda _: httpx.Response(403, json={})])
async def test_without_the_files_service_it_may_be_tried_again(crm: Crm, files: Files) -> None:
    crm.answer = files
    answer = await crm.get(uuid4())
    assert (answer.status_code, answer.json()["code"]) == (503, "files-unavailable") and answer.headers["retry-after"]


async def test_a_person_reads_the_refusal_as_a_page(crm: Crm) -> None:
    crm.answer = lambda request: httpx.Response(404, json={})
    page = await crm.get(uuid4(), headers=PERSON)
    assert page.status_code == 404 and "it was refused, or never arrived" in page.text and "<main" in page.text
    assert (await crm.get(uuid4(), None, headers=PERSON)).headers["location"].startswith("/sign-in?next=/crm/models/")
