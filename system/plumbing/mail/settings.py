"""The settings of a service that writes letters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from system.plumbing.settings import ServiceSettings


class MailSettings(ServiceSettings):
    """Where the mail server is, and how patient we are with it."""

    smtp_host: str = Field("mailbox", description="the mail server that takes our letters")
    smtp_port: int = Field(1025, description="its port")
    smtp_tls: Literal["none", "starttls", "tls"] = Field(
        "none", description="how the connection is secured: not at all, by STARTTLS, or from the first byte"
    )
    smtp_user: str = Field("", description="whom we sign in as at the mail server; empty for nobody")
    smtp_password: SecretStr = Field(SecretStr(""), description="the password for it")
    smtp_timeout_s: float = Field(10.0, gt=0, description="how long the mail server may be silent")
    mail_from: str = Field("Alexandrite <orders@alexandrite.example>", description="whom letters are from")
    mail_retry_base_s: float = Field(10.0, gt=0, description="the wait after a letter was not taken; then it doubles")
    mail_retry_max_s: float = Field(1800.0, gt=0, description="the longest wait between two tries")
    mail_give_up_after_s: float = Field(
        3 * 86_400, gt=0, description="a letter that nobody took for so long is given up"
    )
    mail_per_address_hourly_max: int = Field(30, ge=1, description="letters to one address within an hour")
    mail_per_second_max: float = Field(
        20.0,
        gt=0,
        description="letters that one process sends in a second: what waits longer leaves the machine to the orders",
    )
    mail_at_once: int = Field(2, ge=1, description="letters that one process sends at the same time")
    mail_stalled_after_s: float = Field(60.0, gt=0, description="a dead process's letters are taken over after this")
