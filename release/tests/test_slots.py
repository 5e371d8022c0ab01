"""Slots: what the engine's answers mean, what it is asked, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import routes, slots, targets
from release.environments import BLUE, GREEN, Environment
from release.errors import DeploymentFailed
from release.routes import Routing
from release.slots import ServiceState, SlotState
from release.targets import PROCESSES
from release.tests import places
from release.tests.places import NEW, OLD, PaperEngine
from tools.prepare import topology

Engine = Callable[..., PaperEngine]


@pytest.fixture
def production(tmp_path: Path) -> Environment:
    made = places.environment(tmp_path / "production")
    targets.lay_out(made)
    routes.lay_out(made)
    return made


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Puts a paper engine before the real one."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")
    return lambda **answers: PaperEngine(directory, answers.get("answers", {}))


def container(
    project: str,
    service: str,
    *,
    image: str = OLD.image,
    state: str = "running",
    health: str = "healthy",
    **labels: str,
) -> dict[str, Any]:
    """One container as `docker inspect` describes it."""
    marks = {"com.docker.compose.project": project, "com.docker.compose.service": service, **labels}
    return {"Config": {"Image": image, "Labels": marks}, "State": {"Status": state, "Health": {"Status": health}}}


def described(tmp_path: Path, *containers: dict[str, Any]) -> dict[str, str]:
    """The engine's answers for exactly these containers."""
    path = tmp_path / "inspected.json"
    path.write_text(json.dumps(list(containers)))
    return {'"ps --all"*': "echo abc", '"inspect --type container"*': f"cat {path}"}


def whole(**changes: ServiceState) -> SlotState:
    """A slot whose every service runs OLD and is well, but for the changes."""
    well = ServiceState("running", "healthy", OLD.image)
    return SlotState(
        BLUE, dict.fromkeys(PROCESSES, well) | {name.replace("_", "-"): one for name, one in changes.items()}
    )


# -- what the answers mean ----------------------------------------------------------------------------------------------


def test_a_whole_slot_is_up_for_its_release_and_for_no_other() -> None:
    assert whole().is_up(OLD) and not whole().is_up(NEW)
    assert whole().digest == OLD.digest and whole().unwell == {} and not whole().is_absent


@pytest.mark.parametrize(
    "service",
    [
        ServiceState("exited", "healthy", OLD.image),
        ServiceState("created", "", OLD.image),
        ServiceState("restarting", "unhealthy", OLD.image),
        ServiceState("running", "starting", OLD.image),
        ServiceState("running", "healthy", NEW.image),
        ServiceState("running", "healthy", "alexandrite/system:latest"),
    ],
)
def test_one_service_that_is_not_as_it_should_be_is_missing(service: ServiceState) -> None:
    assert whole(pricing_worker=service).missing(OLD) == ["pricing-worker"]


def test_a_sick_service_is_unwell_but_not_missing() -> None:
    sick = whole(mes=ServiceState("running", "unhealthy", OLD.image))
    assert sick.is_up(OLD) and sick.unwell == {"mes": "running unhealthy"}


def test_a_slot_of_two_digests_has_none() -> None:
    assert whole(mes=ServiceState("running", "healthy", NEW.image)).digest is None
    assert (
        SlotState(BLUE).digest is None and SlotState(BLUE).is_absent and SlotState(BLUE).missing(OLD) == list(PROCESSES)
    )


def test_containers_are_told_apart_by_project_and_jobs_do_not_count(
    production: Environment, engine: Engine, tmp_path: Path
) -> None:
    engine(
        answers=described(
            tmp_path,
            container("shining-production", "postgres"),
            container("shining-production", "migrate", **{"com.docker.compose.oneoff": "True"}),
            container("shining-production-green", "shop", image=NEW.image, state="exited"),
            container("shining-release-green", "shop"),
            container("somebody-else", "shop"),
        )
    )
    assert set(slots.infrastructure_state(production)) == {"postgres"}
    assert slots.slot_state(production, GREEN).services == {"shop": ServiceState("exited", "healthy", NEW.image)}
    assert slots.slot_state(production, BLUE).is_absent


def test_an_engine_that_does_not_answer_is_no_empty_environment(production: Environment, engine: Engine) -> None:
    engine(answers={"*": "exit 1"})
    with pytest.raises(DeploymentFailed, match="engine does not answer"):
        slots.containers(production)


# -- what is asked ------------------------------------------------------------------------------------------------------


def test_infrastructure_that_runs_is_never_restarted_by_mending(
    production: Environment, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Environment, "prepare", lambda _: None)
    asked = engine()
    slots.infrastructure_up(production)
    assert "up --detach --no-recreate" in asked.asked[-1] and asked.asked[-1].endswith(" ".join(slots.INFRASTRUCTURE))
    slots.infrastructure_up(production, replace=True)
    assert "--no-recreate" not in asked.asked[-1]


def test_jobs_come_from_the_release_in_their_order_and_the_data_remembers(
    production: Environment, engine: Engine
) -> None:
    asked = engine()
    slots.run_jobs(production, NEW)
    runs = [line for line in asked.asked if " run --rm" in line]
    assert [line.split()[-1] for line in runs] == ["migrate", "declare", "seed"]
    assert all(line.startswith(NEW.image) for line in runs)
    remembered = [line for line in asked.asked if slots.PREPARED_FILE in line and "echo" in line]
    assert len(remembered) == 3 and all(NEW.digest in line for line in remembered)


