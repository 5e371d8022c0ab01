"""The topology's files must tell one story: the same services, ports and metrics, nothing open to the network."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from system.plumbing.settings import ServiceSettings
from tools.prepare import images, ports, topology
from tools.prepare.names import SERVICES

DEPLOY = Path(__file__).resolve().parents[1]
SYSTEM = DEPLOY.parent
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
COMPONENTS: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: spec for name, spec in COMPONENTS.items() if "ALEXANDRITE_IMAGE_SYSTEM" in spec["image"]}
ROUTES = (DEPLOY / "traefik" / "routes.yaml").read_text(encoding="utf-8")
PLACES = (DEPLOY / "traefik" / "services.yaml").read_text(encoding="utf-8")
GATEWAY: dict[str, Any] = yaml.safe_load((DEPLOY / "traefik" / "traefik.yaml").read_text(encoding="utf-8"))
SLOT: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.slot.yaml").read_text(encoding="utf-8"))
ENVIRONMENT: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.environment.yaml").read_text(encoding="utf-8"))
CLUSTER: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.cluster.yaml").read_text(encoding="utf-8"))
PROMETHEUS: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yaml").read_text(encoding="utf-8"))
PROCESSES: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "host.rules.yaml").read_text(encoding="utf-8"))


def test_every_service_runs_in_the_topology() -> None:
    serving = {name for name, spec in OURS.items() if spec["command"][-1] == "serve"}
    assert serving - {"files-worker"} == set(SERVICES)


def test_the_worker_of_files_is_one_by_its_role_which_an_older_release_ignores() -> None:
    """The previous release is started with this very topology: a command it does not know would keep its slot from coming up."""
    worker = COMPONENTS["files-worker"]
    assert worker["command"] == COMPONENTS["files"]["command"] and worker["volumes"] == COMPONENTS["files"]["volumes"]
    assert worker["environment"] == COMPONENTS["files"]["environment"] | {"ALEXANDRITE_ROLES": "levels"}


@pytest.mark.parametrize("knows_it", [True, False], ids=["this-release", "an-older-one"])
def test_a_release_that_has_no_observability_runs_something_well_in_its_place(
    knows_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The previous release is started with this very topology, as above."""
    interpreter, option, program, last = COMPONENTS["observability"]["command"]
    assert (interpreter, option, last) == ("python3", "-c", "serve")
    ran: list[str] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name if knows_it else None)
    monkeypatch.setattr("runpy.run_module", lambda name, run_name: ran.append(name))
    monkeypatch.setattr("system.plumbing.runtime.Service.serve", lambda self: ran.append(self.settings.service))
    monkeypatch.setenv("ALEXANDRITE_SERVICE", COMPONENTS["observability"]["environment"]["ALEXANDRITE_SERVICE"])
    exec(compile(program, "compose.yaml", "exec"), {})  # noqa: S102 - it is our own file that is judged
    assert ran == ["system.observability" if knows_it else "observability"]


def test_whoever_keeps_telemetry_sends_itself_none() -> None:
    endpoints = {name: spec["environment"].get("ALEXANDRITE_OTLP_ENDPOINT") for name, spec in OURS.items()}
    assert endpoints.pop("observability") == ""
    assert set(endpoints.values()) == {"http://observability:8000"}


@pytest.mark.parametrize("text", [ROUTES, PLACES], ids=["routes", "services"])
def test_gateway_routes_exactly_the_services(text: str) -> None:
    lists = re.findall(r"range \$service := list ((?:\"[a-z]+\" ?)+)", text)
    assert len(lists) == 1, "the routes are made from one list of services per file"
    assert set(re.findall(r'"([a-z]+)"', lists[0])) == set(SERVICES)


def test_gateway_reads_both_files_where_the_image_has_them() -> None:
    directory = GATEWAY["providers"]["file"]["directory"]
    dockerfile = (SYSTEM / "images" / "traefik" / "Dockerfile").read_text(encoding="utf-8")
    assert f"routes.yaml services.yaml {directory}/" in dockerfile
    mounted = ENVIRONMENT["services"]["traefik"]["volumes"]
    assert [volume.split(":")[-2] for volume in mounted] == [directory], "an environment lays its own directory over it"


def test_gateway_says_nothing_of_itself_to_the_outside() -> None:
    assert GATEWAY["api"] == {"dashboard": False}, "neither pages nor an insecure entry point"
    assert "api@internal" not in ROUTES + PLACES
    for published in ENVIRONMENT["services"]["traefik"]["ports"]:
        assert published.startswith("127.0.0.1:")


