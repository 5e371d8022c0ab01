"""Observability's settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from system.plumbing.mail.settings import MailSettings


class ObservabilitySettings(MailSettings):
    """What observability is told at start, beside what every service is told."""

    service: str = "observability"
    roles: str = Field("api,timer", description="what this process does; it neither sends nor receives messages")

    otlp_key: SecretStr = Field(SecretStr(""), description="whoever sends spans and log lines says it")
    alerts_key: SecretStr = Field(SecretStr(""), description="whoever tells of alerts says it")

    telemetry_kept_days: int = Field(7, ge=1, le=365, description="whole days that spans and log lines are kept")
    telemetry_bytes_max: int = Field(
        4_000_000_000,
        ge=1,
        description="above this the oldest days go earlier; when today alone is above, nothing is taken",
    )
    telemetry_tidied_every_s: float = Field(60.0, gt=0, description="how often days are made ahead and dropped")
    telemetry_body_bytes_max: int = Field(
        4_000_000, ge=1, description="the largest export that is taken, as it is sent"
    )
    telemetry_unpacked_bytes_max: int = Field(32_000_000, ge=1, description="the same, unpacked")
    telemetry_writers: int = Field(2, ge=1, description="exports that are written at the same time")
    telemetry_waiting_max: int = Field(
        32, ge=0, description="exports that may wait for a writer; further ones are told to come again"
    )
    failures_kept_days: int = Field(90, ge=1, description="days after which a failure that does not recur is forgotten")
    trace_spans_max: int = Field(
        1000, ge=1, description="spans of a trace that are read; the page says when there are more"
    )
    peers_timeout_s: float = Field(
        1.5, gt=0, description="how long a page waits for what other services know of an order"
    )

    prometheus_url: str = Field("http://prometheus:9090", description="where figures are read")
    prometheus_timeout_s: float = Field(2.0, gt=0, description="how long one figure is waited for")
    figures_refreshed_s: float = Field(5.0, gt=0, description="how old figures and alerts on an open page may be")
    alerts_kept_days: int = Field(30, ge=1, description="days after which an alert that ended is forgotten")
    alerts_unheard_after_s: float = Field(
        5 * 3600,
        gt=0,
        description="an alert that fires and was not told of again for longer is lost; more than Alertmanager's repeat_interval",
    )

    watchdog_silent_s: float = Field(
        180.0, gt=0, description="when the alert that always fires was not heard for longer, alerts do not reach us"
    )
    watchdog_looked_every_s: float = Field(10.0, gt=0, description="how often it is looked whether that is so")
    on_call_address: str = Field(
        "on-call@alexandrite.example", description="who is written to then; empty for nobody. As in alertmanager.yaml"
    )
    mail_from: str = Field("Alexandrite <alerts@alexandrite.example>", description="whom letters are from")
