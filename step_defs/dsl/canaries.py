"""Words that nobody else has, planted in what one customer says, and looked for wherever they are not needed.

A word counts as found in whatever dress it comes: as it is, in any case, as a URL or JSON writes it, as base64, or as hex.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

BASE64_BITS = 6
SHOWN_AROUND = 60

Path = tuple[str, ...]
CUSTOMER = {
    ("customer", "name"),
    ("customer", "email"),
    ("customer", "phone"),
    ("delivery", "recipient"),
    ("delivery", "address"),
    ("delivery", "city"),
}
TITLES = ("lines", "title")
SAID = {("reason",), ("history", "reason"), ("history", "actor")}
NEEDED: Mapping[str, frozenset[Path]] = {
    "shop.order_submitted.v1": frozenset({*CUSTOMER, TITLES, ("partner_reference",)}),
    "orchestrator.order_changed.v1": frozenset(SAID),
    "orchestrator.release_work_orders.v1": frozenset({("work_orders", "title")}),
    "orchestrator.withdraw_work_orders.v1": frozenset({("reason",), ("requested_by",)}),
    "crm.order_rejected.v1": frozenset({("reason",)}),
}
"""Where in a message of each type its readers need what a customer said; the same list as what is taken out of it when they leave.
Items of lists are passed over: ("lines", "title") is the title of any line."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One marked word: what it is of the customer, and the letters that nobody else has."""

    what: str
    mark: str

    def dresses(self) -> Iterator[tuple[str, str]]:
        """The word in each dress that looks different, in lower case, with the name of the dress; base64 is apart."""
        dressed = {
            "as it is": self.mark,
            "as in a URL": quote(self.mark, safe=""),
            "as in JSON": json.dumps(self.mark)[1:-1],
            "as hex": self.mark.encode().hex(),
        }
        names = {word.lower(): dress for dress, word in reversed(dressed.items())}
        yield from ((dress, word) for word, dress in names.items())

    def in_base64(self) -> Iterator[str]:
        """What of its base64 does not depend on what stands around it, for each of the three places where it may begin."""
        for word in {self.mark, self.mark.lower(), self.mark.capitalize()}:
            for before in range(3):
                data = word.encode()
                encoded = base64.b64encode(bytes(before) + data).decode()
                begins = -(-before * 8 // BASE64_BITS)
                ends = (before + len(data)) * 8 // BASE64_BITS
                yield encoded[begins:ends]
                yield encoded[begins:ends].replace("+", "-").replace("/", "_")


@dataclass(frozen=True, slots=True)
class Find:
    """A word where it is not needed."""

    where: str
    what: str
    dress: str
    around: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}, {self.dress}: ...{self.around}..."


def look(where: str, text: str, canaries: Iterable[Canary]) -> list[Find]:
    """Each canary that stands in a text, once for each dress."""
    lowered = text.lower()
    found: dict[tuple[str, str], Find] = {}
    for canary in canaries:
        places = [(dress, lowered.find(word)) for dress, word in canary.dresses()]
        places += [("as base64", text.find(word)) for word in canary.in_base64()]
        for dress, place in places:
            if place >= 0:
                around = text[max(0, place - SHOWN_AROUND) : place + SHOWN_AROUND]
                found.setdefault((canary.what, dress), Find(where, canary.what, dress, around))
    return list(found.values())


def look_in_message(where: str, envelope: Mapping[str, Any], canaries: Iterable[Canary]) -> list[Find]:
    """As `look`, of a message: what its type's readers need is passed over, everything around it is not."""
    canaries = list(canaries)
    needed = NEEDED.get(str(envelope.get("type")), frozenset())
    found = look(where, json.dumps({key: each for key, each in envelope.items() if key != "data"}), canaries)
    for path, leaf in _leaves(envelope.get("data")):
        if path not in needed:
            found += look(f"{where} {'.'.join(path)}", leaf, canaries)
    return found


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            # A name of a field can give somebody away as well.
            yield path, str(key)
            yield from _leaves(each, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each, path)
    elif value is not None:
        yield path, str(value)


class Marked:
    """What one customer says, each word with a mark of its own."""

    def __init__(self) -> None:
        # So many that no moment in nanoseconds is taken for them.
        self._digits = f"9{int(uuid.uuid4()) % 10**12:012d}"

    def _mark(self, what: str) -> str:
        mark = _letters()
        self.__dict__.setdefault("marks", {})[what] = mark
        return mark

    @cached_property
    def name(self) -> str:
        """What they are called."""
        return f"Zephyrine {self._mark('name').capitalize()}"

    @cached_property
    def email(self) -> str:
        """Where they are written to."""
        return f"zephyrine.{self._mark('e-mail')}@customers.example"

    @cached_property
    def phone(self) -> str:
        """Where they are called."""
        return f"+7{self._digits}"

    @cached_property
    def address(self) -> str:
        """Where they live."""
        return f"Numbat Lane {self._mark('address')} 271"

    @cached_property
    def password(self) -> str:
        """What opens their account."""
        return f"only I know {self._mark('password')}"

    @cached_property
    def mistyped(self) -> str:
        """What they type once instead."""
        return f"only I knew {self._mark('mistyped password')}"

    @cached_property
    def file(self) -> str:
        """What their model is called at home."""
        return f"for {self._mark('file name')}"

    @cached_property
    def engraving(self) -> str:
        """What is to be written inside the ring."""
        return f"engrave: ever yours, {self._mark('engraving')}"

    @cached_property
    def question(self) -> str:
        """What they ask us, in Cyrillic letters, which URLs and JSON may write otherwise."""
        return f"Успеете ли к свадьбе? {_cyrillic(self._mark('question'))}"

    @cached_property
    def complaint(self) -> str:
        """What they are not content with."""
        return f"my aunt {self._mark('complaint')} says that it is too loose"

    @cached_property
    def note(self) -> str:
        """What a seller writes down about them."""
        return f"call her husband {self._mark('note')} instead"

    def canaries(self) -> list[Canary]:
        """Every word that was said so far."""
        marks: dict[str, str] = self.__dict__.get("marks", {})
        words = [Canary(what, mark) for what, mark in marks.items() if what != "question"]
        words += [Canary("question", _cyrillic(mark)) for what, mark in marks.items() if what == "question"]
        if "phone" in self.__dict__:
            words.append(Canary("phone", self._digits))
        return words


def _letters() -> str:
    """Twelve letters that no hexadecimal number has, so that no id is taken for a word."""
    return "".join(chr(ord("g") + int(digit, 16)) for digit in uuid.uuid4().hex[-12:])


def _cyrillic(mark: str) -> str:
    return "".join(chr(ord("а") + ord(letter) - ord("g")) for letter in mark)
