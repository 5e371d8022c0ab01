"""One try to send a notice: what it comes to, and when the next one is. A letter is final once the mail server has taken it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Protocol
from uuid import UUID

from prometheus_client import Counter

from system.plumbing.mail.envelope import AddressUnusable, message_of, recipient
from system.plumbing.mail.notice import KeptNotice, NoticeState, Writer
from system.plumbing.mail.settings import MailSettings
from system.plumbing.mail.smtp import LetterRefused, PostUnavailable
from system.plumbing.metrics import GaugeQuery
from system.plumbing.telemetry import log

NOTICES = Counter(
    "alexandrite_notices_total", "Tries to send a letter, by what it is and how the try ended.", ["kind", "ended"]
)
MAIL_GAUGES = (
    GaugeQuery(
        "alexandrite_notices_waiting",
        "Letters that the mail server has not taken yet.",
        (),
        "SELECT count(*) AS value FROM notice WHERE state = 'waiting'",
    ),
    GaugeQuery(
        "alexandrite_notices_oldest_seconds",
        "Age of the oldest letter that the mail server has not taken yet.",
        (),
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0) AS value"
        " FROM notice WHERE state = 'waiting'",
    ),
)
HOUR = timedelta(hours=1)
UNKNOWN_KIND_S = 60.0


class TryAgain(Exception):
    """Not this time; `after_s` says when."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"again in {after_s:.1f} s")
        self.after_s = after_s


class Kept(Protocol):
    """The notices, as one try needs them. `box.KeptNotices` keeps the promises."""

    async def get(self, notice_id: UUID) -> KeptNotice | None: ...

    async def sent_to(self, address: str, *, since: datetime) -> tuple[int, datetime | None]: ...

    async def settle(self, notice_id: UUID, state: NoticeState, *, said: str | None, now: datetime) -> None: ...

    async def not_taken(self, notice_id: UUID, *, said: str) -> None: ...


class Post(Protocol):
    """Whoever takes letters. `smtp.SmtpPost` keeps the promise."""

    async def send(self, message: EmailMessage, *, to: str) -> None: ...


class Delivery:
    """Sends notices. Neither addresses nor words of letters stand in what it logs."""

    def __init__(
        self, kept: Kept, post: Post, writer: Writer, settings: MailSettings, *, now: Callable[[], datetime]
    ) -> None:
        self._kept = kept
        self._post = post
        self._writer = writer
        self._settings = settings
        self._now = now

    async def attempt(self, notice_id: UUID) -> None:
        """Sends the notice, unless that is over. Raises TryAgain when it still waits afterwards."""
        kept = await self._kept.get(notice_id)
        if kept is None or kept.state is not NoticeState.WAITING:
            return
        now = self._now()
        if now - kept.created_at > timedelta(seconds=self._settings.mail_give_up_after_s):
            await self._settle(kept, NoticeState.GIVEN_UP, said=kept.said)
            return
        if kept.notice.kind not in self._writer.kinds:
            # A younger release wrote it, and sends it when it is back.
            raise TryAgain(UNKNOWN_KIND_S)
        await self._wait_when_flooded(kept, now)
        await self._send(kept, now)

    async def _wait_when_flooded(self, kept: KeptNotice, now: datetime) -> None:
        count, first = await self._kept.sent_to(kept.notice.to, since=now - HOUR)
        if first is not None and count >= self._settings.mail_per_address_hourly_max:
            NOTICES.labels(kept.notice.kind, "held_back").inc()
            raise TryAgain(max(1.0, (first + HOUR - now).total_seconds()))

    async def _send(self, kept: KeptNotice, now: datetime) -> None:
        notice = kept.notice
        try:
            message = message_of(notice, self._writer.write(notice), sender=self._settings.mail_from, now=now)
            await self._post.send(message, to=recipient(notice.to).addr_spec)
        except (AddressUnusable, LetterRefused) as refusal:
            await self._settle(kept, NoticeState.REFUSED, said=str(refusal))
        except PostUnavailable as error:
            await self._kept.not_taken(notice.id, said=str(error)[:2000])
            NOTICES.labels(notice.kind, "not_taken").inc()
            log.warning("letter not taken", kind=notice.kind, notice_id=str(notice.id), attempts=kept.attempts + 1)
            raise TryAgain(self._backoff_s(kept.attempts)) from error
        else:
            await self._settle(kept, NoticeState.SENT, said=None)

    async def _settle(self, kept: KeptNotice, state: NoticeState, *, said: str | None) -> None:
        await self._kept.settle(kept.notice.id, state, said=said[:2000] if said else None, now=self._now())
        NOTICES.labels(kept.notice.kind, state.value).inc()
        tell = {NoticeState.SENT: log.info, NoticeState.GIVEN_UP: log.error}.get(state, log.warning)
        tell(
            f"letter {state.value}", kind=kept.notice.kind, notice_id=str(kept.notice.id), about=str(kept.notice.about)
        )

    def _backoff_s(self, attempts: int) -> float:
        ceiling = min(self._settings.mail_retry_base_s * 2.0 ** min(attempts, 30), self._settings.mail_retry_max_s)
        return float(ceiling * random.uniform(0.5, 1.0))
