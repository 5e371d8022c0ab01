"""The running services' OpenAPI equals the frozen files, and random valid and invalid requests are answered as they say."""

from __future__ import annotations

import json
import os
import secrets
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contracts.freeze import ROOT, SERVICES
from step_defs.drivers.address import SystemAddress, trust

pytestmark = pytest.mark.live

# These end the very session that asks, or make strangers of everybody: the scenarios cover them.
LEFT_OUT = {
    ("identity", "DELETE", "/sessions/current"),
    ("identity", "POST", "/sessions/refresh"),
    ("identity", "POST", "/sessions"),
    ("identity", "POST", "/registrations"),
    ("identity", "PUT", "/users/{user_id}/roles"),
    ("pricing", "PUT", "/price-book"),
}
EXAMPLES = int(os.environ.get("ALEXANDRITE_FUZZ_EXAMPLES", "6"))
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def frozen(service: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((ROOT / "openapi" / f"{service}.v1.json").read_text())
    return document


def operations(service: str) -> dict[str, Any]:
    """The frozen document without the operations left out."""
    document = frozen(service)
    for path, item in document["paths"].items():
        for method in list(item):
            if (service, method.upper(), path.removeprefix(f"/api/{service}/v1")) in LEFT_OUT:
                del item[method]
    document["paths"] = {path: item for path, item in document["paths"].items() if item}
    return document


@pytest.fixture(scope="session")
def everybody(system_address: SystemAddress) -> dict[str, str]:
    """Headers of somebody with every role, so that requests get past the policies and into the services."""
    with httpx.Client(base_url=system_address.url, verify=trust(system_address.ca_file), timeout=30) as http:
        admin = {"email": "anna.admin@alexandrite.example", "password": system_address.demo_password}
        token = http.post("/api/identity/v1/sessions", json=admin).raise_for_status().json()["access_token"]
        person = {
            "email": f"everybody-{uuid4().hex}@example.com",
            "name": "Everybody",
            "password": secrets.token_urlsafe(16),
            "roles": ["customer", "seller", "operator", "partner", "administrator"],
        }
        http.post(
            "/api/identity/v1/users", json=person, headers={"authorization": f"Bearer {token}"}
        ).raise_for_status()
        own = {"email": person["email"], "password": person["password"]}
        token = http.post("/api/identity/v1/sessions", json=own).raise_for_status().json()["access_token"]
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("service", SERVICES)
def test_served_contract_is_the_frozen_one(service: str, system_address: SystemAddress) -> None:
    with httpx.Client(base_url=system_address.url, verify=trust(system_address.ca_file), timeout=30) as http:
        served = http.get(f"/api/{service}/v1/openapi.json").raise_for_status().json()
    assert served == frozen(service)


@pytest.mark.parametrize(
    "path", ["/internal/messages", "/metrics", "/health/ready", "/api/shop/v1/../../../internal/messages"]
)
def test_internal_doors_are_closed(path: str, system_address: SystemAddress) -> None:
    with httpx.Client(base_url=system_address.url, verify=trust(system_address.ca_file), timeout=30) as http:
        assert http.get(path).status_code == 404


def fuzzed(service: str) -> Any:
    """A test of every operation of one service."""
    schema = schemathesis.openapi.from_dict(operations(service))

    @schema.parametrize()
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        phases=[Phase.generate],
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def test(case: Any, everybody: dict[str, str], system_address: SystemAddress) -> None:
        response = case.call(base_url=system_address.url, headers=everybody, verify=system_address.ca_file, timeout=20)
        case.validate_response(response, checks=CHECKS)

    return test


test_identity = fuzzed("identity")
test_files = fuzzed("files")
test_pricing = fuzzed("pricing")
test_shop = fuzzed("shop")
test_orchestrator = fuzzed("orchestrator")
test_crm = fuzzed("crm")
test_mes = fuzzed("mes")


def test_every_operation_is_judged_or_left_out_by_name() -> None:
    listed = {
        (service, method.upper(), path.removeprefix(f"/api/{service}/v1"))
        for service in SERVICES
        for path, item in frozen(service)["paths"].items()
        for method in item
    }
    assert listed >= LEFT_OUT
    judged = sum(len(item) for service in SERVICES for item in operations(service)["paths"].values())
    assert judged == len(listed) - len(LEFT_OUT)
