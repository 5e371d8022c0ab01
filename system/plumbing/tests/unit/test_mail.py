"""A notice becomes a letter that a real mail server takes; nothing that anybody typed becomes a header."""

from __future__ import annotations

import asyncio
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from pydantic import SecretStr

from system.images.mailbox.mailbox import Behaviour
from system.plumbing.mail.envelope import AddressUnusable, html_of, message_of, recipient
from system.plumbing.mail.notice import Notice, Written, can_be_written_to
from system.plumbing.mail.sealing import Seal
from system.plumbing.mail.smtp import LetterRefused, PostUnavailable, SmtpPost
from system.plumbing.tests.post import RealPost, free_port, mail_settings, real_post

ORDER = UUID(int=7)
NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
FROM = "Александрит <orders@alexandrite.example>"
NOTICE = Notice("order-received", ORDER, "anna@example.com", "ru", {})
WRITTEN = Written("Ваш заказ A-26000001 у нас", "Спасибо!\n\nСледить:\nhttps://localhost:8443/shop/track/abc\n")


@pytest.fixture
def post() -> Iterator[RealPost]:
    with real_post() as opened:
        yield opened


async def send(post: RealPost, notice: Notice = NOTICE, written: Written = WRITTEN, **settings: object) -> None:
    message = message_of(notice, written, sender=FROM, now=NOW)
    await SmtpPost(post.settings(**settings)).send(message, to=notice.to)


# -- the letter ----------------------------------------------------------------------------------------------------------


async def test_a_letter_arrives_as_it_was_written(post: RealPost) -> None:
    await send(post)

    [letter] = post.letters("anna@example.com")
    assert (letter.subject, letter.sender) == (WRITTEN.subject, FROM)
    assert letter.text.replace("\r\n", "\n") == WRITTEN.text
    assert '<a href="https://localhost:8443/shop/track/abc">' in letter.html and 'lang="ru"' in letter.html
    assert letter.headers["Auto-Submitted"] == "auto-generated"
    assert letter.message_id == f"<{NOTICE.id}@alexandrite.example>"


def test_the_same_occasion_is_the_same_letter_and_another_is_not() -> None:
    again = replace(NOTICE, to="other@example.com", facts={"number": "A-1"})
    assert again.id == NOTICE.id
    others = (replace(NOTICE, kind="order-shipped"), replace(NOTICE, about=UUID(int=8)), replace(NOTICE, occasion="2"))
    assert len({NOTICE.id, *(each.id for each in others)}) == 4


@pytest.mark.parametrize("bad", ["\r\nBcc: thief@example.com", "\nBcc: thief@example.com", "\u2028Bcc: x@y.z", "\x00"])
def test_no_words_become_a_header(bad: str) -> None:
    message = message_of(NOTICE, replace(WRITTEN, subject=f"Order {bad}"), sender=FROM, now=NOW)
    read = email.message_from_bytes(message.as_bytes(), policy=email.policy.default)
    assert read["Bcc"] is None and read["Subject"].startswith("Order")


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "anna",
        "a@b@c.example",
        "anna@example.com\r\nBcc: thief@example.com",
        "anna@example.com, thief@example.com",
        "anna@example.com;thief@example.com",
        "an na@example.com",
        "<anna@example.com",
    ],
)
def test_what_is_not_one_address_gets_no_letter(bad: str) -> None:
    with pytest.raises(AddressUnusable):
        message_of(replace(NOTICE, to=bad), WRITTEN, sender=FROM, now=NOW)


def test_an_address_is_itself() -> None:
    assert recipient("o'neil.anna+orders@example.com").addr_spec == "o'neil.anna+orders@example.com"


def test_words_are_no_markup() -> None:
    shown = html_of(Written("<b>", 'A <script>alert(1)</script> & more\nhttps://x.example/?a=1&b="2'), "en")
    assert "<script>" not in shown and "&lt;script&gt;" in shown and "<title>&lt;b&gt;</title>" in shown
    assert '<a href="https://x.example/?a=1&amp;b=">https://x.example/?a=1&amp;b=</a>&quot;2' in shown


@pytest.mark.parametrize(
    ("address", "can"),
    [("anna@example.com", True), ("guest-1@guest.invalid", False), ("Guest-1@GUEST.invalid ", False), ("anna", False)],
)
def test_guests_stand_ins_are_never_written_to(address: str, can: bool) -> None:
    assert can_be_written_to(address) is can


def test_a_header_that_would_end_early_is_not_kept() -> None:
    message = message_of(NOTICE, WRITTEN, sender=FROM, now=NOW)
    for value in ("one\r\nBcc: thief@example.com", "one\ntwo", "one\rtwo"):
        with pytest.raises(ValueError, match="would end"):
            message["X-Note"] = value
    with pytest.raises(ValueError, match="at most 1"):
        message["To"] = "thief@example.com"


