"""A person lets one candidate pass one gate, for a while, with a reason and a name under it.

sign_waiver(ledger, policy, key, gate=, digest=, reason=, expires_at=, now=) -> Entry
waive_first_release(ledger, policy, key, previous, digest=, reason=, expires_at=, now=) -> tuple[Entry, ...]
of_gate(entries, gate=, digest=, now=) -> WaiversOfGate    the one in force, and why others are not
refusal(waiver, now) -> str                                the rules, for both
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from release.candidate import Release
from release.errors import NotReady
from release.ledger import Entry, Ledger, select
from release.policy import Policy
from release.signing import SignerKind, SigningKey
from release.statement import Waiver

DAYS_MAX = 14
REASON_CHARACTERS_MIN = 10


@dataclass(frozen=True, slots=True)
class WaiversOfGate:
    """What people said of one gate for one candidate."""

    in_force: tuple[Entry, Waiver] | None
    """The newest that obeys the rules."""
    refused: tuple[str, ...]
    """A sentence for each that does not count."""


def refusal(waiver: Waiver, now: datetime) -> str:
    """Why the waiver does not count at `now`, or nothing. It must have a reason, end within 14 days and not have ended."""
    if len(waiver.reason.strip()) < REASON_CHARACTERS_MIN:
        return f"The waiver of {waiver.owner} gives no reason of at least {REASON_CHARACTERS_MIN} characters."
    if waiver.expires_at > waiver.at + timedelta(days=DAYS_MAX):
        return f"The waiver of {waiver.owner} is for more than {DAYS_MAX} days."
    if waiver.at > now + timedelta(minutes=5):
        return f"The waiver of {waiver.owner} is dated in the future."
    if waiver.expires_at <= now:
        return f"The waiver of {waiver.owner} expired at {waiver.expires_at:%Y-%m-%d %H:%M} UTC."
    return ""


def of_gate(entries: Iterable[Entry], *, gate: str, digest: str, now: datetime) -> WaiversOfGate:
    """What counts of the waivers for exactly this gate and this digest."""
    in_force: tuple[Entry, Waiver] | None = None
    refused: list[str] = []
    for entry, waiver in select(entries, Waiver, gate=gate):
        if entry.digest != digest:
            refused.append(f"The waiver of {waiver.owner} is for another candidate, {entry.digest[7:19]}.")
        elif why := refusal(waiver, now):
            refused.append(why)
        else:
            in_force = (entry, waiver)
    return WaiversOfGate(in_force, tuple(refused))


def sign_waiver(
    ledger: Ledger,
    policy: Policy,
    key: SigningKey,
    *,
    gate: str,
    digest: str,
    reason: str,
    expires_at: datetime,
    now: datetime,
) -> Entry:
    """Records a person's waiver. Raises NotReady when the rules do not allow it, PolicyInvalid when there is no such gate."""
    if key.kind is not SignerKind.PERSON:
        raise NotReady("The pipeline cannot waive for itself: a person signs.")
    if not policy.gate(gate).is_blocking:
        raise NotReady(f"Gate {gate} is advisory: it stops nothing, so there is nothing to waive.")
    waiver = Waiver(gate=gate, owner=key.name, reason=reason, at=now, expires_at=expires_at)
    if why := refusal(waiver, now):
        raise NotReady(why)
    return ledger.append(Waiver.TYPE, digest, waiver, key)


def waive_first_release(
    ledger: Ledger,
    policy: Policy,
    key: SigningKey,
    previous: Release | None,
    *,
    digest: str,
    reason: str,
    expires_at: datetime,
    now: datetime,
) -> tuple[Entry, ...]:
    """One waiver for each blocking gate that compares with a previous release, while production has none to compare with.

    Raises NotReady when production does run one: then those gates can tell, and must.
    """
    if previous is not None:
        raise NotReady(f"Production runs {previous.short}: this is no first release, and its gates can be run.")
    gates = [gate.name for gate in policy.gates.values() if gate.needs_previous and gate.is_blocking]
    return tuple(
        sign_waiver(ledger, policy, key, gate=gate, digest=digest, reason=reason, expires_at=expires_at, now=now)
        for gate in gates
    )
