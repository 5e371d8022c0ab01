"""The mail server, over SMTP. The library's calls wait, so that they run in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

from system.plumbing import telemetry
from system.plumbing.mail.settings import MailSettings
from system.plumbing.telemetry import log


class LetterRefused(Exception):
    """The mail server will never take this letter; the text is its own."""


class PostUnavailable(Exception):
    """The mail server takes no letter, or not this one, just now; the text is its own, or the connection's."""


class SmtpPost:
    """Hands letters to the mail server. A connection is kept for `kept_s` after a letter: the next one may come right behind it."""

    def __init__(self, settings: MailSettings, *, kept_s: float = 0.0) -> None:
        self._settings = settings
        self._kept_s = kept_s
        self._kept: list[_Kept] = []
        self._lock = threading.Lock()

    async def send(self, message: EmailMessage, *, to: str) -> None:
        """Returns when the server has taken it. Raises LetterRefused (a 5xx about it), PostUnavailable (anything else)."""
        with telemetry.span("SMTP send", kind=telemetry.SpanKind.CLIENT, network__protocol__name="smtp"):
            await asyncio.to_thread(self._send, message, to)
        if self._kept:
            asyncio.get_running_loop().call_later(self._kept_s + 0.01, self._leave_idle)

    async def close(self) -> None:
        """Leaves the mail server."""
        await asyncio.to_thread(self._leave, list(self._taken()))

    def _send(self, message: EmailMessage, to: str) -> None:
        try:
            server = self._kept_server() or self._connected()
        except (smtplib.SMTPException, OSError) as error:
            raise PostUnavailable(_said(error)) from error
        is_well = False
        try:
            server.send_message(message, to_addrs=[to])
            is_well = True
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            raise _outcome(code, text) from error
        except smtplib.SMTPDataError as error:
            raise _outcome(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPNotSupportedError as error:
            # Its address has letters that this server cannot write.
            raise LetterRefused(_said(error)) from error
        except (smtplib.SMTPException, OSError) as error:
            # Also a 5xx about the sender: that is about us, and not about this letter.
            raise PostUnavailable(_said(error)) from error
        finally:
            if is_well and self._kept_s > 0:
                with self._lock:
                    self._kept.append(_Kept(server, time.monotonic() + self._kept_s))
            else:
                _quit(server)

    def _kept_server(self) -> smtplib.SMTP | None:
        """A connection that the server still answers on; before a letter is begun, so that asking costs no letter."""
        while True:
            with self._lock:
                if not self._kept:
                    return None
                kept = self._kept.pop()
            try:
                if kept.server.noop()[0] == 250:
                    return kept.server
            except (smtplib.SMTPException, OSError) as error:
                log.info("mail server closed an idle connection", error=telemetry.said_by(error))
            _quit(kept.server)

    def _leave_idle(self) -> None:
        if idle := list(self._taken(idle_at=time.monotonic())):
            asyncio.get_running_loop().run_in_executor(None, self._leave, idle)

    def _taken(self, *, idle_at: float | None = None) -> Iterator[_Kept]:
        with self._lock:
            for kept in list(self._kept):
                if idle_at is None or kept.until <= idle_at:
                    self._kept.remove(kept)
                    yield kept

    def _leave(self, idle: list[_Kept]) -> None:
        for kept in idle:
            _quit(kept.server)

    def _connected(self) -> smtplib.SMTP:
        told = self._settings
        if told.smtp_tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                told.smtp_host, told.smtp_port, timeout=told.smtp_timeout_s, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(told.smtp_host, told.smtp_port, timeout=told.smtp_timeout_s)
        try:
            if told.smtp_tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if told.smtp_user:
                server.login(told.smtp_user, told.smtp_password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server


@dataclass(frozen=True, slots=True)
class _Kept:
    server: smtplib.SMTP
    until: float


def _quit(server: smtplib.SMTP) -> None:
    # The letter was taken, or not; how the connection ends says nothing about it.
    with contextlib.suppress(smtplib.SMTPException, OSError):
        server.quit()
    server.close()


def _outcome(code: int, text: bytes | str) -> Exception:
    said = f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return LetterRefused(said) if 500 <= code < 600 else PostUnavailable(said)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
