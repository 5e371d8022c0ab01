"""Which slot answers: weights for everybody, a header for the pipeline. Written as a file that the gateway watches.

    set_routing(environment, Routing({"blue": 95, "green": 5}, ring="green"))    returns when it is in force, by the gateway's word
    in_force(environment)    what the gateway does now        written(environment)   what the file says
    answers(environment)     who answered how often, and with how many errors, since the gateway started

The same shares go to the services as their part of the queued work (`work.json`): a candidate takes as much of it as of the traffic.

One file holds weights and ring together, so that one rename changes both: two files would be read one after the other, and a
route to a slot that is not there yet would be an error in between.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import yaml

from release.environments import DEPLOY, RING_HEADER, SLOTS, Environment
from release.errors import DeploymentFailed, NotReady
from tools.prepare import state
from tools.prepare.names import SERVICES

ROUTES_FILE = DEPLOY / "traefik" / "routes.yaml"
WRITTEN_FILE = "services.yaml"
STATUS_FILE = "status.yaml"
WORK_FILE = "work.json"
IN_FORCE_WITHIN_S = 15.0
POLL_S = 0.1
# A service that answered nobody for this long has ended what it was asked; what takes longer is waited for after SIGTERM.
QUIET_S = 1.0
ASK_TIMEOUT_S = 5.0
PROBE_PATH = "/api/shop/v1/products"
# Beside their API: the services' pages, and those that stream to them. A stream lasts for minutes, so it is a service of its own to
# the gateway, whose name ends in no slot: what is counted and timed of a slot is answers only.
PAGES: Mapping[str, tuple[str, ...]] = {
    "crm": ("/crm/",),
    "identity": ("/sign-in", "/sign-up", "/sign-out", "/account", "/people"),
    "mes": ("/mes/",),
    "observability": ("/observability/",),
    "orchestrator": ("/operations/",),
    "pricing": ("/prices/",),
    "shop": ("/shop/",),
}
STREAMING = ("crm", "mes", "observability", "pricing", "shop")
# Longer than any rule of routes.yaml, whose length is its priority.
RING_PRIORITY = 10_000
_COUNTER = re.compile(r"^traefik_service_requests_total\{(?P<labels>[^}]*)\} (?P<value>[0-9.e+]+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Routing:
    """Percent of the traffic per slot, 100 in all, or nothing while the environment is closed; and whom the ring header reaches."""

    weights: Mapping[str, int] = field(default_factory=dict)
    ring: str | None = None

    def __post_init__(self) -> None:
        given = {slot: weight for slot, weight in self.weights.items() if weight}
        unknown = (set(self.weights) | ({self.ring} if self.ring else set())) - set(SLOTS)
        if unknown:
            raise ValueError(f"no slots: {sorted(unknown)}")
        if any(weight < 0 for weight in given.values()) or sum(given.values()) not in (0, 100):
            raise ValueError(
                f"weights are percent and make 100 in all, or there are none; given are {dict(self.weights)}"
            )
        object.__setattr__(self, "weights", MappingProxyType(dict(sorted(given.items()))))

    @property
    def slots(self) -> tuple[str, ...]:
        """Every slot that somebody can reach."""
        return tuple(slot for slot in SLOTS if slot in self.weights or slot == self.ring)

    def __str__(self) -> str:
        shares = ", ".join(f"{slot} {weight} %" for slot, weight in self.weights.items()) or "closed"
        return f"{shares}; ring header to {self.ring}" if self.ring else shares


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a slot answered through the gateway, and how often with 5xx (the gateway's own 502, 503, 504 among them)."""

    requests: int = 0
    errors: int = 0


# -- writing ----------------------------------------------------------------------------------------------------------


def render(environment: Environment, routing: Routing) -> str:
    """The gateway's dynamic file for this routing. The same routing gives the same text."""
    http: dict[str, Any] = {
        "services": {"s3": {"loadBalancer": {"passHostHeader": True, "servers": [_url("s3:8333")]}}}
    }
    for service in SERVICES:
        http["services"][service] = _weighted(service, routing)
        for slot in routing.slots:
            http["services"][f"{service}-{slot}"] = _slot_service(environment, slot, service)
    for service in STREAMING:
        http["services"][f"{service}-live"] = _weighted(service, routing, suffix="-live")
        for slot in routing.slots:
            http["services"][f"{service}-{slot}-live"] = _slot_service(environment, slot, service)
    if routing.ring:
        # The services need not know the secret.
        hidden = {"headers": {"customRequestHeaders": {RING_HEADER: ""}}}
        http["middlewares"] = {"ring": hidden}
        http["routers"] = {f"{service}-ring": _ring(environment, routing.ring, service) for service in SERVICES}
    return f"# {routing}. Written by the pipeline; what is changed here by hand is put back.\n" + yaml.safe_dump(
        {"http": http}, sort_keys=True
    )


