"""A mail server that delivers nothing: letters come in by SMTP, and people and tests read them over HTTP.

GET /                               the letters, for people
GET /shown/{id}                     one of them
GET /letters[?to=address]           the letters as JSON, the oldest first
DELETE /letters[?to=address]        forgets them
PUT /behaviours/{address}           {"reply": "451 try later", "delay_s": 0.5}: how a letter to this address is answered
DELETE /behaviours/{address}        as any other again
GET /health                         200

An address in a path or query is written as URLs have it; `*` stands for every address that has no behaviour of its own.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import html
import itertools
import json
import os
import re
import threading
from collections import deque
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT_MAX = 1000
LETTER_BYTES_MAX = 5_000_000
BODY_BYTES_MAX = 10_000
DELAY_S_MAX = 60.0
REPLY = re.compile(r"[245]\d\d [\x20-\x7e]{1,200}")
EVERYBODY = "*"


@dataclass(frozen=True)
class Letter:
    """One letter to one address, as it came in."""

    id: int
    to: str
    sender: str
    subject: str
    message_id: str
    text: str
    html: str
    headers: dict[str, str]
    received_at: str


@dataclass(frozen=True)
class Behaviour:
    """How letters are answered. Without a reply they are taken."""

    reply: str | None = None
    delay_s: float = 0.0


class Mailbox:
    """The letters, and how each address behaves. Used by the threads of SMTP and of HTTP alike."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._letters: deque[Letter] = deque(maxlen=kept_max)
        self._behaviours: dict[str, Behaviour] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def keep(self, message: EmailMessage, to: str) -> Letter:
        """Keeps a letter, and forgets the oldest when there are too many."""
        plain = message.get_body(("plain",))
        rich = message.get_body(("html",))
        letter = Letter(
            id=next(self._numbers),
            to=to.lower(),
            sender=str(message["From"] or ""),
            subject=str(message["Subject"] or ""),
            message_id=str(message["Message-ID"] or ""),
            text=_content(plain),
            html=_content(rich),
            headers={name: str(value) for name, value in message.items()},
            received_at=datetime.now(UTC).isoformat(),
        )
        with self._lock:
            self._letters.append(letter)
        return letter

    def letters(self, to: str | None = None) -> list[Letter]:
        """Those to an address, or all; the oldest first."""
        with self._lock:
            return [letter for letter in self._letters if to is None or letter.to == to.lower()]

    def clear(self, to: str | None = None) -> None:
        """Forgets those to an address, or all."""
        with self._lock:
            kept = [letter for letter in self._letters if to is not None and letter.to != to.lower()]
            self._letters.clear()
            self._letters.extend(kept)

    def behaviour_of(self, to: str) -> Behaviour:
        """The address's own, else everybody's."""
        with self._lock:
            return self._behaviours.get(to.lower()) or self._behaviours.get(EVERYBODY) or Behaviour()

    def behaves(self, to: str, behaviour: Behaviour | None) -> None:
        """From now on like this; None ends it."""
        with self._lock:
            self._behaviours.pop(to.lower(), None)
            if behaviour is not None:
                self._behaviours[to.lower()] = behaviour


class Postman:
    """What the SMTP server asks."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Takes the address, or answers as it was told to."""
        behaviour = self._mailbox.behaviour_of(address)
        if behaviour.delay_s:
            await asyncio.sleep(behaviour.delay_s)
        if behaviour.reply is not None:
            return behaviour.reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keeps the letter once for each of its addresses."""
        content = envelope.original_content or b""
        message = email.message_from_bytes(content, policy=email.policy.default)
        for address in envelope.rcpt_tos:
            self._mailbox.keep(message, address)
        return "250 Kept"


class Desk(BaseHTTPRequestHandler):
    """What people and tests ask over HTTP."""

    mailbox: Mailbox
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        """Letters, pages, health."""
        path, to = self._asked()
        if path == "/health":
            self._answers(200, {"status": "ready"})
        elif path == "/letters":
            self._answers(200, {"items": [asdict(letter) for letter in self.mailbox.letters(to)]})
        elif path == "/":
            self._shows(_list_page(self.mailbox.letters(to)))
        elif (found := re.fullmatch(r"/shown/(\d{1,9})", path)) is not None:
            letters = [letter for letter in self.mailbox.letters() if letter.id == int(found[1])]
            if letters:
                self._shows(_letter_page(letters[0]))
            else:
                self._answers(404, {"detail": "There is no such letter any more: look at the list."})
        else:
            self._answers(404, {"detail": "There is nothing here: see / for the letters."})

    def do_DELETE(self) -> None:
        """Forgets letters, or a behaviour."""
        path, to = self._asked()
        if path == "/letters":
            self.mailbox.clear(to)
            self._answers(200, {})
        elif path.startswith("/behaviours/"):
            self.mailbox.behaves(unquote(path.removeprefix("/behaviours/")), None)
            self._answers(200, {})
        else:
            self._answers(404, {"detail": "Only letters and behaviours can be forgotten."})

    def do_PUT(self) -> None:
        """Tells how letters to an address are answered."""
        path, _ = self._asked()
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(min(length, BODY_BYTES_MAX))
        if not path.startswith("/behaviours/"):
            self._answers(404, {"detail": "Only behaviours can be told."})
            return
        try:
            behaviour = behaviour_of(body)
        except ValueError as error:
            self._answers(422, {"detail": str(error)})
            return
        self.mailbox.behaves(unquote(path.removeprefix("/behaviours/")), behaviour)
        self._answers(200, asdict(behaviour))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a log is no place for addresses."""

    def _asked(self) -> tuple[str, str | None]:
        parts = urlsplit(self.path)
        return parts.path, next(iter(parse_qs(parts.query).get("to", ())), None)

    def _answers(self, status: int, body: Any) -> None:
        self._sends(status, "application/json", json.dumps(body, ensure_ascii=False))

    def _shows(self, page: str) -> None:
        self._sends(200, "text/html; charset=utf-8", page)

    def _sends(self, status: int, kind: str, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        # A letter's own HTML is shown in a frame, where nothing of it may run or load.
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)


