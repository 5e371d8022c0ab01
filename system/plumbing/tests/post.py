"""A real mail server for tests: the topology's own mailbox, on ports of the kernel's choice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from system.images.mailbox.mailbox import Letter, Mailbox, open_post
from system.plumbing.mail.settings import MailSettings


@dataclass(frozen=True)
class RealPost:
    """The mailbox behind a port of SMTP."""

    mailbox: Mailbox
    port: int

    def settings(self, **more: object) -> MailSettings:
        """Settings with which letters go there."""
        return mail_settings(smtp_port=self.port, **more)

    def letters(self, to: str | None = None) -> list[Letter]:
        """What it took."""
        return self.mailbox.letters(to)


def mail_settings(**more: object) -> MailSettings:
    """Settings of a service that writes letters."""
    told: dict[str, object] = {"service": "shop", "smtp_host": "127.0.0.1", "smtp_timeout_s": 2.0}
    return MailSettings.model_validate(told | more)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def real_post() -> Iterator[RealPost]:
    """Listens until the end of the block."""
    mailbox, port = Mailbox(), free_port()
    post = open_post(mailbox, "127.0.0.1", port)
    try:
        yield RealPost(mailbox, port)
    finally:
        post.stop()