def test_slot_runs_exactly_the_services_that_stay() -> None:
    staying = {name for name, spec in OURS.items() if spec["restart"] != "no"}
    assert set(SLOT["services"]) == staying


def test_slot_talks_to_itself_and_changes_nothing_else() -> None:
    for spec in SLOT["services"].values():
        assert set(spec) == {"labels", "environment", "volumes"}
        assert spec["environment"] == {
            "ALEXANDRITE_SLOT": "${ALEXANDRITE_SLOT}",
            "ALEXANDRITE_SERVICES_URL_TEMPLATE": "http://${COMPOSE_PROJECT_NAME}-{service}-1:8000",
        }
        looked_for = ServiceSettings.model_fields["steering_directory"].default
        assert spec["volumes"] == [f"${{ALEXANDRITE_STEERING:?}}:{looked_for}:ro"]
    assert SLOT["networks"]["default"]["external"] is True


def test_environment_changes_only_what_slots_need() -> None:
    assert set(ENVIRONMENT["services"]) == {"traefik", "prometheus"}


def test_every_client_of_the_broker_is_told_of_all_three_nodes() -> None:
    clients = {
        name for name, spec in CLUSTER["services"].items() if "ALEXANDRITE_BROKER_HOSTS" in spec.get("environment", {})
    }
    assert clients >= set(SLOT["services"]) - {"observability"} | {"declare"}
    for name in clients:
        told = CLUSTER["services"][name]["environment"]["ALEXANDRITE_BROKER_HOSTS"]
        assert told.split(",") == list(topology.CLUSTER_NODES)


def test_nodes_have_one_image_and_confinement_and_know_each_other_by_the_configured_names() -> None:
    conf = (SYSTEM / "images" / "rabbitmq" / "cluster.conf").read_text(encoding="utf-8")
    names = re.findall(r"classic_config\.nodes\.\d = (\S+)", conf)
    assert names == [f"rabbit@{node}" for node in topology.CLUSTER_NODES]
    single = COMPONENTS["rabbitmq"]
    for node in topology.CLUSTER_NODES:
        spec = CLUSTER["services"][node]
        assert spec["environment"]["RABBITMQ_NODENAME"] == f"rabbit@{node}"
        assert "khepri_db" in spec["environment"]["RABBITMQ_FEATURE_FLAGS"]
    for node in topology.CLUSTER_NODES[1:]:
        spec = CLUSTER["services"][node]
        assert spec["hostname"] == node and "ports" not in spec, "only the first node is published"
        same = ("image", "read_only", "user", "cap_drop", "security_opt", "pull_policy", "restart", "init", "tmpfs")
        assert {key: spec[key] for key in same} == {key: single[key] for key in same}
        assert {key: spec[key] for key in ("mem_limit", "logging", "healthcheck", "stop_grace_period")} == {
            key: single[key] for key in ("mem_limit", "logging", "healthcheck", "stop_grace_period")
        }
        assert spec["volumes"] == [f"{node}:/var/lib/rabbitmq", single["volumes"][1]]


def test_prometheus_reads_the_further_nodes_too() -> None:
    [group] = json.loads((DEPLOY / "prometheus" / "brokers.cluster.json").read_text(encoding="utf-8"))
    assert group["targets"] == [f"{node}:15692" for node in topology.CLUSTER_NODES[1:]]
    [mounted] = CLUSTER["services"]["prometheus"]["volumes"]
    assert mounted.startswith("./prometheus/brokers.cluster.json:") and mounted.endswith(".json:ro")


def test_queues_are_declared_when_all_nodes_are_there() -> None:
    waited_for = set(CLUSTER["services"]["declare"]["depends_on"]) | set(COMPONENTS["declare"]["depends_on"])
    assert waited_for >= set(topology.CLUSTER_NODES)


@pytest.mark.parametrize("hidden", ["/internal", "/metrics", "/health", "/v1/traces", "/v1/logs"])
def test_gateway_names_no_hidden_path(hidden: str) -> None:
    rules = re.findall(r"rule: (.+)", ROUTES)
    assert rules and not [rule for rule in rules if hidden in rule]


def test_every_page_has_one_owner_and_the_front_page_is_the_shops() -> None:
    owners = dict(re.findall(r'"([a-z-]+)" "((?:Path|PathPrefix|PathRegexp)\(.+)"', ROUTES))
    exact = {service: re.findall(r"\bPath\(`([^`]+)`\)", rule) for service, rule in owners.items()}
    every = [path for paths in exact.values() for path in paths]
    assert len(every) == len(set(every)) and len(owners) == 12
    assert {"/", "/shop", "/robots.txt", "/sitemap.xml"} <= set(exact["shop"])
    assert "PathPrefix(`/shop/`)" in owners["shop"] and "PathPrefix(`/`)" not in ROUTES