@pytest.mark.parametrize(
    "subject",
    [
        "Your order A-26000001",
        "Ваш заказ " + "очень длинный " * 10,
        "A long subject " * 12,
        "It says =?utf-8?b?QQ==?= here",
    ],
    ids=["short", "long-russian", "long-english", "encoded-looking"],
)
def test_a_subject_is_read_as_it_was_written_and_no_line_is_too_long(subject: str) -> None:
    body = message_of(NOTICE, replace(WRITTEN, subject=subject), sender=FROM, now=NOW).as_bytes()
    read = email.message_from_bytes(body, policy=email.policy.default)
    assert read["Subject"] == subject.strip() and read["From"] == FROM and read["Content-Language"] == "ru"
    assert max(len(line) for line in body.split(b"\r\n")) <= 100


# -- the mail server -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ("550 no such mailbox", LetterRefused),
        ("552 full for ever", LetterRefused),
        ("451 come back later", PostUnavailable),
        ("421 we are closing", PostUnavailable),
    ],
)
async def test_what_the_server_says_decides_whether_to_come_again(
    post: RealPost, reply: str, outcome: type[Exception]
) -> None:
    post.mailbox.behaves("anna@example.com", Behaviour(reply=reply))
    with pytest.raises(outcome, match=reply):
        await send(post)
    assert post.letters() == []


async def test_a_server_that_is_away_or_silent_is_tried_again(post: RealPost) -> None:
    nobody = SmtpPost(mail_settings(smtp_port=free_port()))
    with pytest.raises(PostUnavailable, match="refused"):
        await nobody.send(message_of(NOTICE, WRITTEN, sender=FROM, now=NOW), to=NOTICE.to)
    post.mailbox.behaves("*", Behaviour(delay_s=0.5))
    with pytest.raises(PostUnavailable, match=r"timed out|Timeout"):
        await send(post, smtp_timeout_s=0.1)


async def test_a_server_without_tls_or_sign_in_gets_no_letter_when_they_are_wanted(post: RealPost) -> None:
    with pytest.raises(PostUnavailable, match="STARTTLS"):
        await send(post, smtp_tls="starttls")
    with pytest.raises(PostUnavailable, match="AUTH"):
        await send(post, smtp_user="us", smtp_password=FROM)
    assert post.letters() == []


async def test_an_address_in_letters_of_its_own_gets_its_letter(post: RealPost) -> None:
    message = message_of(NOTICE, WRITTEN, sender=FROM, now=NOW)
    await SmtpPost(post.settings()).send(message, to="анна@example.com")
    assert len(post.letters("анна@example.com")) == 1


async def test_a_connection_is_kept_for_the_next_letter_and_replaced_when_the_server_left_it() -> None:
    with real_post() as post:
        kept = SmtpPost(post.settings(), kept_s=60)
        letter = message_of(NOTICE, WRITTEN, sender=FROM, now=NOW)
        ports = []
        for _ in range(3):
            await kept.send(letter, to=NOTICE.to)
            ports.append(kept._kept[0].server.sock.getsockname()[1])  # type: ignore[union-attr]
        assert len(set(ports)) == 1
        # As a server does that waited too long for more.
        kept._kept[0].server.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
        await kept.send(letter, to=NOTICE.to)
        assert kept._kept[0].server.sock.getsockname()[1] != ports[0]  # type: ignore[union-attr]
        await kept.close()
        assert kept._kept == [] and len(post.letters(NOTICE.to)) == 4


async def test_a_refused_letter_ends_the_connection_and_spoils_none_after_it(post: RealPost) -> None:
    kept = SmtpPost(post.settings(), kept_s=60)
    letter = message_of(NOTICE, WRITTEN, sender=FROM, now=NOW)
    post.mailbox.behaves("nobody@example.com", Behaviour(reply="550 no such mailbox"))
    await kept.send(letter, to=NOTICE.to)
    with pytest.raises(LetterRefused):
        await kept.send(letter, to="nobody@example.com")
    await kept.send(letter, to=NOTICE.to)
    await kept.close()
    assert [each.to for each in post.letters()] == [NOTICE.to] * 2


async def test_a_connection_that_nobody_needs_is_left(post: RealPost) -> None:
    kept = SmtpPost(post.settings(), kept_s=0.05)
    await kept.send(message_of(NOTICE, WRITTEN, sender=FROM, now=NOW), to=NOTICE.to)
    async with asyncio.timeout(5):
        while kept._kept:
            await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=0.02)


# -- what a waiting letter must not tell ---------------------------------------------------------------------------------


def test_a_seal_opens_with_its_own_key_alone() -> None:
    ours, theirs = Seal(SecretStr("one key")), Seal(SecretStr("another key"))
    sealed = ours.closed("the link")
    assert "link" not in sealed and Seal(SecretStr("one key")).opened(sealed) == "the link"
    for stranger, text in ((theirs, sealed), (ours, sealed[:-4] + "AAA="), (ours, "nothing")):
        with pytest.raises(ValueError, match="another key"):
            stranger.opened(text)
