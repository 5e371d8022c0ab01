"""Going back: by itself on a breach, by hand in one command, and after a process that was killed on the way.

withdraw   a candidate that is on its way in: traffic back, pin back, slot stopped
rollback   whatever runs: a candidate on its way is withdrawn, else the previous release comes back
guard      watches a release that is in for as long as the one before it is kept, and rolls back on a breach
recover    finds what a killed promotion or rollback left, and goes on to a stable state

Always in this order: the traffic (customers notice nothing else), the pin (so that no agent turns it round), then the bad
slot: SIGTERM ends its work in flight, and what it has not acknowledged goes back to the broker and to the stable slot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from release.candidate import Release
from release.errors import NotReady
from release.pins import Pin, Pinned
from release.ring import Journal, Line, Note, Parts, Place, Turn
from release.verdict import Verdict
from release.watch import Instruments, Sample, watch

BLIND_PAUSE_S = 5.0
HALT_WAIT_S_MAX = 180.0
"""A promotion notices within a second while it watches; while a slot is starting it takes until that ends."""


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What was done, and how long it took. `traffic_s` is until the gateway said that all traffic is on `to`."""

    environment: str
    left: str
    to: str
    traffic_s: float
    total_s: float


def withdraw(place: Place, parts: Parts, *, by: str, why: str) -> None:
    """A candidate that is pinned loses its traffic, its pin and its slot; the slot also when it is pinned no more."""
    pinned = place.pinned()
    if pinned is None:
        return
    if pinned.pin.candidate is not None:
        place.all_to(pinned.pin.slot)
        stable = pinned.pin.without_candidate(ledger=parts.records.head(), at=parts.now(), by=by)
        pinned = place.pin(stable, after=pinned, why=f"without candidate: {why}")
    place.apply(pinned.pin)


def rollback(
    place: Place, parts: Parts, turn: Turn, journal: Journal, *, by: str, why: str, leaving: str = ""
) -> RolledBack:
    """All traffic to the release before, then the bad one stops. Raises NotReady when there is none to go back to.

    Does not wait for a promotion that is under way: the traffic moves first, then that promotion is told to end itself.
    `leaving` is the digest to go away from, when it may be no other.
    """
    started, begun = parts.now(), parts.clock.now()
    pinned = place.pinned()
    target, slot, left = _target(place, pinned)
    if leaving not in ("", left.digest):
        raise NotReady(f"{place.name} is leaving {left.short} already, not {leaving}; nothing was changed.")
    journal.write(Note("rollback", left.digest, f"{by}: {why}"))
    traffic_s = _move(place, parts, slot, target, begun)
    with turn.interrupt(by, why, wait_s=HALT_WAIT_S_MAX):
        _settle(place, parts, target, by=by, why=why)
        journal.clear()
    total_s = parts.clock.now() - begun
    _record(place, parts, target, left, why=f"{by}: {why}", started=started, figures={"traffic_s": traffic_s})
    parts.say(
        f"  {place.name}: back on {target.short} after {traffic_s:.1f} s, {left.short} stopped after {total_s:.1f} s"
    )
    return RolledBack(place.name, left.digest, target.digest, traffic_s, total_s)


def _target(place: Place, pinned: Pinned | None) -> tuple[Release, str, Release]:
    """The release to go to, its slot, and the one that is left."""
    if pinned is None:
        raise NotReady(f"Nothing was ever released to {place.name}.")
    pin = pinned.pin
    if pin.candidate is not None:
        return pin.release, pin.slot, pin.candidate
    if pin.previous is None:
        raise NotReady(
            f"{place.name} has no previous release to go back to.", remedy="Promote the one you want instead."
        )
    return pin.previous, pin.idle_slot, pin.release


def _move(place: Place, parts: Parts, slot: str, target: Release, begun: float) -> float:
    """The traffic. A previous release that was stopped already is started first. Seconds since `begun`."""
    pinned = place.pinned()
    stable = pinned is not None and pinned.pin.slot == slot
    # The stable slot of a promotion takes traffic now; whatever its health says this second, it is the better one.
    if not stable and not place.is_up(slot, target):
        parts.say(f"  {place.name}: {target.short} is not up any more; it is started first")
        place.start(slot, target)
    place.all_to(slot)
    return round(parts.clock.now() - begun, 3)


def _settle(place: Place, parts: Parts, target: Release, *, by: str, why: str) -> None:
    """The pin says what the traffic does already; then the bad slot is drained and stopped."""
    pinned = place.pinned()
    assert pinned is not None
    after = _back_to(pinned.pin, target, ledger=parts.records.head(), at=parts.now(), by=by)
    if after is not None:
        pinned = place.pin(after, after=pinned, why=f"rolled back: {why}")
    place.apply(pinned.pin)


def _back_to(pin: Pin, target: Release, *, ledger: str, at: datetime, by: str) -> Pin | None:
    """The pin that goes back to `target`; None when it is there already (a halted promotion has undone itself)."""
    if pin.candidate is not None and pin.release.digest == target.digest:
        return pin.without_candidate(ledger=ledger, at=at, by=by)
    if pin.release.digest == target.digest:
        return None
    if pin.previous is None or pin.previous.digest != target.digest:
        raise NotReady(f"{pin.environment} was pinned to {pin.release.short} meanwhile; look before going back.")
    if pin.candidate is not None:
        pin = pin.without_candidate(ledger=ledger, at=at, by=by)
    return pin.rolled_back(ledger=ledger, at=at, by=by)


