"""An order's scenario over HTTP: for whom, with its model from the storage, recorded, and without anybody in it; on PostgreSQL."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from system.crm.adapters.models import HttpModels
from system.crm.adapters.orchestrator import HttpOrchestrator
from system.crm.adapters.pricing import HttpQuotes
from system.crm.application.exporting import neutral_name
from system.crm.main import service
from system.crm.settings import CrmSettings
from system.crm.tests.exported import trouble
from system.crm.tests.harness import awaiting_approval, changed, hear, submitted
from system.crm.tests.integration.conftest import PostgresCrm
from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.messages.orchestrator_v1 import OrderStatus
from system.plumbing.schema import audit_log
from system.plumbing.service_client import ServiceClient
from system.plumbing.tests.people import People

pytestmark = pytest.mark.integration
MODEL = b"by Clara".ljust(80) + struct.pack("<I", 1) + struct.pack("<12f", *range(12)) + b"\0\0"
STORED = "http://storage.example/models/x?signed"


class Others:
    """Everybody whom CRM asks for an export, the storage among them."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.entries: list[dict[str, Any]] = []
        self.body = MODEL
        self.announced_bytes = len(MODEL)
        self.status = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        service_name, path = request.url.host.partition(".")[0], request.url.path
        if service_name in self.away:
            return httpx.Response(503)
        if service_name == "storage":
            return httpx.Response(self.status, content=self.body)
        if path.startswith("/internal/files/"):
            return httpx.Response(200, json={"download_url": STORED, "size_bytes": self.announced_bytes})
        if path == "/internal/quotes/lookup":
            made: dict[str, Any] = {
                "breakdown": None,
                "unit": "in",
                "mesh": {"triangle_count": 1},
                "stones": {},
                "remade_because": [],
            }
            asked = json.loads(request.content)["quote_ids"]
            return httpx.Response(200, json={"items": [made | {"quote_id": each} for each in asked]})
        order: dict[str, Any] = {"lines": [], "saga": []}
        told = {"order": order, "entries": self.entries, "not_answering": {}, "stuck": None}
        return httpx.Response(200, json=told)


@pytest.fixture
def others() -> Others:
    return Others()


@pytest.fixture
async def client(settings: CrmSettings, others: Others) -> AsyncIterator[ServiceClient]:
    made = ServiceClient(settings, transport=httpx.MockTransport(others))
    yield made
    await made.close()


@pytest.fixture
async def models(client: ServiceClient, others: Others) -> AsyncIterator[HttpModels]:
    made = HttpModels(client, timeout_s=1, transport=httpx.MockTransport(others))
    yield made
    await made.close()


@pytest.fixture
async def http(settings: CrmSettings, client: ServiceClient, models: HttpModels) -> AsyncIterator[httpx.AsyncClient]:
    built = service(settings)
    await built.app.state.models.close()
    built.app.state.orchestrator, built.app.state.quotes = HttpOrchestrator(client), HttpQuotes(client)
    built.app.state.models = models
    async with httpx.AsyncClient(transport=httpx.ASGITransport(built.app), base_url="http://crm") as caller:
        yield caller
    await built.close()


async def approved(crm: PostgresCrm) -> UUID:
    """An order with its content that waits for an operator."""
    content = submitted()
    await hear(crm, content)
    line_id = content.lines[0].line_id
    await hear(crm, changed(content.order_id, OrderStatus.PRICE_CALCULATED, version=4, line_id=line_id))
    return content.order_id


def files(answer: httpx.Response) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.mark.parametrize("address", ["/crm/orders/{}/scenario", "/api/crm/v1/orders/{}/scenario"])
async def test_the_archive_is_downloaded_and_that_is_recorded(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm, others: Others, address: str
) -> None:
    order_id = await approved(crm)
    others.entries = [trouble("orchestrator", "parked", "pricing.order_priced.v1")]
    answer = await http.get(address.format(order_id), headers=sofia)
    name = neutral_name(order_id)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}.zip"'
    assert answer.headers["cache-control"] == "no-store"
    held = files(answer)
    assert held[f"recovery/{name}-1.stl"] == b"model".ljust(80) + MODEL[80:]
    feature = held[f"recovery/{name}.en.feature"].decode()
    assert f"| {name}-1.stl | gold 585 " in feature and "| in " in feature
    assert not [each for each, body in held.items() if b"Clara" in body or b"Lenina" in body or b"A-26000123" in body]
    [noted] = await crm.rows(select(audit_log).where(audit_log.c.subject == str(order_id)))
    assert (noted["action"], noted["actor"].partition(" ")[0]) == ("order_exported", "Sofia")


async def test_only_sellers_and_administrators_take_it_and_nobody_else_is_recorded(
    http: httpx.AsyncClient, people: People, crm: PostgresCrm
) -> None:
    order_id = await awaiting_approval(crm)
    for role in ("customer", "operator", "partner"):
        for address in ("/crm", "/api/crm/v1"):
            refused = await http.get(f"{address}/orders/{order_id}/scenario", headers=people.headers("Oleg", role))
            assert refused.status_code == 403
    assert not await crm.rows(select(audit_log).where(audit_log.c.subject == str(order_id)))
    admin = people.headers("Olga", "administrator")
    assert (await http.get(f"/crm/orders/{order_id}/scenario", headers=admin)).status_code == 200
    assert (await http.get(f"/api/crm/v1/orders/{new_id()}/scenario", headers=admin)).status_code == 404


async def test_whoever_is_away_is_named_and_the_rest_is_exported(
    http: httpx.AsyncClient, sofia: dict[str, str], crm: PostgresCrm, others: Others
) -> None:
    others.away = {"orchestrator", "pricing", "files"}
    order_id = await approved(crm)
    answer = await http.get(f"/api/crm/v1/orders/{order_id}/scenario", headers=sofia)
    assert answer.status_code == 200
    held = files(answer)
    [feature] = [body.decode() for name, body in held.items() if name.endswith(".en.feature")]
    assert "what orchestrator knows of the order" in feature and "| plain ring " in feature
    assert "the storage of models did not answer" in held["README.txt"].decode()


async def test_a_model_is_never_read_beyond_its_bound(models: HttpModels, others: Others) -> None:
    assert await models.fetch(new_id(), bytes_max=len(MODEL)) == MODEL
    assert await models.fetch(new_id(), bytes_max=len(MODEL) - 1) is None
    others.announced_bytes = 1
    assert await models.fetch(new_id(), bytes_max=len(MODEL) - 1) is None


async def test_a_model_that_is_gone_is_none_and_a_storage_that_fails_says_so(
    models: HttpModels, others: Others
) -> None:
    others.status = 404
    assert await models.fetch(new_id(), bytes_max=1000) is None
    others.status = 500
    with pytest.raises(Unavailable):
        await models.fetch(new_id(), bytes_max=1000)