def _weighted(service: str, routing: Routing, *, suffix: str = "") -> dict[str, Any]:
    if not routing.weights:
        return {"loadBalancer": {"servers": []}}
    shares = [{"name": f"{service}-{slot}{suffix}", "weight": weight} for slot, weight in routing.weights.items()]
    # A slot that stopped answering passes its share to the other one.
    return {"weighted": {"healthCheck": {}, "services": shares}}


def _slot_service(environment: Environment, slot: str, service: str) -> dict[str, Any]:
    return {
        "loadBalancer": {
            "serversTransport": "services",
            # Patient with a busy machine: one check that fails takes the slot out. A process that is gone refuses at once.
            "healthCheck": {"path": "/health/live", "interval": "5s", "timeout": "4s"},
            "servers": [_url(f"{environment.container(slot, service)}:8000")],
        }
    }


def _ring(environment: Environment, slot: str, service: str) -> dict[str, Any]:
    secret = environment.ring_secret
    paths = " || ".join(f"PathPrefix(`{path}`)" for path in (f"/api/{service}/v1/", *PAGES.get(service, ())))
    return {
        "rule": f"Header(`{RING_HEADER}`, `{secret}`) && ({paths})",
        "priority": RING_PRIORITY,
        "entryPoints": ["websecure", "web"],
        "middlewares": ["ring", "safe"],
        "service": f"{service}-{slot}",
    }


def _url(address: str) -> dict[str, str]:
    return {"url": f"http://{address}"}


def lay_out(environment: Environment) -> None:
    """The routes that every system has, the gateway's own status, and, where there is nothing yet, a closed door."""
    environment.routes.mkdir(parents=True, exist_ok=True)
    # Read by the gateway's own user, through the mount; the environment's directory keeps others out on the host.
    environment.steering.mkdir(parents=True, exist_ok=True)
    for directory in (environment.routes, environment.steering):
        directory.chmod(0o755)
    _put(environment.routes / "routes.yaml", ROUTES_FILE.read_text(encoding="utf-8"))
    status = {"rule": "PathPrefix(`/api`)", "entryPoints": ["internal"], "service": "api@internal"}
    _put(environment.routes / STATUS_FILE, yaml.safe_dump({"http": {"routers": {"status": status}}}))
    if not (environment.routes / WRITTEN_FILE).is_file():
        write(environment, Routing())


def _put(path: Path, text: str) -> bool:
    if path.is_dir():
        shutil.rmtree(path)
    if path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text:
        return False
    state.write_file(path, text)
    return True


def write(environment: Environment, routing: Routing) -> bool:
    """Writes the file by a rename, if it says anything else now. The gateway acts on it a moment later."""
    # The work first: a candidate that loses its traffic loses its orders no later.
    steered = _put(environment.steering / WORK_FILE, steer(environment, routing))
    return _put(environment.routes / WRITTEN_FILE, render(environment, routing)) or steered


def steer(environment: Environment, routing: Routing) -> str:
    """What the services are told: percent of the queued work per slot, evenly while the environment is closed."""
    work = dict(routing.weights)
    if work and routing.ring and routing.ring not in work and environment.ring_work:
        rest = 100 - environment.ring_work
        work = {slot: weight * rest // 100 for slot, weight in work.items()} | {routing.ring: environment.ring_work}
    return json.dumps(work, sort_keys=True) + "\n"


def written(environment: Environment) -> Routing | None:
    """The routing that the files hold; None when they are not exactly what this module writes for some routing."""
    try:
        steered = (environment.steering / WORK_FILE).read_text(encoding="utf-8")
        text = (environment.routes / WRITTEN_FILE).read_text(encoding="utf-8")
        http = yaml.safe_load(text)["http"]
        routing = _read(http["services"], http.get("routers", {}))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError):
        return None
    if routing is None or (render(environment, routing), steer(environment, routing)) != (text, steered):
        return None
    return routing


def _read(services: Mapping[str, Any], routers: Mapping[str, Any]) -> Routing | None:
    """The routing of services and routers by name; None when the services disagree among each other."""
    found = set()
    for service in SERVICES:
        shares = services[service].get("weighted", {}).get("services", [])
        weights = tuple(sorted((share["name"].rpartition("-")[2], int(share["weight"])) for share in shares))
        ring = routers.get(f"{service}-ring")
        found.add((weights, ring["service"].rpartition("-")[2] if ring else None))
    if len(found) != 1:
        return None
    weights, ring = found.pop()
    return Routing(dict(weights), ring)


