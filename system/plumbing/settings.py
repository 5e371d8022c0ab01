"""Settings common to every service: environment variables `ALEXANDRITE_*`, or files of the same name in lower case."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

SECRETS_DIRECTORY = Path(os.environ.get("ALEXANDRITE_SECRETS_DIR", "/run/alexandrite"))


class ServiceSettings(BaseSettings):
    """What a process is told at start. Frozen; a service extends it with its own. Durations end in their unit."""

    model_config = SettingsConfigDict(env_prefix="ALEXANDRITE_", frozen=True, extra="ignore")

    service: str = Field(pattern=r"^[a-z]+$")
    environment: str = "dev"
    release: str = "unreleased"
    public_url: str = "https://localhost:8443"
    trusted_origins: str = Field(
        "", description="further origins that may send cookie-authenticated writes, comma separated"
    )
    time_zone: str = Field("Europe/Moscow", description="the zone that pages show times in: the workshop's")
    slot: str = Field("", description="which of a deployment's slots this process lives in; empty where there are none")
    steering_directory: Path = Field(Path("/run/steering"), description="what the pipeline may change at run time")
    port: int = 8000
    log_level: str = "INFO"

    otlp_endpoint: str = Field("", description="the collector of spans and log lines; empty: nothing is sent")
    otlp_key: SecretStr = Field(SecretStr(""), description="what the collector knows us by; a bearer token")
    tracing: Literal["on", "off"] = Field("on", description="off: ids and log lines on standard output only")
    trace_reads_ratio: float = Field(
        0.1, ge=0, le=1, description="the share of reads outside an order's trace that is kept"
    )
    trace_statement_ms: float = Field(
        1.0, ge=0, description="a statement that takes as long as this has a span of its own"
    )

    database_host: str = "postgres"
    database_port: int = 5432
    database_name: str = ""
    database_user: str = ""
    database_password: SecretStr = SecretStr("")
    database_pool_size: int = 20
    statement_timeout_ms: int = 15_000

    broker_host: str = "rabbitmq"
    broker_hosts: str = Field(
        "", description="a cluster's nodes, host or host:port, comma separated; empty: broker_host"
    )
    broker_port: int = 5672
    broker_user: str = "alexandrite"
    broker_password: SecretStr = SecretStr("")
    broker_virtualhost: str = "/"
    broker_heartbeat_s: int = 5
    broker_management_port: int = Field(15672, description="where each node tells which queues and bindings there are")
    topology_check_s: float = Field(
        5.0, description="how often a consumer looks whether they are as declared; 0: never"
    )

    redis_host: str = "redis"
    redis_port: int = 6379
    redis_password: SecretStr = SecretStr("")

    signing_key: SecretStr = SecretStr("")
    jwks: str = '{"keys": []}'
    services_url_template: str = "http://{service}:8000"

    roles: str = Field("api,relay,consumer,timer", description="what this process does")
    lease_ttl_s: float = 6.0
    outbox_poll_s: float = 0.5
    retry_base_s: float = 0.5
    retry_max_s: float = 300.0
    retry_limit: int = 10
    internal_timeout_s: float = 5.0
    internal_connect_timeout_s: float = 2.0

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: list[Any] = [init_settings, env_settings]
        if SECRETS_DIRECTORY.is_dir():
            sources.append(SecretsSettingsSource(settings_cls, secrets_dir=SECRETS_DIRECTORY))
        return tuple(sources)

    @property
    def database(self) -> str:
        """The name of this service's database: its own name unless told otherwise."""
        return self.database_name or self.service

    @property
    def broker_addresses(self) -> list[tuple[str, int]]:
        """Every broker node as (host, port); one that names no port has `broker_port`."""
        named = [part.strip() for part in self.broker_hosts.split(",") if part.strip()] or [self.broker_host]
        split = (part.partition(":") for part in named)
        return [(host, int(port) if port else self.broker_port) for host, _, port in split]

    @property
    def role_names(self) -> frozenset[str]:
        """The roles of this process as a set."""
        return frozenset(part.strip() for part in self.roles.split(",") if part.strip())
