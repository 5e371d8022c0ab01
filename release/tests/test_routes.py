"""The gateway's file and what the gateway says of itself: rendering, reading back, and waiting for the truth."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import routes
from release.environments import BLUE, GREEN, RING_HEADER, Environment
from release.errors import DeploymentFailed, NotReady
from release.routes import Counts, Routing
from release.tests import places
from tools.prepare.names import SERVICES

HALVES = Routing({BLUE: 50, GREEN: 50})
CANARY = Routing({BLUE: 95, GREEN: 5}, ring=GREEN)
EVERY = [Routing(), Routing({BLUE: 100}), Routing({BLUE: 100}, ring=GREEN), Routing({}, ring=BLUE), HALVES, CANARY]


@pytest.fixture
def production(tmp_path: Path) -> Environment:
    made = places.environment(tmp_path)
    routes.lay_out(made)
    return made


def http_of(production: Environment, routing: Routing) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(routes.render(production, routing))["http"]
    return found


# -- what is written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", [{BLUE: 95}, {BLUE: 95, GREEN: 6}, {BLUE: 101, GREEN: -1}, {"red": 100}])
def test_weights_are_percent_of_slots_that_exist(weights: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"slots|percent"):
        Routing(weights)
    with pytest.raises(ValueError, match="slots"):
        Routing({BLUE: 100}, ring="red")


def test_a_slot_without_weight_is_the_same_as_one_not_named() -> None:
    assert Routing({BLUE: 100, GREEN: 0}) == Routing({BLUE: 100})


@pytest.mark.parametrize("routing", EVERY, ids=str)
def test_every_service_is_routed_by_the_same_weights(production: Environment, routing: Routing) -> None:
    services = http_of(production, routing)["services"]
    assert "s3" in services
    for service in SERVICES:
        shares = services[service].get("weighted", {}).get("services", [])
        assert {share["name"]: share["weight"] for share in shares} == {
            f"{service}-{slot}": weight for slot, weight in routing.weights.items()
        }


@pytest.mark.parametrize("routing", EVERY, ids=str)
def test_streams_go_where_answers_go_and_are_counted_with_nobodys(production: Environment, routing: Routing) -> None:
    services = http_of(production, routing)["services"]
    for service in routes.STREAMING:
        shares = services[f"{service}-live"].get("weighted", {}).get("services", [])
        assert {share["name"]: share["weight"] for share in shares} == {
            f"{service}-{slot}-live": weight for slot, weight in routing.weights.items()
        }
        for share in shares:
            slot = share["name"].split("-")[1]
            assert services[share["name"]] == services[f"{service}-{slot}"]
            counter = f'traefik_service_requests_total{{code="200",service="{share["name"]}@file"}} 7'
            assert routes.count(counter) == {BLUE: Counts(), GREEN: Counts()}


def test_the_ring_header_reaches_the_candidates_pages_too(production: Environment) -> None:
    routers = http_of(production, CANARY)["routers"]
    common = routes.ROUTES_FILE.read_text(encoding="utf-8")
    for service, paths in routes.PAGES.items():
        for path in paths:
            assert f"PathPrefix(`{path}`)" in routers[f"{service}-ring"]["rule"]
            assert f"`{path}`" in common


def test_a_slot_is_reached_by_its_containers_and_asked_whether_it_lives(production: Environment) -> None:
    service = http_of(production, HALVES)["services"]["shop-green"]["loadBalancer"]
    assert service["servers"] == [{"url": "http://shining-production-green-shop-1:8000"}]
    assert service["healthCheck"]["path"] == "/health/live"


def test_nobody_reaches_a_slot_that_has_neither_weight_nor_ring(production: Environment) -> None:
    assert "green" not in routes.render(production, Routing({BLUE: 100}))


def test_ring_header_reaches_the_candidate_before_any_weight_does(production: Environment) -> None:
    http = http_of(production, Routing({BLUE: 100}, ring=GREEN))
    for service in SERVICES:
        router = http["routers"][f"{service}-ring"]
        assert router["service"] == f"{service}-green"
        assert f"`{places.RING_SECRET}`" in router["rule"] and f"/api/{service}/v1/" in router["rule"]
        assert router["priority"] > len(router["rule"]), "it comes before the routes for everybody"
    assert http["middlewares"]["ring"]["headers"]["customRequestHeaders"] == {RING_HEADER: ""}


def test_without_a_candidate_no_header_leads_anywhere(production: Environment) -> None:
    assert "routers" not in http_of(production, Routing({BLUE: 100}))
    assert places.RING_SECRET not in routes.render(production, HALVES)


def test_an_environment_has_the_common_routes_and_its_gateway_answers_inside_only(production: Environment) -> None:
    assert (production.routes / "routes.yaml").read_text() == routes.ROUTES_FILE.read_text()
    status = yaml.safe_load((production.routes / routes.STATUS_FILE).read_text())["http"]["routers"]["status"]
    assert status["entryPoints"] == ["internal"]


# -- what is read back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("routing", EVERY, ids=str)
def test_what_is_written_is_read_back(production: Environment, routing: Routing) -> None:
    routes.write(production, routing)
    assert routes.written(production) == routing
    assert routes.write(production, routing) is False, "nothing to write, nothing for the gateway to read again"


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("weight: 95", "weight: 90", 1),
        lambda text: text.replace("weight: 95", "weight: 90"),
        lambda text: text.replace("shining-production-green-shop-1", "elsewhere"),
        lambda text: text + "# a remark\n",
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "[]",
        lambda _: "http: {}",
        lambda _: "{",
    ],
)
def test_a_file_edited_by_hand_is_not_ours(production: Environment, edit: Any) -> None:
    path = production.routes / routes.WRITTEN_FILE
    path.write_text(edit(routes.render(production, CANARY)))
    assert routes.written(production) is None


def test_a_file_that_is_gone_is_not_ours(production: Environment) -> None:
    (production.routes / routes.WRITTEN_FILE).unlink()
    assert routes.written(production) is None


def test_a_candidate_in_the_ring_works_where_no_customer_is(production: Environment) -> None:
    ring = Routing({BLUE: 100}, ring=GREEN)

    def work(environment: Environment, routing: Routing) -> Any:
        return json.loads(routes.steer(environment, routing))

    assert work(production, ring) == {BLUE: 100}
    dev = replace(production, ring_work=50)
    assert work(dev, ring) == {BLUE: 50, GREEN: 50}
    assert work(dev, CANARY) == {BLUE: 95, GREEN: 5}
    assert work(dev, Routing({BLUE: 100})) == {BLUE: 100}
    assert work(dev, Routing({}, ring=BLUE)) == {}


@pytest.mark.parametrize("text", ["", '{"blue": 50, "green": 50}\n', None])
def test_work_that_is_shared_otherwise_than_the_traffic_is_drift(production: Environment, text: str | None) -> None:
    routes.write(production, CANARY)
    path = production.steering / routes.WORK_FILE
    assert json.loads(path.read_text()) == dict(CANARY.weights)
    path.unlink() if text is None else path.write_text(text)
    assert routes.written(production) is None
    assert routes.write(production, CANARY) is True
    assert routes.written(production) == CANARY


# -- what the gateway says ----------------------------------------------------------------------------------------------


class PaperGateway:
    """Answers as the gateway's own entry point does, with the routing it was last told, or not at all."""

    def __init__(self) -> None:
        gateway = self
        self.routing: Routing | None = Routing()
        self.after_requests: tuple[int, Routing] | None = None
        self.requests = 0
        self.metrics = ""
        self.odd: dict[str, Any] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = gateway.answer(self.path)
                self.send_response(200 if body is not None else 500)
                self.send_header("Content-Length", str(len(body or "")))
                self.end_headers()
                self.wfile.write((body or "").encode())

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def answer(self, path: str) -> str | None:
        self.requests += 1
        if self.after_requests and self.requests >= self.after_requests[0]:
            self.routing = self.after_requests[1]
        if path == "/metrics":
            return self.metrics
        if self.routing is None:
            return None
        listed = self.services() if "services" in path else self.routers()
        return json.dumps(listed)

    def services(self) -> list[dict[str, Any]]:
        assert self.routing is not None
        listed: list[dict[str, Any]] = []
        for service in SERVICES:
            shares = [{"name": f"{service}-{slot}", "weight": weight} for slot, weight in self.routing.weights.items()]
            kind = {"weighted": {"services": shares}} if shares else {"loadBalancer": {"servers": None}}
            listed.append({"name": f"{service}@file", "status": "enabled"} | kind | self.odd.get(service, {}))
        return [*listed, {"name": "s3@file", "status": "enabled", "loadBalancer": {}}]

    def routers(self) -> list[dict[str, Any]]:
        assert self.routing is not None
        ring = self.routing.ring
        return [
            {"name": f"{service}-ring@file", "status": "enabled", "service": f"{service}-{ring}"}
            for service in SERVICES
            if ring
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def gateway() -> Iterator[PaperGateway]:
    made = PaperGateway()
    yield made
    made.close()


@pytest.fixture
def guarded(tmp_path: Path, gateway: PaperGateway) -> Environment:
    made = places.environment(tmp_path, gateway_port=gateway.port)
    routes.lay_out(made)
    return made


@pytest.mark.parametrize("routing", EVERY, ids=str)
def test_gateway_says_what_is_in_force(guarded: Environment, gateway: PaperGateway, routing: Routing) -> None:
    gateway.routing = routing
    assert routes.in_force(guarded) == routing


def test_services_that_disagree_are_in_no_routing(guarded: Environment, gateway: PaperGateway) -> None:
    gateway.routing = HALVES
    gateway.odd["shop"] = {"weighted": {"services": [{"name": "shop-blue", "weight": 100}]}}
    assert routes.in_force(guarded) is None


def test_a_service_that_the_gateway_could_not_build_is_not_in_force(
    guarded: Environment, gateway: PaperGateway
) -> None:
    gateway.routing = HALVES
    gateway.odd["shop"] = {"status": "disabled"}
    assert routes.in_force(guarded) is None


def test_a_gateway_that_does_not_answer_says_nothing(guarded: Environment, gateway: PaperGateway) -> None:
    gateway.routing = None
    assert routes.in_force(guarded) is None


def test_new_weights_count_only_when_the_gateway_obeys(guarded: Environment, gateway: PaperGateway) -> None:
    gateway.after_requests = (5, CANARY)
    routes.set_routing(guarded, CANARY, timeout_s=10)
    assert gateway.requests >= 5 and routes.written(guarded) == CANARY


def test_a_gateway_that_does_not_obey_is_a_failed_deployment(guarded: Environment) -> None:
    with pytest.raises(DeploymentFailed, match="has not taken over"):
        routes.set_routing(guarded, CANARY, timeout_s=0.2)


METRICS = """\
# TYPE traefik_service_requests_total counter
traefik_service_requests_total{code="200",method="GET",protocol="http",service="shop-blue@file"} 90
traefik_service_requests_total{code="502",method="GET",protocol="http",service="shop-blue@file"} 2
traefik_service_requests_total{code="200",method="POST",protocol="http",service="identity-green@file"} 1.5e+01
traefik_service_requests_total{code="200",method="GET",protocol="http",service="s3@file"} 7
traefik_service_requests_total{code="200",method="GET",protocol="http",service="prometheus@internal"} 7
traefik_router_requests_total{code="200",method="GET",protocol="http",service="shop-blue@file"} 1000
"""


def test_answers_and_errors_are_counted_by_slot(guarded: Environment, gateway: PaperGateway) -> None:
    gateway.metrics = METRICS
    assert routes.answers(guarded) == {BLUE: Counts(92, 2), GREEN: Counts(15, 0)}
    assert routes.count("") == {BLUE: Counts(), GREEN: Counts()}


def test_counters_of_a_gateway_that_is_down_are_unknown_not_zero(tmp_path: Path) -> None:
    # Nobody listens on a port that was free a moment ago.
    closed = PaperGateway()
    closed.close()
    with pytest.raises(NotReady):
        routes.answers(places.environment(tmp_path, gateway_port=closed.port))


def test_a_slot_is_drained_when_its_count_stands_still(
    guarded: Environment, gateway: PaperGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "QUIET_S", 0.3)
    gateway.metrics = METRICS
    assert 0.3 <= routes.wait_drained(guarded, BLUE, timeout_s=5) < 5


def test_a_slot_that_is_never_quiet_is_waited_for_only_so_long(
    guarded: Environment, gateway: PaperGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "QUIET_S", 0.3)
    busy = iter(range(1, 100_000))
    monkeypatch.setattr(gateway, "answer", lambda _: METRICS.replace(" 90", f" {next(busy)}"))
    assert 0.8 <= routes.wait_drained(guarded, BLUE, timeout_s=0.8) < 5