def behaviour_of(body: bytes) -> Behaviour:
    """What a request tells. Raises ValueError, saying what to send."""
    try:
        told = json.loads(body or b"{}")
        reply, delay_s = told.get("reply"), float(told.get("delay_s", 0))
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError('Send JSON such as {"reply": "451 try later", "delay_s": 0.5}.') from error
    if reply is not None and (not isinstance(reply, str) or not REPLY.fullmatch(reply)):
        raise ValueError("A reply is three digits, a space and a few words, such as: 451 try later")
    if not 0 <= delay_s <= DELAY_S_MAX:
        raise ValueError(f"A delay is 0 to {DELAY_S_MAX:.0f} seconds.")
    return Behaviour(reply, delay_s)


def _content(part: Any) -> str:
    return str(part.get_content()) if part is not None else ""


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 1rem auto; padding: 0 1rem }}
li {{ margin: .5rem 0; overflow-wrap: anywhere }} pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}
iframe {{ width: 100%; height: 24rem; border: 1px solid; background: #fff }}
</style></head><body><main><h1>{title}</h1>
{body}
</main></body></html>
"""


def _list_page(letters: list[Letter]) -> str:
    rows = "\n".join(
        f'<li><a href="/shown/{each.id}">{html.escape(each.subject) or "(no subject)"}</a><br>'
        f"<small>to {html.escape(each.to)}, {each.received_at[:19]} UTC</small></li>"
        for each in reversed(letters)
    )
    body = f"<ol reversed>{rows}</ol>" if rows else "<p>No letters yet.</p>"
    return PAGE.format(title="Letters", body=body)


def _letter_page(letter: Letter) -> str:
    told = "".join(f"<li>{html.escape(name)}: {html.escape(value)}</li>" for name, value in letter.headers.items())
    body = (
        f'<p><a href="/">All letters</a></p><h2>As text</h2><pre>{html.escape(letter.text)}</pre>'
        f'<h2>As a page</h2><iframe title="The letter as a page" sandbox srcdoc="{html.escape(letter.html)}"></iframe>'
        f"<h2>Headers</h2><ul>{told}</ul>"
    )
    return PAGE.format(title=html.escape(letter.subject) or "(no subject)", body=body)


def open_post(mailbox: Mailbox, host: str, port: int) -> Controller:
    """The SMTP server, listening in a thread of its own."""
    post = Controller(
        Postman(mailbox), hostname=host, port=port, data_size_limit=LETTER_BYTES_MAX, enable_SMTPUTF8=True
    )
    post.start()
    return post


def open_desk(mailbox: Mailbox, host: str, port: int) -> ThreadingHTTPServer:
    """The HTTP server, yet to be served."""
    desk = type("OpenDesk", (Desk,), {"mailbox": mailbox})
    return ThreadingHTTPServer((host, port), desk)


def main() -> None:
    """Serves until it is ended."""
    mailbox = Mailbox()
    host = os.environ.get("MAILBOX_HOST", "0.0.0.0")  # noqa: S104 - inside its container; only HTTP is published
    post = open_post(mailbox, host, int(os.environ.get("MAILBOX_SMTP_PORT", "1025")))
    try:
        open_desk(mailbox, host, int(os.environ.get("MAILBOX_HTTP_PORT", "8025"))).serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        post.stop()


if __name__ == "__main__":
    main()