# -- asking the gateway --------------------------------------------------------------------------------------------------


def in_force(environment: Environment) -> Routing | None:
    """What the gateway does, by its own word; None when it does not answer or its services disagree."""
    try:
        with httpx.Client(base_url=environment.gateway_url, timeout=ASK_TIMEOUT_S) as client:
            # All on one page: there are two of each service, two routers of each, and a few more.
            services = client.get("/api/http/services", params={"per_page": 1000}).raise_for_status().json()
            routers = client.get("/api/http/routers", params={"per_page": 1000}).raise_for_status().json()
        return _read(_by_name(services), _by_name(routers))
    except (httpx.HTTPError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _by_name(listed: list[dict[str, Any]]) -> dict[str, Any]:
    return {str(entry["name"]).removesuffix("@file"): entry for entry in listed if entry.get("status") != "disabled"}


def set_routing(environment: Environment, routing: Routing, *, timeout_s: float = IN_FORCE_WITHIN_S) -> float:
    """Writes the routing and returns, with the seconds it took, when the gateway obeys. Raises DeploymentFailed when it does not.

    After a failure the file holds the new routing: the gateway may still take it over, and the next round tries again.
    """
    started = time.monotonic()
    write(environment, routing)
    while in_force(environment) != routing:
        if time.monotonic() - started > timeout_s:
            raise DeploymentFailed(
                f"The gateway of {environment.name} has not taken over `{routing}` within {timeout_s:.0f} s.",
                remedy=f"Its log says why: docker logs {environment.project}-traefik-1",
            )
        time.sleep(POLL_S)
    return time.monotonic() - started


def answers(environment: Environment) -> dict[str, Counts]:
    """Per slot, what the gateway counted since it started. Raises NotReady when it does not answer."""
    try:
        text = httpx.get(f"{environment.gateway_url}/metrics", timeout=ASK_TIMEOUT_S).raise_for_status().text
    except httpx.HTTPError as error:
        raise NotReady(f"The gateway of {environment.name} does not answer: {error}.") from error
    return count(text)


def count(metrics: str) -> dict[str, Counts]:
    """The gateway's metrics, summed by slot."""
    sums = {slot: [0, 0] for slot in SLOTS}
    for match in _COUNTER.finditer(metrics):
        labels = dict(_LABEL.findall(match["labels"]))
        service, _, slot = labels.get("service", "").removesuffix("@file").rpartition("-")
        if service in SERVICES and slot in SLOTS:
            sums[slot][0] += int(float(match["value"]))
            sums[slot][1] += int(float(match["value"])) if labels.get("code", "").startswith("5") else 0
    return {slot: Counts(requests, errors) for slot, (requests, errors) in sums.items()}


def served(environment: Environment, *, requests: int = 200, path: str = PROBE_PATH) -> dict[str, int]:
    """Sends `requests` through the gateway as anybody would, and returns how many each slot answered meanwhile (other people's too).

    Raises DeploymentFailed when one of them is not answered with 200.
    """
    before = answers(environment)
    trust = ssl.create_default_context(cafile=str(environment.ca_file))
    with httpx.Client(base_url=environment.url, verify=trust, timeout=ASK_TIMEOUT_S) as client:
        for _ in range(requests):
            status = client.get(path).status_code
            if status != 200:
                raise DeploymentFailed(f"The gateway of {environment.name} answered {path} with {status}.")
    after = _settled(environment, sum(counts.requests for counts in before.values()) + requests)
    return {slot: after[slot].requests - before[slot].requests for slot in SLOTS}


def _settled(environment: Environment, expected: int) -> dict[str, Counts]:
    """The counters once they hold at least `expected` requests: they are written a moment after the answer."""
    deadline = time.monotonic() + QUIET_S
    while True:
        found = answers(environment)
        if sum(counts.requests for counts in found.values()) >= expected or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)


def wait_drained(environment: Environment, slot: str, *, timeout_s: float = 30.0) -> float:
    """Returns when the gateway has had no answer of this slot for a second, or does not answer itself: then nobody waits for it.

    After `timeout_s` it returns nevertheless; the services end what they are asked before they stop. Seconds taken.
    """
    started = quiet_since = time.monotonic()
    last = math.nan
    while time.monotonic() - started < timeout_s and time.monotonic() - quiet_since < QUIET_S:
        try:
            current = answers(environment)[slot].requests
        except NotReady:
            break
        if current != last:
            last, quiet_since = current, time.monotonic()
        time.sleep(POLL_S)
    return time.monotonic() - started
