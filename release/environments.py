"""The environments a candidate goes through: what each is called, where its state and ports are, how much traffic goes where.

    environment = load("production")
    environment.prepare()                       secrets, certificates, ports, routes: whatever is missing
    environment.url, environment.ring_headers   the gateway, and the header that reaches the slot without traffic

The infrastructure runs in the compose project `environment.project`, the services in two further projects, the slots
`blue` and `green`. Each environment has a directory of its own for secrets, certificates, ports and routes.
"""

from __future__ import annotations

import fcntl
import itertools
import secrets
import threading
import time
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from release.candidate import Release
from release.errors import NotReady, PolicyInvalid
from release.home import Home
from tools.prepare import credentials, state, topology
from tools.prepare import ports as port_choice

DECLARATION = Path(__file__).with_name("environments.toml")
DEPLOY = topology.COMPOSE_FILE.parent
BLUE = "blue"
GREEN = "green"
SLOTS = (BLUE, GREEN)
RING_HEADER = "X-Alexandrite-Ring"
# The gateway's own status; beside the ports that every system publishes.
GATEWAY = "gateway"
PORT_NAMES = (*port_choice.DEFAULTS, GATEWAY)
PORTS_EACH = 9
PORTS_FROM_MIN, PORTS_FROM_MAX = 16_000, 32_000
WRITER_WAIT_S = 900.0
# A container's name is also its DNS label: at most 63 characters, of which the slot and the longest service take the rest.
PROJECT_LENGTH_MAX = 63 - len("-green-pricing-worker-1")
_KEYS: dict[str, type | tuple[type, ...]] = {
    "ports_from": int,
    "shares": list,
    "watch_s": (int, float),
    "keep_previous_s": (int, float),
    "durations": str,
}
_OPTIONAL: dict[str, type | tuple[type, ...]] = {"seed": bool, "told": str, "ring_work": int}


def other(slot: str) -> str:
    """The other slot. Raises ValueError for what is no slot."""
    if slot not in SLOTS:
        raise ValueError(f"{slot!r} is not a slot: {', '.join(SLOTS)}")
    return GREEN if slot == BLUE else BLUE