def _record(
    place: Place,
    parts: Parts,
    target: Release,
    left: Release,
    *,
    why: str,
    started: datetime,
    figures: dict[str, float],
    step: str = "rollback",
    outcome: str = "rolled back",
) -> None:
    line = Line(place.name, target.digest, left.digest, step, 0, outcome, why, started, parts.now(), figures)
    parts.records.step(line)


# -- afterwards ---------------------------------------------------------------------------------------------------------------


def guard(place: Place, parts: Parts, turn: Turn, journal: Journal, *, by: str = "guard") -> RolledBack | None:
    """Watches the release that is in until the one before it is kept no longer; rolls back on a breach and says so.

    Returns None when the time passed well, or when another promotion took over. Missing figures alone take no release back
    that was let in: they are reported, and watching goes on.
    """
    pinned = place.pinned()
    if pinned is None or pinned.pin.candidate is not None or pinned.pin.kept_until is None:
        parts.say(f"  {place.name}: no release is kept, so there is nothing to guard")
        return None
    pin, started = pinned.pin, parts.now()
    # The slot of the release that is in is what was the candidate's a moment ago.
    with parts.instruments(pin.slot) as instruments:
        baseline = journal.baseline_of(pin.release.digest) or instruments.sample()
        breach = _watch_until(place, parts, turn, pin, instruments, baseline)
    if breach is None:
        parts.say(f"  {place.name}: {pin.release.short} is guarded no longer: something else is under way")
        return None
    if breach:
        parts.say(f"  {place.name}: {breach}")
        return rollback(place, parts, turn, journal, by=by, why=breach, leaving=pin.release.digest)
    place.apply(pin)
    assert pin.previous is not None
    line = Line(
        place.name, pin.previous.digest, pin.release.digest, "guard", 100, "done", "the keep time passed within the limits",
        started, parts.now(),
    )  # fmt: skip
    parts.records.step(line)
    return None


def _watch_until(
    place: Place, parts: Parts, turn: Turn, pin: Pin, instruments: Instruments, baseline: Sample
) -> str | None:
    """The breach that was seen while the previous release was kept; empty when none was, None when another took over."""
    assert pin.kept_until is not None

    def taken_over() -> str:
        return "a promotion or rollback has its turn" if turn.busy() else ""

    while (left_s := (pin.kept_until - parts.now()).total_seconds()) > 0:
        watched = watch(
            instruments, parts.limits, baseline, seconds=left_s, clock=parts.clock, halted=taken_over, requests_min=0
        )
        pinned = place.pinned()
        if taken_over() or pinned is None or pinned.pin != pin:
            return None
        if watched.verdict is Verdict.FAILED:
            return watched.why
        if watched.verdict is Verdict.ERRORED:
            parts.say(f"  {place.name}: {watched.why}; watching goes on")
            parts.clock.wait(BLIND_PAUSE_S)
    return ""


def recover(place: Place, parts: Parts, journal: Journal, *, by: str) -> str:
    """Goes on from where a killed promotion or rollback stopped, to a stable state. Returns what was done; empty: nothing was.

    Only for the holder of the turn: while a promotion lives, its candidate is its own business.
    """
    note, pinned, started = journal.read(), place.pinned(), parts.now()
    if note is None and (pinned is None or pinned.pin.candidate is None):
        return ""
    if pinned is None:
        place.stop_first()
        done = "the first release was being started: closed again"
    elif note is not None and note.kind == "rollback":
        done = _finish_rollback(place, parts, pinned, note, by)
    elif pinned.pin.candidate is not None:
        candidate, share = pinned.pin.candidate, pinned.pin.share
        withdraw(place, parts, by=by, why="its promotion was interrupted")
        done = f"a promotion was interrupted at {share} %: back to {pinned.pin.release.short}"
        _record(place, parts, pinned.pin.release, candidate, why=done, started=started, figures={}, step="recover")
    else:
        # Killed before its candidate was pinned, or after it was let in: the pin says all.
        place.apply(pinned.pin)
        done = _finish_settling(place, parts, pinned.pin, note, started)
    journal.clear()
    parts.say(f"  {place.name}: {done}")
    return done


def _finish_settling(place: Place, parts: Parts, pin: Pin, note: Note | None, started: datetime) -> str:
    if note is None or note.digest != pin.release.digest:
        return "a promotion was interrupted before its candidate came up"
    why = "a promotion was interrupted after its candidate was let in: finished"
    origin = pin.previous.digest if pin.previous else None
    parts.records.step(Line(place.name, origin, note.digest, "settle", 100, "done", why, started, parts.now()))
    return why


def _finish_rollback(place: Place, parts: Parts, pinned: Pinned, note: Note, by: str) -> str:
    """The one who wanted it back was killed after saying so: it is still wanted."""
    pin = pinned.pin
    left = pin.candidate or pin.release
    if left.digest != note.digest:
        place.apply(pin)
        return "a rollback was interrupted after its pin"
    target, slot, _ = _target(place, pinned)
    started = parts.now()
    _move(place, parts, slot, target, parts.clock.now())
    _settle(place, parts, target, by=by, why=note.why)
    _record(place, parts, target, left, why=note.why, started=started, figures={})
    return f"a rollback was interrupted: finished, back on {target.short}"
