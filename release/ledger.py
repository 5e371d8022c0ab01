"""Everything that was ever said of a candidate: one signed statement per line, each holding the hash of the line before.

Ledger(home).append(predicate_type, digest, predicate, key) -> Entry    on disk when it returns; refuses a broken ledger
Ledger(home).read() -> tuple[Entry, ...]                                all or nothing: EvidenceInvalid for any flaw
Ledger(home).entries(kind, digest=, gate=) -> [(Entry, predicate)]      the same, filtered; `select` filters what was read
Ledger(home).head() -> str                                              what a pin records (64 zeros while empty)
Ledger(home).verify_anchor(head)                                        EvidenceInvalid when lines up to it were cut off
Ledger(home).repair(key, now) -> tuple[Entry, ...]                      after an append that was interrupted, only then
Ledger(home).blobs                                                      the raw results that evidence names

What a chain cannot show is that its end was cut off: the heads recorded elsewhere (pins) are its anchors.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from release import signing, statement
from release.blobs import Blobs, fsync_directory
from release.errors import EvidenceInvalid
from release.home import Home
from release.signing import SignerKind, SigningKey, Trust
from release.statement import NOTHING_BEFORE, Predicate, Repaired, Waiver

_REPAIR = "Run: python -m release ledger repair"
_RESTORE = "Restore it from its last backup and run the gates again; nothing is promoted until then."
P = TypeVar("P", bound=Predicate)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that was found right."""

    sequence: int
    line: str
    """SHA-256 (hex) of the line's bytes, without the newline."""
    previous: str
    digest: str
    predicate: Predicate
    signer: str
    signer_kind: SignerKind


def select(
    entries: Iterable[Entry], kind: type[P], *, digest: str | None = None, gate: str | None = None
) -> list[tuple[Entry, P]]:
    """The entries of one kind (a predicate's model) in order, each with its predicate; of one digest or gate when given."""
    return [
        (entry, entry.predicate)
        for entry in entries
        if isinstance(entry.predicate, kind)
        and digest in (None, entry.digest)
        and gate in (None, getattr(entry.predicate, "gate", None))
    ]


def check_anchors(entries: Iterable[Entry], heads: Iterable[str]) -> None:
    """Raises EvidenceInvalid when a head that was recorded elsewhere is not among the entries: lines were cut off."""
    lines = {NOTHING_BEFORE, *(entry.line for entry in entries)}
    for head in heads:
        if head not in lines:
            raise EvidenceInvalid(
                f"The ledger was truncated or replaced: a pin recorded the line {head[:12]}, which is not in it.",
                remedy=_RESTORE,
            )