@dataclass(frozen=True)
class Environment:
    """One environment as declared, and where its things are."""

    name: str
    project: str
    """The compose project of its infrastructure."""
    directory: Path
    ports_from: int
    shares: tuple[int, ...]
    watch_s: float
    keep_previous_s: float
    durations: str
    seed: bool
    told: str
    """What the services take for the environment's name."""
    ring_work: int = 0
    """Percent of the queued work that a candidate does while only the ring header reaches it."""

    # -- names -----------------------------------------------------------------------------------------------------

    def slot_project(self, slot: str) -> str:
        """The compose project of one slot's services."""
        other(slot)
        return f"{self.project}-{slot}"

    def container(self, slot: str, service: str) -> str:
        """The name by which a slot's service is reached on the network."""
        return f"{self.slot_project(slot)}-{service}-1"

    @property
    def network(self) -> str:
        """The infrastructure's network, which the slots join."""
        return f"{self.project}_default"

    @property
    def place(self) -> state.Place:
        """Secrets, certificates and ports."""
        return state.Place(self.directory)

    @property
    def routes(self) -> Path:
        """The directory that the gateway watches."""
        return self.directory / "routes"

    @property
    def steering(self) -> Path:
        """The directory that the services of both slots watch."""
        return self.directory / "steering"

    @property
    def monitoring(self) -> Path:
        """Prometheus' configuration and targets."""
        return self.directory / "monitoring"

    @property
    def logs(self) -> Path:
        """The last log lines of slots that were stopped."""
        return self.directory / "logs"

    # -- addresses -------------------------------------------------------------------------------------------------

    @cached_property
    def ports(self) -> dict[str, int]:
        """Published ports by name. Raises NotReady before `prepare`."""
        known = port_choice.remembered(self.place.ports_file, self._usual_ports)
        if set(known) != set(PORT_NAMES):
            raise NotReady(f"The environment {self.name} has never been prepared.", remedy="Promote a candidate to it.")
        return known

    @property
    def _usual_ports(self) -> dict[str, int]:
        return {name: self.ports_from + PORTS_EACH * index for index, name in enumerate(PORT_NAMES)}

    @property
    def url(self) -> str:
        """The gateway."""
        return f"https://localhost:{self.ports['https']}"

    @property
    def prometheus_url(self) -> str:
        """Prometheus, without TLS on loopback."""
        return f"http://127.0.0.1:{self.ports['prometheus']}"

    @property
    def gateway_url(self) -> str:
        """What the gateway says of itself: `/api` and `/metrics`."""
        return f"http://127.0.0.1:{self.ports[GATEWAY]}"

    @property
    def ca_file(self) -> Path:
        """The authority to trust for `url`."""
        return self.place.tls / "ca.pem"

    @property
    def ring_secret(self) -> str:
        """What the ring header must carry. Raises NotReady before `prepare`."""
        path = self.directory / "ring"
        if not path.is_file():
            raise NotReady(f"The environment {self.name} has never been prepared.", remedy="Promote a candidate to it.")
        return path.read_text(encoding="ascii")

    @property
    def ring_headers(self) -> dict[str, str]:
        """Sent with a request, they reach the candidate's slot whatever its share."""
        return {RING_HEADER: self.ring_secret}

    def secret(self, holder: str, name: str) -> str:
        """One of its secrets, by the component that holds it."""
        return credentials.read(holder, name, place=self.place)

    # -- what others are started with -------------------------------------------------------------------------------

    def variables(self, release: Release | None = None, slot: str | None = None) -> dict[str, str]:
        """What the compose files ask for: of the infrastructure and jobs, or of `slot`; `release` is the system's image."""
        ports = self.ports
        published = {name: port for name, port in ports.items() if name != GATEWAY}
        project = self.slot_project(slot) if slot else self.project
        variables = topology.environment(project, published, self.durations, self.place)
        variables |= {
            "ALEXANDRITE_ENVIRONMENT": self.told,
            "ALEXANDRITE_NETWORK": self.network,
            "ALEXANDRITE_SLOT": slot or "",
            "ALEXANDRITE_STEERING": str(self.steering),
            # Jobs of another build than the release's are a gate's experiment, never a deployment.
            "ALEXANDRITE_JOBS_IMAGE": "",
            f"ALEXANDRITE_PORT_{GATEWAY.upper()}": str(ports[GATEWAY]),
        }
        if release is not None:
            variables["ALEXANDRITE_IMAGE_SYSTEM"] = release.image
        return variables

    def judge_variables(self, *, ring: bool = False) -> dict[str, str]:
        """Where this environment is, for the judges' commands; with `ring` also the header's secret, ALEXANDRITE_RING."""
        variables = {
            "ALEXANDRITE_URL": self.url,
            "ALEXANDRITE_CA": str(self.ca_file),
            "ALEXANDRITE_DEMO_PASSWORD": self.secret("identity", credentials.DEMO),
            "ALEXANDRITE_CARRIER_SECRET": self.secret("crm", credentials.CARRIER),
            "ALEXANDRITE_BROKER_PASSWORD": self.secret("rabbitmq", credentials.BROKER),
            "ALEXANDRITE_MANAGEMENT_URL": f"http://127.0.0.1:{self.ports['management']}",
            "ALEXANDRITE_PROMETHEUS_URL": self.prometheus_url,
            "ALEXANDRITE_MAILBOX_URL": f"http://127.0.0.1:{self.ports['mailbox']}",
            "ALEXANDRITE_COMPOSE_PROJECT": self.project,
        }
        return variables | ({"ALEXANDRITE_RING": self.ring_secret} if ring else {})

    # -- making -----------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Secrets, certificates, ring secret, ports, monitoring and routes: whatever is missing. What is there stays."""
        # Here, because both render files for an environment and so know this class.
        from release.routes import lay_out as lay_out_routes
        from release.targets import lay_out as lay_out_targets

        self.place.make()
        self.directory.chmod(0o700)
        credentials.make(self.place)
        if not (self.directory / "ring").is_file():
            state.write_file(self.directory / "ring", secrets.token_hex(24), mode=0o600)
        if set(port_choice.remembered(self.place.ports_file, self._usual_ports)) != set(PORT_NAMES):
            running = topology.running(self.project)
            port_choice.choose(
                running=running, file=self.place.ports_file, usual=self._usual_ports, attempts=PORTS_EACH
            )
            self.__dict__.pop("ports", None)
        lay_out_targets(self)
        lay_out_routes(self)

    @contextmanager
    def exclusive(self, *, wait_s: float = WRITER_WAIT_S) -> Iterator[None]:
        """One process changes an environment at a time; the holder's own thread may enter again. Raises NotReady after `wait_s`."""
        held: set[Path] = _HELD.__dict__.setdefault("directories", set())
        if self.directory in held:
            yield
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "writer.lock").open("a", encoding="ascii") as lock:
            deadline = time.monotonic() + wait_s
            while not _locked(lock.fileno()):
                if time.monotonic() > deadline:
                    raise NotReady(
                        f"Another run has been changing {self.name} for {wait_s:.0f} s.", remedy="Wait for it to end."
                    )
                time.sleep(0.2)
            held.add(self.directory)
            try:
                yield
            finally:
                held.discard(self.directory)


