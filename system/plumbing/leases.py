"""Leases on hash buckets of orders: two processes, or two versions, share the work; a dead one's share is taken over.

A process says in its name which slot of the deployment it lives in, and holds what that slot is to do (system/plumbing/steering.py): a
release that is being tried takes as much of the queued work as of the traffic, and none before it has any.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import Counter
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from system.kernel.ids import BUCKET_COUNT
from system.plumbing.metrics import LEASED_BUCKETS
from system.plumbing.steering import Steering, fair_share
from system.plumbing.telemetry import log, said_by

INSTANCE = f"{socket.gethostname()}-{os.getpid()}-{os.urandom(3).hex()}"

# One statement a round: eight services with three roles each ask it every two seconds, also when nothing happens. What it reads is
# the state before it, so this process is counted apart.
_RENEW = text("""
    WITH joined AS (
        INSERT INTO member (role, instance, expires_at)
        VALUES (:role, :me, clock_timestamp() + make_interval(secs => :ttl_s))
        ON CONFLICT (role, instance) DO UPDATE SET expires_at = excluded.expires_at
    ), forgotten AS (
        DELETE FROM member WHERE role = :role AND instance <> :me AND expires_at < clock_timestamp()
    ), renewed AS (
        UPDATE bucket_lease SET expires_at = clock_timestamp() + make_interval(secs => :ttl_s)
        WHERE role = :role AND holder = :me RETURNING bucket
    ), living AS (
        SELECT instance FROM member WHERE role = :role AND expires_at >= clock_timestamp() UNION SELECT :me
    )
    SELECT (SELECT array_agg(CASE WHEN instance LIKE '%/%' THEN split_part(instance, '/', 1) ELSE '' END) FROM living) AS slots,
           (SELECT array_agg(bucket) FROM renewed) AS mine
""")
_RELEASE = text("""
    UPDATE bucket_lease SET holder = NULL, expires_at = NULL
    WHERE role = :role AND holder = :me AND bucket = ANY(:buckets)
""")
_TAKE = text("""
    UPDATE bucket_lease SET holder = :me, expires_at = clock_timestamp() + make_interval(secs => :ttl_s)
    WHERE role = :role AND bucket IN (
        SELECT bucket FROM bucket_lease
        WHERE role = :role AND (holder IS NULL OR expires_at < clock_timestamp())
        ORDER BY bucket LIMIT :wanted FOR UPDATE SKIP LOCKED)
    RETURNING bucket
""")
_LEAVE_MEMBER = text("DELETE FROM member WHERE role = :role AND instance = :me")
_LEAVE_BUCKETS = text("UPDATE bucket_lease SET holder = NULL, expires_at = NULL WHERE role = :role AND holder = :me")


class Leases:
    """The buckets that this process may work on in one role. `held()` is empty once the lease may have run out."""

    def __init__(
        self, engine: AsyncEngine, role: str, *, ttl_s: float = 6.0, instance: str = INSTANCE,
        slot: str = "", steering: Steering | None = None, on_change: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._role = role
        self._ttl_s = ttl_s
        self._slot = slot
        self._steering = steering
        self._instance = f"{slot}/{instance}" if slot else instance
        self._on_change = on_change
        self._buckets: frozenset[int] = frozenset()
        self._valid_until = 0.0

    def held(self) -> frozenset[int]:
        """The buckets leased right now. Judged by this machine's monotonic clock, a little before the database would."""
        return self._buckets if self.is_valid else frozenset()

    @property
    def is_valid(self) -> bool:
        """Whether this process is known as a member now. One whose slot is to do nothing yet is, and holds no bucket."""
        return time.monotonic() < self._valid_until

    async def run(self) -> None:
        """Renews until cancelled, then gives everything back."""
        try:
            while True:
                try:
                    await self.renew()
                except Exception as error:
                    log.warning("lease not renewed", role=self._role, error=said_by(error))
                await asyncio.sleep(self._ttl_s / 3)
        finally:
            await self._give_back()

    async def renew(self) -> frozenset[int]:
        """One round: renew what is held, give up more than a fair share, take what is free."""
        started = time.monotonic()
        me = {"role": self._role, "me": self._instance, "ttl_s": self._ttl_s}
        async with self._engine.connect() as plain:
            # Each statement is complete by itself, and most rounds are the first one alone.
            connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
            known = (await connection.execute(_RENEW, me)).one()
            work = self._steering.work() if self._steering else {}
            fair = fair_share(BUCKET_COUNT, mine=self._slot, members=Counter(known.slots), work=work)
            mine = set(known.mine or ())
            if len(mine) > fair:
                surplus = sorted(mine)[fair:]
                await connection.execute(_RELEASE, me | {"buckets": surplus})
                mine -= set(surplus)
            elif len(mine) < fair:
                mine |= {row.bucket for row in await connection.execute(_TAKE, me | {"wanted": fair - len(mine)})}
        changed = frozenset(mine) != self._buckets
        self._buckets = frozenset(mine)
        self._valid_until = started + self._ttl_s * 0.9
        LEASED_BUCKETS.labels(self._role).set(len(mine))
        if changed and self._on_change is not None:
            self._on_change()
        return self._buckets

    async def _give_back(self) -> None:
        self._buckets = frozenset()
        try:
            async with asyncio.timeout(2), self._engine.begin() as connection:
                await connection.execute(_LEAVE_MEMBER, {"role": self._role, "me": self._instance})
                await connection.execute(_LEAVE_BUCKETS, {"role": self._role, "me": self._instance})
        except Exception as error:
            log.info("leases left to expire", role=self._role, error=said_by(error))
