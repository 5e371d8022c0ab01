"""Drills: a promotion that must hold, and one that must not, with customers in the shop and everything measured.

python -m release drill rollback --times 5      a candidate that is bad on purpose is promoted: how long does anybody meet it?
python -m release drill promotion               the release in another digest is promoted: does any customer notice?

The bad candidate is the environment's own release with one patch, whose text must be there exactly once; the defect is one that no
smoke scenario meets, so that it shows only in customers' traffic. Gates are not asked: it is bad on purpose, and is never let in.
Bars: p95 of the first bad answer to all traffic on the stable slot under 30 s; no order lost or doubled; in a promotion that
holds, no bad answer at all.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from release import deployed, promotion, registry, rollback
from release.build import NAME
from release.candidate import Candidate, Release
from release.deployed import DeployedPlace, Deployment
from release.drill_load import Load, Reckoning, Where
from release.errors import NotReady, PromotionRefused
from release.pipeline import Pipeline
from release.results import GateResult
from release.ring import Parts, Ruling
from release.verdict import Verdict
from tools.prepare import credentials, engine

TRAFFIC_BACK_S_MAX = 30.0
LOOKS_PER_S = 30.0
ORDERS_PER_S = 1.0
CALM_S = 5.0
"""Customers come before the promotion and stay after it: what is normal is seen on both sides."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A patch of one file of the image."""

    file: str
    present: str
    instead: str