# Which environments this thread is changing.
_HELD = threading.local()


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


# -- the declaration ------------------------------------------------------------------------------------------------


def _declared(declaration: Path) -> Mapping[str, Mapping[str, Any]]:
    try:
        document = tomllib.loads(declaration.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PolicyInvalid(f"{declaration.name} cannot be read: {error}.") from error
    tables = document.get("environments")
    if set(document) != {"environments"} or not isinstance(tables, dict) or not tables:
        raise PolicyInvalid(f"{declaration.name} must hold the tables [environments.<name>] and nothing else.")
    for name, table in tables.items():
        _check(name, table)
    starts = sorted(table["ports_from"] for table in tables.values())
    if any(later - earlier < PORTS_EACH * len(PORT_NAMES) for earlier, later in itertools.pairwise(starts)):
        raise PolicyInvalid(f"Two environments share ports: ports_from are {starts}.")
    return tables


def _check(name: str, table: object) -> None:
    if not isinstance(table, dict) or not name.isalnum():
        raise PolicyInvalid(f"environments.{name} is not a table with a plain name.")
    unknown, missing = set(table) - {*_KEYS, *_OPTIONAL}, set(_KEYS) - set(table)
    if unknown or missing:
        raise PolicyInvalid(f"environments.{name}: unknown {sorted(unknown)}, missing {sorted(missing)}.")
    for key, kind in (_KEYS | _OPTIONAL).items():
        if key in table and (not isinstance(table[key], kind) or (kind is not bool and isinstance(table[key], bool))):
            raise PolicyInvalid(f"environments.{name}.{key}: {table[key]!r} is of the wrong kind.")
    shares = table["shares"]
    if (
        not shares
        or any(not isinstance(share, int) or isinstance(share, bool) or not 0 < share <= 100 for share in shares)
        or shares != sorted(set(shares))
        or shares[-1] != 100
    ):
        raise PolicyInvalid(f"environments.{name}.shares: {shares} must grow to 100, in percent.")
    if table["watch_s"] < 0 or table["keep_previous_s"] < 0:
        raise PolicyInvalid(f"environments.{name}: a time cannot be negative.")
    if not 0 <= table.get("ring_work", 0) < 100:
        raise PolicyInvalid(f"environments.{name}.ring_work is a percentage below 100: the stable release works too.")
    if not PORTS_FROM_MIN <= table["ports_from"] <= PORTS_FROM_MAX:
        raise PolicyInvalid(f"environments.{name}.ports_from must lie between {PORTS_FROM_MIN} and {PORTS_FROM_MAX}.")
    if table.get("seed") and table.get("told", name) == "production":
        raise PolicyInvalid(f"environments.{name}: what is told to be production gets no demonstration staff.")
    if not (DEPLOY / table["durations"]).is_file():
        raise PolicyInvalid(f"environments.{name}.durations: there is no {table['durations']}.")


def names(declaration: Path = DECLARATION) -> tuple[str, ...]:
    """The environments in the order in which a candidate passes them."""
    return tuple(_declared(declaration))


def load(
    name: str, *, home: Home | None = None, project: str | None = None, declaration: Path = DECLARATION
) -> Environment:
    """The declared environment. `project` is the prefix of its compose projects, the checkout's own when not said.

    Raises PolicyInvalid when it is not declared, or not as it must be.
    """
    declared = _declared(declaration)
    if name not in declared:
        raise PolicyInvalid(f"There is no environment {name!r}; declared are {', '.join(declared)}.")
    table = declared[name]
    chosen = f"{project or topology.project_name()}-{name}"
    if len(chosen) > PROJECT_LENGTH_MAX:
        raise PolicyInvalid(
            f"The project {chosen} is longer than {PROJECT_LENGTH_MAX} characters; its containers would have no DNS names.",
            remedy=f"Set a shorter {topology.PROJECT_VARIABLE}.",
        )
    return Environment(
        name=name,
        project=chosen,
        directory=(home or Home.of_checkout()).environment(name),
        ports_from=table["ports_from"],
        shares=tuple(table["shares"]),
        watch_s=float(table["watch_s"]),
        keep_previous_s=float(table["keep_previous_s"]),
        durations=table["durations"],
        seed=bool(table.get("seed", False)),
        told=str(table.get("told", name)),
        ring_work=table.get("ring_work", 0),
    )
