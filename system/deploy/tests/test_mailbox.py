"""The played mail server: what people and tests read of it, and how they tell it to behave."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage

import httpx
import pytest

from system.images.mailbox.mailbox import Mailbox, behaviour_of, open_desk
from system.plumbing.tests.post import RealPost, real_post

ANNA = "anna+1@example.com"


@pytest.fixture
def post() -> Iterator[RealPost]:
    with real_post() as opened:
        yield opened


@pytest.fixture
def desk(post: RealPost) -> Iterator[httpx.Client]:
    server = open_desk(post.mailbox, "127.0.0.1", 0)
    serving = threading.Thread(target=server.serve_forever, args=(0.01,))
    serving.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def letter(subject: str = "Hello", text: str = "Words") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "us@example.com", ANNA, subject
    message.set_content(text)
    message.add_alternative("<p>Words</p><script>alert(1)</script>", subtype="html")
    return message


def send(post: RealPost, message: EmailMessage, *to: str) -> None:
    with smtplib.SMTP("127.0.0.1", post.port, timeout=5) as server:
        server.send_message(message, "us@example.com", list(to))


def test_letters_are_found_by_address_and_forgotten_by_it(post: RealPost, desk: httpx.Client) -> None:
    send(post, letter("Привет"), ANNA, "boris@example.com")

    [mine] = desk.get("/letters", params={"to": ANNA}).json()["items"]
    assert (mine["to"], mine["subject"], mine["text"].strip(), mine["sender"]) == (
        ANNA, "Привет", "Words", "us@example.com",
    )  # fmt: skip
    assert len(desk.get("/letters").json()["items"]) == 2
    desk.delete("/letters", params={"to": ANNA})
    assert [each["to"] for each in desk.get("/letters").json()["items"]] == ["boris@example.com"]
    desk.delete("/letters")
    assert desk.get("/letters").json()["items"] == []


def test_an_address_behaves_as_it_was_told(post: RealPost, desk: httpx.Client) -> None:
    assert desk.put(f"/behaviours/{ANNA}", json={"reply": "451 try later"}).json() == {
        "reply": "451 try later", "delay_s": 0.0,
    }  # fmt: skip
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(post, letter(), ANNA)
    assert refused.value.recipients[ANNA][0] == 451
    send(post, letter(), "boris@example.com")
    desk.delete(f"/behaviours/{ANNA}")
    send(post, letter(), ANNA)
    assert len(desk.get("/letters", params={"to": ANNA}).json()["items"]) == 1


@pytest.mark.parametrize(
    "body", ["nonsense", "[]", '{"reply": "later"}', '{"reply": "451 a\\r\\nb"}', '{"delay_s": -1}', '{"delay_s": 61}']
)
def test_a_behaviour_that_is_none_is_refused_with_what_to_send(desk: httpx.Client, body: str) -> None:
    answer = desk.put(f"/behaviours/{ANNA}", content=body)
    assert answer.status_code == 422 and answer.json()["detail"]
    with pytest.raises(ValueError, match=r"Send|A reply|A delay"):
        behaviour_of(body.encode())


def test_pages_show_letters_and_run_nothing_of_them(post: RealPost, desk: httpx.Client) -> None:
    assert "No letters yet" in desk.get("/").text
    send(post, letter("<b>bold</b>"), ANNA)
    listed, shown = desk.get("/"), desk.get("/shown/1")
    assert "&lt;b&gt;bold" in listed.text and "<b>bold" not in listed.text + shown.text
    assert "sandbox" in shown.text and "<script>" not in shown.text
    assert shown.headers["content-security-policy"].startswith("default-src 'none'")
    assert desk.get("/shown/2").status_code == desk.get("/nothing").status_code == 404
    assert desk.get("/health").status_code == 200


def test_the_oldest_letters_go_when_there_are_too_many() -> None:
    mailbox = Mailbox(kept_max=3)
    for number in range(5):
        mailbox.keep(letter(str(number)), ANNA)
    assert [each.subject for each in mailbox.letters()] == ["2", "3", "4"]