class Ledger:
    """The ledger of one pipeline. Several processes may use it at once: they wait for each other."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._path = home.ledger
        self.blobs = Blobs(home)
        # Lines found right before, by hash, under the keys trusted then: hashing again is cheap, signatures are not.
        self._known: dict[str, Entry] = {}
        self._known_under: frozenset[tuple[str, str]] = frozenset()

    def append(
        self, predicate_type: str, digest: str, predicate: Predicate | Mapping[str, object], key: SigningKey
    ) -> Entry:
        """Signs and writes one entry about `digest`.

        Raises EvidenceInvalid, and writes nothing, when the ledger is broken, when the predicate is not of its type, or when
        the key is not trusted or may not say this (people waive, each for themselves; the pipeline says everything else).
        """
        said = statement.predicate_of(predicate_type, predicate)
        with self._locked(fcntl.LOCK_EX) as descriptor:
            content = _content(descriptor)
            trusted = signing.trusted_keys(self._home)
            entries = self._verified(content, trusted)
            sequence, previous = (entries[-1].sequence + 1, entries[-1].line) if entries else (1, NOTHING_BEFORE)
            payload = statement.build(said, digest, sequence=sequence, previous=previous)
            line = signing.sign(payload, key)
            # Read back before it is written: what `read` would refuse must never get in.
            entry = self._entry(line, trusted)
            _write(descriptor, line + b"\n", at=len(content))
            fsync_directory(self._path.parent)
            return entry

    def read(self) -> tuple[Entry, ...]:
        """Every entry, verified: JSON, signature by a trusted key of the right kind, sequence, chain, last line complete."""
        if not self._path.exists():
            return ()
        with self._locked(fcntl.LOCK_SH) as descriptor:
            content = _content(descriptor)
        return self._verified(content, signing.trusted_keys(self._home))

    def entries(self, kind: type[P], *, digest: str | None = None, gate: str | None = None) -> list[tuple[Entry, P]]:
        """`select` over everything that is read."""
        return select(self.read(), kind, digest=digest, gate=gate)

    def head(self) -> str:
        """The hash of the last line, 64 zeros while there is none."""
        entries = self.read()
        return entries[-1].line if entries else NOTHING_BEFORE

    def verify_anchor(self, head: str) -> None:
        """Raises EvidenceInvalid when the line `head`, recorded elsewhere, is not in the ledger."""
        check_anchors(self.read(), (head,))

    def repair(self, key: SigningKey, now: datetime) -> tuple[Entry, ...]:
        """Moves what an interrupted append left behind the last newline into `ledger.torn-<sha256>`, and records that.

        Mends nothing else: raises EvidenceInvalid when the complete lines are wrong. Can be repeated after a kill at any
        moment; a rest that was moved but not yet recorded is recorded then. Returns the records made, none when all is well.
        """
        with self._locked(fcntl.LOCK_EX) as descriptor:
            content = _content(descriptor)
            end = content.rfind(b"\n") + 1
            entries = self._verified(content[:end], signing.trusted_keys(self._home))
            if rest := content[end:]:
                self._keep_rest(rest)
                os.ftruncate(descriptor, end)
                os.fsync(descriptor)
        recorded = {predicate.file for _, predicate in select(entries, Repaired)}
        made = []
        for path in sorted(self._path.parent.glob("ledger.torn-*")):
            if path.name not in recorded:
                rest = path.read_bytes()
                said = Repaired(file=path.name, size_bytes=len(rest), at=now)
                made.append(self.append(Repaired.TYPE, f"sha256:{hashlib.sha256(rest).hexdigest()}", said, key))
        return tuple(made)

    def _keep_rest(self, rest: bytes) -> None:
        path = self._path.parent / f"ledger.torn-{hashlib.sha256(rest).hexdigest()}"
        temporary = self._path.parent / f".{path.name}"
        with temporary.open("wb") as stream:
            stream.write(rest)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        fsync_directory(path.parent)

    @contextlib.contextmanager
    def _locked(self, how: int) -> Iterator[int]:
        """The open ledger, locked: nobody reads half an append, and nobody chains to a line that is not the last."""
        flags = os.O_RDONLY if how == fcntl.LOCK_SH else os.O_RDWR | os.O_CREAT
        if how != fcntl.LOCK_SH:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, flags, 0o644)
        try:
            fcntl.flock(descriptor, how)
            yield descriptor
        finally:
            os.close(descriptor)

    def _verified(self, content: bytes, trusted: Trust) -> tuple[Entry, ...]:
        if content and not content.endswith(b"\n"):
            raise EvidenceInvalid("The ledger's last line is incomplete: an append was interrupted.", remedy=_REPAIR)
        entries: list[Entry] = []
        seen: dict[str, int] = {}
        previous = NOTHING_BEFORE
        for number, line in enumerate(content.split(b"\n")[:-1], start=1):
            line_hash = hashlib.sha256(line).hexdigest()
            if line_hash in seen:
                raise _broken(number, f"It repeats line {seen[line_hash]}.")
            seen[line_hash] = number
            try:
                entry = self._entry(line, trusted)
            except EvidenceInvalid as failure:
                raise _broken(number, str(failure)) from failure
            if entry.sequence != number:
                raise _broken(number, f"It has the sequence {entry.sequence}: lines were removed, added or reordered.")
            if entry.previous != previous:
                raise _broken(number, "It does not continue the line before it: the chain is broken.")
            entries.append(entry)
            previous = line_hash
        return tuple(entries)

    def _entry(self, line: bytes, trusted: Trust) -> Entry:
        """The entry that `line` holds, except for its place in the chain. Raises EvidenceInvalid."""
        under = frozenset((keyid, f"{key.kind}/{key.name}") for keyid, key in trusted.items())
        if under != self._known_under:
            self._known.clear()
            self._known_under = under
        line_hash = hashlib.sha256(line).hexdigest()
        if line_hash not in self._known:
            self._known[line_hash] = _parse(line, line_hash, trusted)
        return self._known[line_hash]


def _parse(line: bytes, line_hash: str, trusted: Trust) -> Entry:
    signed = signing.verify(line, trusted)
    said = statement.read(signed.payload)
    if isinstance(said.predicate, Waiver):
        if signed.kind is not SignerKind.PERSON:
            raise EvidenceInvalid(f"The waiver is signed by the pipeline ({signed.signer}); only a person can waive.")
        if signed.signer != said.predicate.owner:
            raise EvidenceInvalid(f"{signed.signer} signed a waiver in the name of {said.predicate.owner}.")
    elif signed.kind is not SignerKind.PIPELINE:
        raise EvidenceInvalid(f"It is signed by a person ({signed.signer}); only the pipeline can say this.")
    return Entry(
        said.sequence, line_hash, said.previous, said.digest, said.predicate, signed.signer, signed.kind
    )  # fmt: skip


def _broken(number: int, why: str) -> EvidenceInvalid:
    return EvidenceInvalid(f"The ledger cannot be relied upon: line {number}. {why}", remedy=_RESTORE)


def _content(descriptor: int) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as stream:
        stream.seek(0)
        return stream.read()


def _write(descriptor: int, line: bytes, *, at: int) -> None:
    """All of the line or, when the disk refuses, none of it."""
    try:
        written = 0
        while written < len(line):
            written += os.pwrite(descriptor, line[written:], at + written)
        os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, at)
        raise
