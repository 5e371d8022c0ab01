"""A notice as a message of RFC 5322: plain text with a simple HTML alternative, in UTF-8."""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from html import escape
from typing import Any

from system.plumbing.mail.notice import Notice, Written

SUBJECT_CHARACTERS_MAX = 200
_ENDS_A_HEADER = re.compile(r"\r\n(?![ \t])|(?<!\r)\n|\r(?!\n)")
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


class _Composed(EmailPolicy):
    """Headers stay as they were composed: the library's registry parses and folds each anew, which took most of a letter's time."""

    def header_max_count(self, name: str) -> int:
        # Each once; the registry makes a class to find that out.
        return 1

    def header_store_parse(self, name: str, value: Any) -> tuple[str, str]:
        text = str(value)
        if _ENDS_A_HEADER.search(text):
            raise ValueError(f"the header {name} would end before its value does")
        return name, text

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return value

    def fold(self, name: str, value: str) -> str:
        return f"{name}: {value}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        # All are ASCII but an address in letters of its own, for which a server must know SMTPUTF8.
        return self.fold(name, value).encode()


_COMPOSED = _Composed(linesep="\r\n")


def message_of(notice: Notice, written: Written, *, sender: str, now: datetime) -> EmailMessage:
    """The message, ready to be sent. Raises AddressUnusable.

    Its Message-ID is the notice's own: of a letter that came twice, because we died before we knew that it was taken, mail
    programs show one.
    """
    origin, domain = _origin(sender)
    message = EmailMessage(policy=_COMPOSED)
    message["From"] = origin
    message["To"] = recipient(notice.to).addr_spec
    message["Subject"] = _encoded("Subject", _one_line(written.subject)[:SUBJECT_CHARACTERS_MAX])
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{notice.id}@{domain}>"
    # RFC 3834: nobody's holiday reply answers a machine.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(written.text.strip() + "\n", cte="base64" if not written.text.isascii() else "quoted-printable")
    message.add_alternative(html_of(written, notice.language), subtype="html", cte="base64")
    # After the content, which would take it along and lose it.
    message["Content-Language"] = notice.language
    return message


@lru_cache(maxsize=8)
def _origin(sender: str) -> tuple[str, str]:
    """The From header of the settings' sender, and its domain."""
    origin = sender_of(sender)
    if origin.display_name.isascii():
        return str(origin), origin.domain
    return f"{_encoded('From', origin.display_name)} <{origin.addr_spec}>", origin.domain


def _encoded(name: str, words: str) -> str:
    """Words as a header has them, folded (RFC 2047)."""
    # What looks encoded already is encoded once more, so that it is shown as it was written.
    charset = "us-ascii" if words.isascii() and "=?" not in words else "utf-8"
    return Header(words, charset, header_name=name).encode(linesep="\r\n")


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
