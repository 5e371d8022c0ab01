"""Where the judged system is, and the secrets a judge needs: plain data that a test run hands to its workers."""

from __future__ import annotations

import os
import ssl
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".alexandrite"


@dataclass(frozen=True, slots=True)
class SystemAddress:
    """One running system. `project` is its compose project, empty when its containers are out of reach."""

    url: str
    ca_file: str
    demo_password: str
    carrier_secret: str
    management_url: str = ""
    broker_user: str = "alexandrite"
    broker_password: str = ""
    project: str = ""
    prometheus_url: str = ""
    mailbox_url: str = ""
    ring: str = ""
    """The secret that reaches a release before it takes anybody's traffic; empty for the system as customers meet it."""

    def to_dict(self) -> dict[str, str]:
        """Plain text only, so that it travels to another process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, str]) -> Self:
        """The address that `to_dict` wrote."""
        return cls(**given)

    @classmethod
    def deployed(
        cls,
        url: str,
        *,
        project: str = "",
        management_url: str = "",
        prometheus_url: str = "",
        mailbox_url: str = "",
    ) -> Self:
        """A system somebody else started. Secrets come from ALEXANDRITE_* variables, else from this checkout's state.

        Raises FileNotFoundError, naming the variable to set, when a needed secret is nowhere.
        """
        return cls(
            url=url.rstrip("/"),
            ca_file=os.environ.get("ALEXANDRITE_CA", str(find_ca())),
            demo_password=secret("demo_password", ("identity", "seed", "jobs")),
            carrier_secret=secret("carrier_secret", ("crm",)),
            management_url=os.environ.get("ALEXANDRITE_MANAGEMENT_URL", management_url),
            broker_password=secret("broker_password", ("orchestrator", "shop")),
            project=os.environ.get("ALEXANDRITE_COMPOSE_PROJECT", project),
            prometheus_url=os.environ.get("ALEXANDRITE_PROMETHEUS_URL", prometheus_url),
            mailbox_url=os.environ.get("ALEXANDRITE_MAILBOX_URL", mailbox_url),
            ring=os.environ.get("ALEXANDRITE_RING", ""),
        )


def find_ca(state: Path = STATE) -> Path:
    """The development CA's certificate of this checkout."""
    for name in ("ca.pem", "ca.crt", "ca-certificate.pem"):
        if (state / "tls" / name).is_file():
            return state / "tls" / name
    return state / "tls" / "ca.pem"


def secret(name: str, services: tuple[str, ...], *, state: Path = STATE) -> str:
    """`ALEXANDRITE_<NAME>` or the secret file of the first of `services` that has it. Raises FileNotFoundError."""
    variable = f"ALEXANDRITE_{name.upper()}"
    if variable in os.environ:
        return os.environ[variable]
    for service in services:
        path = state / "secrets" / service / f"alexandrite_{name}"
        if path.is_file():
            return path.read_text().strip()
    raise FileNotFoundError(f"no secret {name!r} in {state / 'secrets'}: run `make up` here, or set {variable}")


@cache
def trust(ca_file: str) -> ssl.SSLContext:
    """TLS that trusts the public authorities and, when the file is there, the development CA."""
    context = ssl.create_default_context()
    if Path(ca_file).is_file():
        context.load_verify_locations(ca_file)
    return context
