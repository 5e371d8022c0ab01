"""Environments as declared, and what preparing one leaves behind."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import yaml

from release import environments, routes, targets
from release.environments import BLUE, GREEN, PORT_NAMES, load, names, other
from release.errors import NotReady, PolicyInvalid
from release.home import Home
from release.routes import Routing
from release.tests import places
from tools.prepare import credentials, ports
from tools.prepare.names import SERVICES

TABLE = """
[environments.dev]
ports_from = 20100
shares = [100]
watch_s = 0
keep_previous_s = 0
durations = "durations.env"
"""


def declared(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "environments.toml"
    path.write_text(text)
    return path


def test_a_candidate_passes_dev_then_release_then_production() -> None:
    assert names() == ("dev", "release", "production")


def test_only_production_shares_its_traffic_and_keeps_the_previous_release(tmp_path: Path) -> None:
    loaded = {name: load(name, home=Home(tmp_path), project="shining") for name in names()}
    assert loaded["production"].shares == (5, 25, 50, 100)
    assert loaded["production"].keep_previous_s == 3600
    assert all(loaded[name].shares == (100,) and not loaded[name].keep_previous_s for name in ("dev", "release"))


def test_environments_share_neither_projects_nor_ports_nor_state(tmp_path: Path) -> None:
    loaded = [load(name, home=Home(tmp_path), project="shining") for name in names()]
    projects = [project for one in loaded for project in (one.project, one.slot_project(BLUE), one.slot_project(GREEN))]
    assert len(set(projects)) == 9 and len({one.directory for one in loaded}) == 3
    ranges = [set(range(one.ports_from, one.ports_from + 100)) for one in loaded] + [set(ports.DEFAULTS.values())]
    assert sum(map(len, ranges)) == len(set.union(*ranges)), "neither each other's nor those of `make up`"


@pytest.mark.parametrize(
    "change",
    [
        ("shares = [100]", "shares = [5, 50]"),
        ("shares = [100]", "shares = [50, 5, 100]"),
        ("shares = [100]", "shares = [0, 100]"),
        ("shares = [100]", "shares = []"),
        ("shares = [100]", "shares = [true, 100]"),
        ("watch_s = 0", "watch_s = -1"),
        ("watch_s = 0", 'watch_s = "0"'),
        ("watch_s = 0", "watch_m = 0"),
        ("watch_s = 0", ""),
        ("ports_from = 20100", "ports_from = 8000"),
        ("ports_from = 20100", "ports_from = 40000"),
        ('"durations.env"', '"durations.none.env"'),
        ("environments.dev]", 'environments."de v"]'),
        ("[environments.dev]", "[environment.dev]"),
        ("shares = [100]", "shares = [100"),
    ],
)
def test_a_declaration_that_cannot_be_obeyed_is_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    text = TABLE.replace(*change)
    assert text != TABLE
    assert load("dev", home=Home(tmp_path), project="x", declaration=declared(tmp_path, TABLE))
    with pytest.raises(PolicyInvalid):
        load("dev", home=Home(tmp_path), project="x", declaration=declared(tmp_path, text))


def test_two_environments_may_not_share_ports(tmp_path: Path) -> None:
    neighbour = TABLE.replace("dev", "release").replace("20100", "20150")
    with pytest.raises(PolicyInvalid, match="share ports"):
        names(declared(tmp_path, TABLE + neighbour))


def test_demonstration_staff_is_never_for_what_is_told_to_be_production(tmp_path: Path) -> None:
    table = TABLE.replace("environments.dev", "environments.production") + "seed = true\n"
    with pytest.raises(PolicyInvalid, match="demonstration staff"):
        load("production", home=Home(tmp_path), project="x", declaration=declared(tmp_path, table))
    told = declared(tmp_path, f'{table}told = "production-demonstration"\n')
    assert load("production", home=Home(tmp_path), project="x", declaration=told).seed


def test_an_unknown_environment_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="dev, release, production"):
        load("staging", home=Home(tmp_path), project="x")


def test_a_project_too_long_for_dns_names_is_refused(tmp_path: Path) -> None:
    assert load("production", home=Home(tmp_path), project="x" * 29)
    with pytest.raises(PolicyInvalid, match="DNS"):
        load("production", home=Home(tmp_path), project="x" * 30)


def test_there_are_two_slots() -> None:
    assert (other(BLUE), other(GREEN)) == (GREEN, BLUE)
    with pytest.raises(ValueError, match="not a slot"):
        other("red")


def test_before_prepare_nothing_is_known_of_it(tmp_path: Path) -> None:
    dev = load("dev", home=Home(tmp_path), project="shining")
    for question in (lambda: dev.url, lambda: dev.ring_secret, lambda: dev.variables()):
        with pytest.raises(NotReady, match="never been prepared"):
            question()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> environments.Environment:
    """One environment, really prepared; no engine is needed for that."""
    dev = load("dev", home=Home(tmp_path_factory.mktemp("home")), project="shining-not-there")
    dev.prepare()
    return dev


def test_prepare_makes_secrets_certificates_ports_and_a_closed_door(prepared: environments.Environment) -> None:
    assert prepared.ca_file.is_file() and len(prepared.ring_secret) == 48
    assert all(prepared.secret(service, credentials.DATABASE) for service in SERVICES)
    assert set(prepared.ports) == set(PORT_NAMES)
    assert all(port in range(20100, 20200) for port in prepared.ports.values())
    assert routes.written(prepared) == Routing()
    assert targets.written(prepared) == {}
    assert prepared.directory.stat().st_mode & 0o077 == 0, "secrets and the ring's header are nobody else's"
    assert prepared.routes.stat().st_mode & 0o005 == 0o005, "the gateway's own user reads its routes"


def test_preparing_again_changes_nothing(prepared: environments.Environment) -> None:
    routes.write(prepared, Routing({BLUE: 100}))
    targets.write(prepared, {BLUE: "aaaaaaaaaaaa"})
    before = {path: path.read_bytes() for path in prepared.directory.rglob("*") if path.is_file()}
    prepared.prepare()
    after = {path: path.read_bytes() for path in prepared.directory.rglob("*") if path.is_file()}
    assert after == before
    routes.write(prepared, Routing())
    targets.write(prepared, {})


def test_an_environment_has_other_secrets_than_its_neighbour(
    prepared: environments.Environment, tmp_path: Path
) -> None:
    neighbour = load("release", home=Home(tmp_path), project="shining-not-there")
    neighbour.prepare()
    assert neighbour.secret("rabbitmq", credentials.BROKER) != prepared.secret("rabbitmq", credentials.BROKER)
    assert neighbour.ring_secret != prepared.ring_secret
    assert neighbour.ca_file.read_bytes() != prepared.ca_file.read_bytes()


def test_compose_is_told_project_place_image_and_name(tmp_path: Path) -> None:
    production = places.environment(tmp_path)
    of_slot = production.variables(places.NEW, GREEN)
    assert of_slot["COMPOSE_PROJECT_NAME"] == "shining-production-green"
    assert of_slot["ALEXANDRITE_NETWORK"] == "shining-production_default"
    assert of_slot["ALEXANDRITE_IMAGE_SYSTEM"] == places.NEW.image
    assert of_slot["ALEXANDRITE_STATE"] == str(tmp_path)
    assert of_slot["ALEXANDRITE_ENVIRONMENT"] == "production-demonstration"
    assert production.variables()["COMPOSE_PROJECT_NAME"] == "shining-production"


def test_a_gates_experiment_with_jobs_does_not_reach_a_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALEXANDRITE_JOBS_IMAGE", places.NEWER.image)
    assert places.environment(tmp_path).variables(places.NEW)["ALEXANDRITE_JOBS_IMAGE"] == ""


def test_judges_are_told_of_the_ring_only_when_they_may_use_it(prepared: environments.Environment) -> None:
    assert "ALEXANDRITE_RING" not in prepared.judge_variables()
    assert prepared.judge_variables(ring=True)["ALEXANDRITE_RING"] == prepared.ring_secret
    assert prepared.judge_variables()["ALEXANDRITE_URL"] == prepared.url


def test_one_writer_at_a_time_who_may_enter_again(tmp_path: Path) -> None:
    production = places.environment(tmp_path)
    refused: list[str] = []

    def second() -> None:
        try:
            with production.exclusive(wait_s=0):
                refused.append("")
        except NotReady as error:
            refused.append(str(error))

    with production.exclusive(), production.exclusive():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(10)
    assert len(refused) == 1 and "Another run" in refused[0]
    second()
    assert refused[1] == ""


# -- what Prometheus watches ------------------------------------------------------------------------------------------


def test_every_process_of_every_slot_is_a_target_with_slot_and_release(tmp_path: Path) -> None:
    production = places.environment(tmp_path)
    targets.write(production, {BLUE: OLD_SHORT, GREEN: NEW_SHORT})
    entries = json.loads((production.monitoring / "targets" / "slots.json").read_text())
    assert len(entries) == 2 * (len(SERVICES) + 2)
    assert {
        "targets": ["shining-production-green-pricing-worker-1:8000"],
        "labels": {"service": "pricing-worker", "slot": "green", "release": NEW_SHORT},
    } in entries
    assert targets.written(production) == {BLUE: OLD_SHORT, GREEN: NEW_SHORT}


OLD_SHORT, NEW_SHORT = places.OLD.short, places.NEW.short


def test_prometheus_takes_files_instead_of_dns_and_keeps_everything_else() -> None:
    base = targets.BASE.read_text()
    before, after = yaml.safe_load(base), yaml.safe_load(targets.configuration(base))
    jobs = {job["job_name"]: job for job in after["scrape_configs"]}
    assert jobs["services"]["file_sd_configs"] and "dns_sd_configs" not in jobs["services"]
    for document in (before, after):
        document["scrape_configs"] = [job for job in document["scrape_configs"] if job["job_name"] != "services"]
    assert after == before


def test_a_process_that_only_one_side_knows_is_noticed() -> None:
    base = targets.BASE.read_text()
    with pytest.raises(PolicyInvalid, match="a slot runs"):
        targets.configuration(base.replace("names: [identity, ", "names: ["))
