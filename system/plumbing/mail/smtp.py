"""The mail server, over SMTP. The library's calls wait, so that they run in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
from email.message import EmailMessage

from system.plumbing import telemetry
from system.plumbing.mail.settings import MailSettings


class LetterRefused(Exception):
    """The mail server will never take this letter; the text is its own."""


class PostUnavailable(Exception):
    """The mail server takes no letter, or not this one, just now; the text is its own, or the connection's."""


class SmtpPost:
    """Hands letters to the mail server, one connection each: they are few, and a connection that idles is soon a dead one."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    async def send(self, message: EmailMessage, *, to: str) -> None:
        """Returns when the server has taken it. Raises LetterRefused (a 5xx about it), PostUnavailable (anything else)."""
        with telemetry.span("SMTP send", kind=telemetry.SpanKind.CLIENT, network__protocol__name="smtp"):
            await asyncio.to_thread(self._send, message, to)

    def _send(self, message: EmailMessage, to: str) -> None:
        try:
            server = self._connected()
        except (smtplib.SMTPException, OSError) as error:
            raise PostUnavailable(_said(error)) from error
        try:
            server.send_message(message, to_addrs=[to])
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
            # It was taken, or not; how the connection ends says nothing about it.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()

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


def _outcome(code: int, text: bytes | str) -> Exception:
    said = f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"
    return LetterRefused(said) if 500 <= code < 600 else PostUnavailable(said)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:500]
