"""A notice as a message of RFC 5322: plain text with a simple HTML alternative, in UTF-8."""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape

from system.plumbing.mail.notice import Notice, Written

SUBJECT_CHARACTERS_MAX = 200
_LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")


class AddressUnusable(ValueError):
    """Nobody can be written to at this address: it is no address, or more than one."""


def recipient(address: str) -> Address:
    """A bare address, as it was typed into a form. Raises AddressUnusable."""
    # What can end a header, or begin a second address, is in no address.
    if address.count("@") != 1 or re.search(r"[\s\x00-\x1f\x7f,:;<>()\[\]\\\"]", address):
        raise AddressUnusable("this is not one e-mail address")
    try:
        return Address(addr_spec=address)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise AddressUnusable("this is not an e-mail address") from error


def sender_of(told: str) -> Address:
    """An address with or without a name, as the settings tell it. Raises AddressUnusable."""
    name, address = parseaddr(told)
    return Address(_one_line(name), addr_spec=recipient(address).addr_spec)


def message_of(notice: Notice, written: Written, *, sender: str, now: datetime) -> EmailMessage:
    """The message, ready to be sent. Raises AddressUnusable.

    Its Message-ID is the notice's own: of a letter that came twice, because we died before we knew that it was taken, mail
    programs show one.
    """
    origin = sender_of(sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = origin
    message["To"] = recipient(notice.to)
    message["Subject"] = _one_line(written.subject)[:SUBJECT_CHARACTERS_MAX]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice.id}@{origin.domain}>"
    message["Content-Language"] = notice.language
    # RFC 3834: nobody's holiday reply answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(written.text.strip() + "\n", cte="base64" if not written.text.isascii() else "quoted-printable")
    message.add_alternative(html_of(written, notice.language), subtype="html", cte="base64")
    return message


def html_of(written: Written, language: str) -> str:
    """The same words as a page without style: paragraphs, and links that can be pressed."""
    paragraphs = (part.strip() for part in re.split(r"\n\s*\n", written.text.strip()))
    body = "\n".join(f"<p>{_linked(part)}</p>" for part in paragraphs if part)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{escape(written.subject)}</title></head>\n'
        f"<body>\n{body}\n</body></html>\n"
    )


def _linked(paragraph: str) -> str:
    parts: list[str] = []
    place = 0
    for found in _LINK.finditer(paragraph):
        address = escape(found.group())
        parts += [escape(paragraph[place : found.start()]), f'<a href="{address}">{address}</a>']
        place = found.end()
    parts.append(escape(paragraph[place:]))
    return "".join(parts).replace("\n", "<br>\n")


def _one_line(text: str) -> str:
    """Without what could end a header: whoever chose these words chooses no further headers."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]", " ", text).split())