def test_every_process_of_ours_is_scraped() -> None:
    services = next(job for job in PROMETHEUS["scrape_configs"] if job["job_name"] == "services")
    running = {name for name, spec in OURS.items() if spec["command"][-1] in ("serve", "work")}
    assert set(services["dns_sd_configs"][0]["names"]) == running
    rules = [rule for group in PROCESSES["groups"] for rule in group["rules"]]
    missing = next(rule for rule in rules if rule.get("alert") == "ServiceMissing")
    assert f"< {len(running | {'observability'})} " in missing["expr"], (
        "the alert must know how many processes there should be"
    )


@pytest.mark.parametrize("name", COMPONENTS)
def test_component_is_confined(name: str) -> None:
    spec = COMPONENTS[name]
    assert spec["read_only"] is True and spec["user"] == "10001:10001" and spec["cap_drop"] == ["ALL"]
    assert spec["mem_limit"] and spec["logging"]["options"]["max-size"]
    assert spec["pull_policy"] == "never", "an image that was not built here must not be fetched in silence"
    for published in spec.get("ports", []):
        assert published.startswith("127.0.0.1:"), f"{published} would be open to the network"


def test_long_work_yields_to_whoever_waits_for_a_page() -> None:
    shares = {name: spec.get("cpu_shares", 1024) for name, spec in COMPONENTS.items()}
    assert shares["files-worker"] < shares["pricing-worker"]
    assert shares["pricing-worker"] < shares["s3"] < min(shares[name] for name in ("mes", "crm", "shop", "postgres"))


@pytest.mark.parametrize(
    "name", [name for name, spec in COMPONENTS.items() if "restart" in spec and spec["restart"] != "no"]
)
def test_component_that_stays_has_a_health_check(name: str) -> None:
    assert COMPONENTS[name]["healthcheck"]["test"][0] == "CMD", "a shell per check would cost the shared cores"


def test_compose_publishes_exactly_the_known_ports() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    published = set(re.findall(r"127\.0\.0\.1:\$\{ALEXANDRITE_PORT_([A-Z0-9]+):-(\d+)\}", text))
    assert published == {(name.upper(), str(port)) for name, port in ports.DEFAULTS.items()}


def test_compose_uses_exactly_the_built_images() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    used = set(re.findall(r"image: \$\{ALEXANDRITE_IMAGE_([A-Z]+):", text))
    assert used == {image.name.upper() for image in images.ALL if image is not images.PYTHON}


def test_letters_go_to_the_mailbox_and_it_is_read_on_this_machine_alone() -> None:
    told = {name for name, spec in OURS.items() if "ALEXANDRITE_SMTP_HOST" in spec["environment"]}
    assert told == {"identity", "shop", "observability"}
    for name in told:
        environment = COMPONENTS[name]["environment"]
        assert environment["ALEXANDRITE_SMTP_HOST"] in COMPONENTS and environment["ALEXANDRITE_SMTP_PORT"] == "1025"
    [published] = COMPONENTS["mailbox"]["ports"]
    assert published.startswith("127.0.0.1:") and published.endswith(":8025"), "SMTP itself is published nowhere"


def test_the_gateways_log_holds_no_path() -> None:
    dropped = GATEWAY["accessLog"]["fields"]["names"]
    assert dropped == {"RequestPath": "drop", "RequestLine": "drop"}, "a path may be somebody's private link"


def test_only_the_files_service_and_jobs_hold_storage_credentials() -> None:
    holders = {name for name, spec in OURS.items() if "ALEXANDRITE_S3_ACCESS_KEY" in spec["environment"]}
    assert {name for name in holders if COMPONENTS[name]["restart"] != "no"} == {"files", "files-worker"}


def test_pages_that_show_models_know_where_browsers_read_them() -> None:
    outside = {name: spec["environment"].get("ALEXANDRITE_S3_PUBLIC_URL") for name, spec in OURS.items()}
    assert (
        outside["shop"]
        == outside["mes"]
        == outside["crm"]
        == outside["files"]
        == "https://localhost:${ALEXANDRITE_PORT_S3:-8444}"
    )


@pytest.mark.parametrize("name", SERVICES)
def test_service_sees_its_own_secrets_only(name: str) -> None:
    assert COMPONENTS[name]["volumes"] == [f"${{ALEXANDRITE_STATE}}/secrets/{name}:/run/alexandrite:ro"]