_LIST = "    products = await shop.queries.products()\n    prices = await shop.catalogue_prices.of(product.sku for"
DEFECTS = {
    "errors": Defect(
        "system/shop/entrypoints/api.py",
        _LIST,
        "    asked = globals().setdefault('_asked', []); asked.append(1)\n"
        "    if len(asked) % 3 == 0:\n        raise RuntimeError('every third customer sees no catalogue')\n" + _LIST,
    ),
    "slow": Defect(
        "system/shop/entrypoints/api.py",
        _LIST,
        "    import asyncio\n    await asyncio.sleep(4)\n" + _LIST,
    ),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One run. Times are seconds from the first bad answer; None when no answer was bad."""

    stopped: str
    judged_s: float | None
    traffic_s: float | None
    last_bad_s: float | None
    answers: int
    bad: int
    reckoning: Reckoning


# -- images ---------------------------------------------------------------------------------------------------------------------


def variant(pipeline: Pipeline, stable: Release, defect: Defect | None) -> Candidate:
    """The stable release's image with the defect, or only with another digest, in the registry. Raises NotReady."""
    address = registry.ensure(pipeline.home)
    with tempfile.TemporaryDirectory(prefix="drill-") as place:
        context = Path(place)
        lines = [f"FROM {stable.image}", f'LABEL alexandrite.drill="{time.time_ns()}"']
        if defect is not None:
            _patch(stable, defect, context / "patched.py")
            compile_ = f"python3 -m compileall -q -f --invalidation-mode unchecked-hash /app/{defect.file}"
            lines += [
                "USER 0:0",
                f"COPY --chmod=644 patched.py /app/{defect.file}",
                f"RUN {compile_}",
                "USER 10001:10001",
            ]
        (context / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
        tag = f"drill-{time.time_ns()}"
        _docker("build", "--quiet", "--tag", f"alexandrite/{tag}", str(context))
        digest = registry.push(f"alexandrite/{tag}", address, NAME, tag=tag)
    # It is built for nobody's use: its bill of materials is the stable release's, and it is in no ledger as a candidate.
    return Candidate(digest, stable.commit, f"{address}/{NAME}@{digest}", datetime.now(UTC), "0" * 64)


def _patch(stable: Release, defect: Defect, target: Path) -> None:
    name = f"drill-{time.time_ns()}"
    _docker("create", "--name", name, stable.image)
    try:
        _docker("cp", f"{name}:/app/{defect.file}", str(target))
    finally:
        _docker("rm", name)
    source = target.read_text(encoding="utf-8")
    if source.count(defect.present) != 1:
        raise NotReady(f"{defect.file} holds the text to patch {source.count(defect.present)} times, not once.")
    target.write_text(source.replace(defect.present, defect.instead), encoding="utf-8")


def _docker(*words: str) -> None:
    done = subprocess.run([*engine.docker(), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NotReady(f"`docker {words[0]}` failed: {done.stderr.strip()[-300:]}")


# -- runs -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TimedPlace(DeployedPlace):
    """Notes when the traffic was told to go back, and when the gateway said that it had."""

    told: list[float]
    back: list[float]

    def all_to(self, slot: str) -> float:
        """As always, with its times."""
        self.told.append(time.time())
        seconds = super().all_to(slot)
        self.back.append(time.time())
        return seconds


def on_purpose(parts: Parts, *, with_smoke: bool) -> Parts:
    """The parts of a drill: no gate is asked; smoke may have been seen passing for this very image before."""

    def seen_before(release: Release, tag: str) -> GateResult:
        now = datetime.now(UTC)
        return GateResult(f"{tag}-drill", Verdict.PASSED, (), now, now, passed=0)

    ruling = Ruling(Verdict.PASSED, ("a drill: no gate was asked",))
    return replace(parts, judge=lambda _: ruling, smoke=parts.smoke if with_smoke else seen_before)


def _where(deployment: Deployment) -> Where:
    environment = deployment.environment
    password = environment.secret("identity", credentials.DEMO)
    return Where(environment.url, str(environment.ca_file), password)


def bad_run(deployment: Deployment, bad: Candidate, *, looks_per_s: float, with_smoke: bool) -> Row:
    """Promotes the bad candidate among customers, and waits until it is gone. Raises NotReady when it was let in."""
    place = TimedPlace(deployment.environment, deployment.pipeline.pins, [], [])
    parts = on_purpose(deployment.parts, with_smoke=with_smoke)
    stopped = "it was let in"
    with Load(_where(deployment), looks_per_s=looks_per_s, orders_per_s=ORDERS_PER_S) as load:
        time.sleep(CALM_S)
        try:
            promotion.promote(place, parts, deployment.turn, deployment.journal, bad, by="drill")
        except PromotionRefused as refused:
            stopped = str(refused)
        else:
            rollback.rollback(
                place, parts, deployment.turn, deployment.journal, by="drill", why="a bad candidate was let in"
            )
        time.sleep(CALM_S)
    return row_of(stopped, load, told=place.told, back=place.back)


def row_of(stopped: str, load: Load, *, told: Sequence[float], back: Sequence[float]) -> Row:
    """The figures of one run, once its customers are gone."""
    bad = load.bad(since=0.0)
    first = bad[0].at if bad else None

    def after(moments: Sequence[float]) -> float | None:
        later = [moment - first for moment in moments if first is not None and moment >= first]
        return round(later[0], 2) if later else None

    last = round(bad[-1].at - first, 2) if first is not None else None
    return Row(stopped, after(told), after(back), last, len(load.answers), len(bad), load.reckon())


def table(rows: Sequence[Row]) -> str:
    """The rows, and the p95 of what counts."""
    lines = ["run  judged  traffic  last bad   answers   bad   orders  lost  doubled  findings  stopped by"]
    for number, row in enumerate(rows, 1):
        found = row.reckoning
        lines.append(
            f"{number:>3} {_s(row.judged_s)} {_s(row.traffic_s)}  {_s(row.last_bad_s)}  {row.answers:>8} {row.bad:>5} "
            f"{found.orders:>8} {found.lost:>5} {found.doubled:>8} {found.findings:>9}  {row.stopped[:110]}"
        )
    times = [row.traffic_s for row in rows if row.traffic_s is not None]
    shown = f"{p95(times):.1f} s" if times else "unknown"
    lines.append(f"p95 from the first bad answer to all traffic on the stable slot: {shown} of {len(rows)} runs")
    return "\n".join(lines)


def _s(value: float | None) -> str:
    return "      -" if value is None else f"{value:>5.1f} s"


def p95(values: Sequence[float]) -> float:
    """The smallest that at least 95 % of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * 0.95) - 1)]


def bar_is_met(rows: Sequence[Row]) -> bool:
    """Every run was noticed, in time, and no order was lost or doubled."""
    times = [row.traffic_s for row in rows if row.traffic_s is not None]
    harmless = all(row.reckoning.lost == row.reckoning.doubled == row.reckoning.findings == 0 for row in rows)
    return bool(rows) and len(times) == len(rows) and p95(times) < TRAFFIC_BACK_S_MAX and harmless


# -- commands -------------------------------------------------------------------------------------------------------------------


def _rollback(asked: argparse.Namespace, deployment: Deployment) -> int:
    stable = _stable(deployment)
    bad = variant(deployment.pipeline, stable, DEFECTS[asked.defect])
    print(f"drill: {stable.short} with the defect `{asked.defect}` is {bad.short}", flush=True)
    rows = []
    for number in range(asked.times):
        rows.append(bad_run(deployment, bad, looks_per_s=asked.rate, with_smoke=number == 0 or asked.smoke_each_time))
        print(table(rows), flush=True)
    met = bar_is_met(rows)
    print(f"rollback: {'met' if met else 'MISSED'}")
    return 0 if met else 1


def _promotion(asked: argparse.Namespace, deployment: Deployment) -> int:
    stable = _stable(deployment)
    twin = variant(deployment.pipeline, stable, None)
    place, parts = deployment.place, on_purpose(deployment.parts, with_smoke=True)
    print(f"drill: {stable.short} in another digest is {twin.short}", flush=True)
    with Load(_where(deployment), looks_per_s=asked.rate, orders_per_s=ORDERS_PER_S) as load:
        time.sleep(CALM_S)
        promoted = promotion.promote(place, parts, deployment.turn, deployment.journal, twin, by="drill")
        time.sleep(CALM_S)
        back = rollback.rollback(place, parts, deployment.turn, deployment.journal, by="drill", why="the drill is over")
        time.sleep(CALM_S)
    bad, found = load.bad(since=0.0), load.reckon()
    for step, seconds in promoted.seconds.items():
        print(f"  {step:<14} {seconds:7.1f} s")
    print(f"  rollback       {back.traffic_s:7.1f} s until all traffic was back, {back.total_s:.1f} s in all")
    print(
        f"  {len(load.answers)} looks at the catalogue, {len(bad)} bad; {found.orders} orders, {found.unanswered} unanswered"
    )
    print(f"  {found.lost} lost, {found.doubled} doubled, {found.findings} findings of the reconciliation")
    met = not bad and found.lost == found.doubled == found.findings == found.unanswered == 0
    print(f"promotion: {'met' if met else 'MISSED'}")
    return 0 if met else 1


def _stable(deployment: Deployment) -> Release:
    pinned = deployment.place.pinned()
    if pinned is None:
        raise NotReady(f"Nothing runs in {deployment.environment.name}.", remedy="Promote a candidate to it first.")
    if deployed.recover(deployment.pipeline, deployment.environment.name) is None:
        raise NotReady(f"A promotion to {deployment.environment.name} is under way.", remedy="Wait for its end.")
    return pinned.pin.release


def main(arguments: Sequence[str]) -> int:
    """Prints the figures; the exit status says whether the bar is met. Raises ReleaseError when the drill cannot be held."""
    parser = argparse.ArgumentParser(
        prog="python -m release drill", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True)
    for name, command in (("rollback", _rollback), ("promotion", _promotion)):
        kind = kinds.add_parser(name)
        kind.set_defaults(run=command)
        kind.add_argument("--environment", default="production")
        kind.add_argument("--rate", type=float, default=LOOKS_PER_S, help="looks at the catalogue per second")
        if name == "rollback":
            kind.add_argument("--times", type=int, default=5)
            kind.add_argument("--defect", choices=sorted(DEFECTS), default="errors")
            kind.add_argument("--smoke-each-time", action="store_true", help="not only before the first run")
    asked = parser.parse_args(list(arguments))
    status: int = asked.run(asked, Deployment.of(Pipeline.of_checkout(), asked.environment))
    return status