def test_jobs_that_the_data_remembers_do_not_run_again(production: Environment, engine: Engine) -> None:
    asked = engine(answers={"exec*cat*": f"echo {OLD.digest}; echo {NEW.digest}"})
    assert slots.run_jobs(production, NEW) == 0.0
    assert not [line for line in asked.asked if " run " in line]


def test_one_part_that_lost_its_data_makes_the_jobs_run_again(production: Environment, engine: Engine) -> None:
    engine(answers={"exec*rabbitmq*cat*": "exit 1", "exec*cat*": f"echo {NEW.digest}"})
    assert slots.prepared_for(production) == frozenset()
    assert slots.run_jobs(production, NEW) > 0


def test_a_digest_written_by_halves_is_not_remembered(production: Environment, engine: Engine) -> None:
    engine(answers={"exec*cat*": f"echo {NEW.digest[:-1]}"})
    assert slots.prepared_for(production) == frozenset()


def test_a_failed_job_is_said_with_its_last_words_and_not_remembered(production: Environment, engine: Engine) -> None:
    asked = engine(answers={"*declare": "echo 'no such queue' >&2; exit 1"})
    with pytest.raises(DeploymentFailed, match=r"declare failed \(production\): no such queue"):
        slots.run_jobs(production, NEW)
    assert not [line for line in asked.asked if "echo" in line or line.endswith("seed")]


def test_a_slot_starts_exactly_the_services_and_is_watched_then(production: Environment, engine: Engine) -> None:
    targets.write(production, {BLUE: OLD.short})
    asked = engine()
    slots.start_slot(production, GREEN, NEW)
    up = next(line for line in asked.asked if " up --detach" in line)
    assert up.startswith(NEW.image) and "--no-deps --wait" in up
    assert up.split()[-len(PROCESSES) :] == list(PROCESSES)
    assert targets.written(production) == {BLUE: OLD.short, GREEN: NEW.short}


SICK = {'*" up "*': "echo 'container is unhealthy' >&2; exit 1", '"logs --tail"*': "echo 'cannot import name x'"}


def test_a_candidate_that_does_not_start_is_removed_and_quoted(
    production: Environment, engine: Engine, tmp_path: Path
) -> None:
    sick = described(tmp_path, container("shining-production-green", "shop", image=NEW.image, health="unhealthy"))
    first_empty = {'"ps --all"*': f"if [ -e {tmp_path}/seen ]; then echo abc; else touch {tmp_path}/seen; fi"}
    asked = engine(answers=SICK | first_empty | {key: sick[key] for key in sick if "inspect" in key})
    with pytest.raises(DeploymentFailed, match="cannot import name x"):
        slots.start_slot(production, GREEN, NEW)
    assert " down " in asked.asked[-1], "what was begun is undone"
    assert targets.written(production) == {}
    assert list(production.logs.glob("green-*.log")), "its log lines are kept"


def test_a_slot_that_was_there_before_is_not_removed_by_a_failed_mending(
    production: Environment, engine: Engine, tmp_path: Path
) -> None:
    there = described(tmp_path, container("shining-production-blue", "shop", health="unhealthy"))
    asked = engine(answers=SICK | there)
    with pytest.raises(DeploymentFailed):
        slots.start_slot(production, BLUE, OLD)
    assert not [line for line in asked.asked if " down " in line]


def test_an_image_that_is_not_to_be_had_starts_nothing(production: Environment, engine: Engine) -> None:
    asked = engine(answers={'"image inspect"*': "exit 1", "pull*": "echo 'manifest unknown' >&2; exit 1"})
    with pytest.raises(DeploymentFailed, match="not to be had"):
        slots.start_slot(production, GREEN, NEW)
    assert not [line for line in asked.asked if " up " in line]


@pytest.mark.parametrize("routing", [Routing({BLUE: 95, GREEN: 5}), Routing({GREEN: 100})], ids=str)
def test_a_slot_with_traffic_is_not_stopped(production: Environment, engine: Engine, routing: Routing) -> None:
    asked = engine()
    routes.write(production, routing)
    with pytest.raises(DeploymentFailed, match="stays up"):
        slots.stop_slot(production, GREEN)
    assert asked.asked == []


def test_a_slot_without_traffic_is_stopped_in_peace(production: Environment, engine: Engine) -> None:
    routes.write(production, Routing({BLUE: 100}))
    targets.write(production, {BLUE: OLD.short, GREEN: NEW.short})
    asked = engine(answers={"*logs*": "echo last words"})
    slots.stop_slot(production, GREEN)
    assert asked.asked[-1].endswith("down --volumes --timeout 15"), "SIGTERM, and time to end what was begun"
    assert targets.written(production) == {BLUE: OLD.short}
    assert [log.read_text() for log in production.logs.glob("green-*.log")] == ["last words\n"]


def test_of_the_kept_logs_the_oldest_go(
    production: Environment, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(answers={"*logs*": "echo new"})
    monkeypatch.setattr(slots, "LOGS_KEPT", 2)
    production.logs.mkdir()
    for day in (1, 2, 3):
        (production.logs / f"blue-2026010{day}T000000.log").write_text("old")
    kept = slots.keep_logs(production, GREEN)
    assert kept in set(production.logs.iterdir()) and len(list(production.logs.iterdir())) == 2


def test_no_volume_of_a_slot_is_ever_the_data(production: Environment) -> None:
    """A slot is removed with its volumes, so they must be its own project's: none has a fixed or external name."""
    volumes = yaml.safe_load(topology.COMPOSE_FILE.read_text())["volumes"]
    assert volumes and not any(volumes.values())
    assert "volumes" not in yaml.safe_load(slots.SLOT_FILE.read_text())
    assert production.slot_project(BLUE) != production.project
