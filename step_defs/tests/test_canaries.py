"""Looking for marked words: what was planted is found, whatever dress it wears, and what was not is not."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from step_defs.dsl.canaries import NEEDED, Canary, Marked, look, look_in_message

NAME = Canary("name", "Qvmtpkrhlsjn")
QUESTION = Canary("question", "абвгдежзийкл")


def found(text: str, canary: Canary = NAME) -> set[str]:
    return {find.dress for find in look("log", text, [canary])}


@pytest.mark.parametrize(
    ("dress", "planted"),
    [
        ("as it is", 'GET /x 200 {"who": "Qvmtpkrhlsjn"}'),
        ("as it is", "QVMTPKRHLSJN and qvmtpkrhlsjn"),
        ("as base64", f"data:{base64.b64encode(b'Zephyrine Qvmtpkrhlsjn').decode()}"),
        ("as hex", f"\\x00{b'Qvmtpkrhlsjn'.hex()}ff"),
    ],
)
def test_a_word_in_a_log_line_is_found(dress: str, planted: str) -> None:
    assert dress in found(planted)


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
@pytest.mark.parametrize("after", ["", "z", "zy", "zyx"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_word_inside_base64_is_found_wherever_it_begins(before: str, after: str, encode: object) -> None:
    assert callable(encode)
    for canary in (NAME, QUESTION):
        planted = encode(f"{before}{canary.mark}{after}".encode()).decode()
        assert "as base64" in found(f"token={planted}", canary), planted


def test_a_cyrillic_word_is_found_as_urls_and_json_write_it() -> None:
    said = f"к свадьбе {QUESTION.mark}"
    assert "as in a URL" in found(f"GET /search?query={quote(said)}", QUESTION)
    assert "as in a URL" in found(f"query={quote_plus(said).lower()}", QUESTION)
    assert "as in JSON" in found(json.dumps({"text": said}), QUESTION)


def test_nothing_is_found_where_nothing_was_planted() -> None:
    assert (
        look("log", json.dumps({"order": "Q-26", "trace": "0af7651916cd43dd8448eb211c80319c"}), [NAME, QUESTION]) == []
    )


def test_a_find_says_where_and_what_stood_around_it() -> None:
    (find,) = look("shop's log", "the order of Qvmtpkrhlsjn is late", [NAME])
    assert str(find) == "shop's log: name, as it is: ...the order of Qvmtpkrhlsjn is late..."


def submitted(**more: object) -> dict[str, object]:
    data = {"customer": {"id": "1", "name": NAME.mark}, "lines": [{"title": f"{NAME.mark}.stl", "sku": None}], **more}
    return {"id": "7", "type": "shop.order_submitted.v1", "subject": "9", "data": data}


def test_what_readers_need_may_stand_in_a_message_where_they_need_it() -> None:
    assert look_in_message("outbox", submitted(), [NAME]) == []


@pytest.mark.parametrize(
    "envelope",
    [
        submitted(number=NAME.mark),
        submitted(lines=[{"title": "ring", "sku": NAME.mark}]),
        submitted(delivery={NAME.mark: 1}),
        submitted() | {"traceparent": NAME.mark},
        submitted() | {"type": "pricing.order_priced.v1"},
    ],
)
def test_anywhere_else_in_a_message_it_is_found(envelope: dict[str, object]) -> None:
    assert look_in_message("outbox", envelope, [NAME])


def test_every_word_that_was_said_is_looked_for() -> None:
    marked = Marked()
    said = [marked.name, marked.email, marked.phone, marked.address, marked.password, marked.mistyped, marked.file]
    said += [marked.engraving, marked.question, marked.complaint, marked.note]
    canaries = marked.canaries()
    assert len({canary.mark for canary in canaries}) == len(said)
    for text in said:
        assert len({find.what for find in look("said", text, canaries)}) == 1, text


def test_no_two_customers_share_a_word() -> None:
    one, other = Marked(), Marked()
    assert one.email != other.email and one.phone != other.phone
    assert not look("said", f"{one.name} {one.email} {one.phone}", [*_said_by(other)])


def _said_by(marked: Marked) -> list[Canary]:
    assert marked.name and marked.email and marked.phone
    return marked.canaries()


def test_the_messages_that_may_name_somebody_are_few() -> None:
    assert all(kind.endswith(".v1") and paths for kind, paths in NEEDED.items())
    assert len(NEEDED) == 5
